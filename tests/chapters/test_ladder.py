"""The equations of the ladder in its own cells, by enumeration; its rows against the results."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from benchmarks.ladder.page import CELLS, rows
from helpers.data import images
from helpers.distributions import Categorical
from helpers.metrics import mean_and_standard_error
from helpers.models import VAE, ChowLiuTree, IndependentCategorical
from helpers.networks import MLP
from helpers.random import seeded
from tests.chapters.cells import run_cells
from tests.networks.layers import randomise
from tests.printed import tex
from tests.statistics import assert_mean_close

PAGE = "concepts/ladder"


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    """The chapter's cells `ids`, with what its imports cell gives them."""
    given: dict[str, Any] = {"torch": torch, "math": math, "nn": nn, "images": images}
    return run_cells(PAGE, ["tiny", *ids], **(given | names))


@pytest.mark.equation("eq-ladder-nll")
def test_the_score_is_the_logarithm_of_the_product() -> None:
    """The joint probability of independent images, in plain products."""
    cells = lesson()
    model = IndependentCategorical((4,), 3).fit(cells["patches"])
    x = cells["patches"][:9]
    table = model.log_prob(cells["every"]).exp().tolist()
    of = dict(zip(map(tuple, cells["every"].tolist()), table, strict=True))
    printed = tex("eq-ladder-nll")(N=9, x=[tuple(v) for v in x.tolist()], P=of.__getitem__)
    together = math.prod(of[tuple(v)] for v in x.tolist())
    assert printed == pytest.approx(-math.log(together) / 9)
    assert printed == pytest.approx(-model.log_prob(x).mean().item(), abs=1e-5)


def tree(cells: dict[str, Any]) -> Tensor:
    """log P of all images, (81,), for a tree that has learnt something."""
    log_p: Tensor = ChowLiuTree(3).fit(cells["patches"]).log_prob(cells["every"]).double()
    return log_p


@pytest.mark.equation("eq-ladder-sum")
def test_the_probabilities_of_all_images_sum_to_one() -> None:
    """One for a tree's probabilities, whatever it has learnt; half of it for halves of them."""
    cells = lesson()
    log_p = tree(cells)
    total = tex("eq-ladder-sum", side=0)
    assert total({"x": range(81), "X_cal": range(81), "P": log_p.exp().tolist().__getitem__}) == (
        pytest.approx(1, abs=1e-5)
    )
    half = tex("eq-ladder-sum", side=0)(
        {"x": range(81), "X_cal": range(81), "P": (0.5 * log_p.exp()).tolist().__getitem__}
    )
    assert half == pytest.approx(0.5, abs=1e-5)


@pytest.mark.equation("eq-ladder-floor")
def test_no_model_is_below_the_entropy(seed: int) -> None:
    """SciPy's entropy; equality for the data's own distribution, and the gap a divergence."""
    cells = lesson()
    p = cells["p"].numpy() + 1e-3
    p /= p.sum()
    assert cells["entropy"] == pytest.approx(stats.entropy(cells["p"].numpy()))
    left, right = (tex("eq-ladder-floor", side=k) for k in (0, 1))
    q = torch.rand(81, generator=seeded(seed)).double().softmax(0).numpy()

    def value(side: Any, model: np.ndarray) -> float:
        given = {"x": range(81), "p": p.tolist().__getitem__, "P": model.tolist().__getitem__}
        return float(side(given))

    assert value(right, q) == pytest.approx(stats.entropy(p))
    assert value(left, p) == pytest.approx(stats.entropy(p))
    assert value(left, q) - value(right, q) == pytest.approx(stats.entropy(p, q))


@pytest.mark.equation("eq-ladder-bound")
def test_exponentials_of_a_bound_sum_to_less_than_one(seed: int) -> None:
    """The bound of the cell against the exact likelihood of a VAE by quadrature of its code."""
    cells = lesson("bound-sums")
    vae = VAE(MLP(4, [7], 2), MLP(1, [7], (3, 4)), 1, likelihood=Categorical)
    randomise(vae.decoder, 0.9)
    randomise(vae.encoder, 0.05)  # close to the prior: weights without heavy tails
    every, n = cells["every"], 4000
    weights = vae.log_prob_bound(every.repeat(n, 1), num_samples=1, rng=seeded(seed + 1))
    weights = weights.double().reshape(n, -1)
    bounds = cells["bounds_of"](weights)
    z = torch.linspace(-8, 8, 2001).double()
    with torch.no_grad():
        decoded = vae.likelihood(z[:, None])
        joint = torch.stack([decoded.log_prob(x.expand(2001, 4)) for x in every], 1)
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(z)
    exact = torch.logsumexp(joint.double() + prior[:, None], 0) + math.log(16 / 2000)
    assert exact.exp().sum().item() == pytest.approx(1, abs=1e-4)
    assert_mean_close(weights.exp(), exact.exp())
    top = tex("eq-ladder-bound", side=2)
    middle = tex("eq-ladder-bound", side=1)
    total = tex("eq-ladder-bound", statement=1, side=0)
    for k, bound in bounds.items():
        groups = weights.exp().reshape(n // k, k, -1)
        for i in (0, 40, 80):
            printed = middle({"E": torch.mean, "k": k, "w": list(groups[:, :, i].T)})
            assert printed.item() == pytest.approx(bound[i].item())
            assert top({"P": exact.exp().tolist().__getitem__, "x": i}) == pytest.approx(
                exact[i].item()
            )
        shown = {k: bound.tolist().__getitem__}
        given = {"x": range(81), "X_cal": range(81), "k": k, "L_cal": shown}
        assert total(given) == pytest.approx(bound.exp().sum().item())
    assert (bounds[1] <= exact + 0.01).all()
    assert bounds[1].exp().sum() < bounds[100].exp().sum() < 1.01


@pytest.mark.equation("eq-ladder-paired")
def test_the_error_of_a_difference_is_that_of_paired_scores(seed: int) -> None:
    """SciPy's paired t statistic is the mean difference over this error."""
    a = torch.randn(40, generator=seeded(seed)).double()
    b = a + 0.3 * torch.randn(40, generator=seeded(seed + 1)).double() - 0.2
    d = [tex("eq-ladder-paired", statement=1)(a=a, b=b, n=n) for n in range(1, 41)]
    assert d == pytest.approx((a - b).tolist())
    printed = tex("eq-ladder-paired")({"N": 40, "d": d, "d_bar": sum(d) / 40})
    t = stats.ttest_rel(a.numpy(), b.numpy()).statistic
    assert (a - b).mean().item() / printed == pytest.approx(t)
    assert printed == pytest.approx(mean_and_standard_error(a - b).standard_error)


@pytest.mark.parametrize(("identity", "name", "data"), CELLS)
def test_the_rows_of_the_page_are_those_of_the_result_files(
    identity: str, name: str, data: str
) -> None:
    shown = run_cells(PAGE, [identity])[name]
    recorded = [row for row in rows() if row["data"] == data]
    assert [row[0] for row in shown] == [row["model"].split(" (")[0] for row in recorded]
    for row, record in zip(shown, recorded, strict=True):
        assert row[1] == ("bound" if record["bound"] else "exact")
        assert row[-1] == pytest.approx(record["test"], abs=0.0051)
        assert len(record["seeds"]) == len(record["test"])
