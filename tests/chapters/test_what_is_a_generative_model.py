"""The equations of the chapter, in the chapter's own cells, against independent answers."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy import integrate, optimize, stats
from sklearn.metrics import mutual_info_score
from sklearn.naive_bayes import CategoricalNB
from torch import Tensor
from torch.distributions import Normal

from helpers.random import seeded
from tests.chapters.cells import run_cells
from tests.printed import tex
from tests.statistics import assert_mean_close

PAGE = "background/what_is_a_generative_model"


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    """The chapter's cells `ids`, after its own imports; `names` replace what these set."""
    known = run_cells(PAGE, ["imports"], dataset="digits", device="cpu") | {"Normal": Normal}
    return run_cells(PAGE, list(ids), **(known | names))


@pytest.fixture
def labelled(seed: int) -> tuple[Tensor, Tensor]:
    """Images (60, 1, 2, 3) of 5 levels in 4 classes, each class with its own frequencies."""
    draws = seeded(seed)
    y = torch.arange(60) % 4
    tables = torch.rand(4, 6, 5, generator=draws) ** 3 + 0.02
    x = torch.multinomial(tables[y].flatten(0, 1), 1, generator=draws)
    return x.reshape(60, 1, 2, 3), y


@pytest.mark.equation("eq-generative-joint", "eq-generative-bayes")
def test_joint_and_posterior_by_scipys_densities() -> None:
    """SciPy's normal densities in the formulas, against the chapter's functions."""
    world = lesson("toy-world", "toy")
    joint, total = (tex("eq-generative-joint", statement=s) for s in (0, 1))
    bayes = tex("eq-generative-bayes")
    for x in (-1.7, -0.4, 0.3, 1.1):
        expected = world["joint"](torch.tensor([x]))[0].tolist()
        found = [joint(p=toy_density, x=x, y=y) for y in (0, 1)]
        assert found == pytest.approx(expected)
        margin = total(p=lambda x, y: toy_density(x, y) * toy_density(y), x=x, y=range(2))
        assert margin == pytest.approx(sum(expected))
        posterior = world["posterior"](torch.tensor([x]))[0].tolist()
        found = [bayes({"y'": range(2)}, p=toy_density, x=x, y=y) for y in (0, 1)]
        assert found == pytest.approx(posterior)


def toy_density(*given: float) -> float:
    """SciPy's p(y) or, of x and y, p(x | y), in the world as the text states it."""
    y = int(given[-1])
    if len(given) == 1:
        return (0.6, 0.4)[y]
    return float(stats.norm.pdf(given[0], (-1.2, 1.0)[y], (0.5, 0.9)[y]))


@pytest.mark.equation("eq-generative-joint")
def test_joint_density_is_that_of_ancestral_samples(seed: int) -> None:
    """Shares of ancestral samples in intervals, for each label, against integrals of p(x, y)."""
    world = lesson("toy-world", "toy", "draw", "sample-joint")
    x, y = world["sample_joint"](40_000, seeded(seed))
    edges = {0: (-9.0, -1.6, -1.1, -0.7, 9.0), 1: (-9.0, 0.0, 0.7, 1.9, 9.0)}
    for label, ends in edges.items():
        for low, high in pairwise(ends):
            mass, _ = integrate.quad(
                lambda v, y=label: world["joint"](torch.tensor([v]))[0, y].item(),
                low,
                high,
                points=[-1.2, 1.0],
                epsabs=1e-10,
            )
            inside = (y == label) & (x > low) & (x <= high)
            assert_mean_close(inside.double(), mass)
    total, _ = integrate.quad(lambda v: world["joint"](torch.tensor([v])).sum().item(), -9, 9)
    assert total == pytest.approx(1.0, abs=1e-9)


@pytest.mark.equation("eq-generative-bayes")
def test_posterior_is_the_share_of_labels_among_samples_near_x(seed: int) -> None:
    """Share of label 1 among simulated pairs in narrow intervals, against Bayes' rule there."""
    world = lesson("toy-world", "toy")
    n = 400_000
    draws = seeded(seed)
    y = (torch.rand(n, generator=draws) < 0.4).long()  # the world as the text states it
    mean, std = torch.tensor([-1.2, 1.0])[y], torch.tensor([0.5, 0.9])[y]
    x = mean + std * torch.randn(n, generator=draws)
    for centre in (-1.0, -0.4, 0.0, 0.5):
        near = (x - centre).abs() < 0.05
        expected = world["posterior"](x[near])[:, 1]
        assert_mean_close(y[near] - expected, 0.0)
    total = world["posterior"](torch.linspace(-4, 4, 7)).sum(1)
    torch.testing.assert_close(total, torch.ones(7))


@pytest.mark.equation("eq-generative-bayes")
def test_classes_posterior_is_sklearns_naive_bayes(labelled: tuple[Tensor, Tensor]) -> None:
    """Posterior of the class-conditional model against scikit-learn's CategoricalNB."""
    x, y = labelled
    reference = CategoricalNB(alpha=0.7, min_categories=5).fit(x.flatten(1).numpy(), y.numpy())
    cells = lesson("independent", "log-likelihood")
    tables = [cells["frequencies"](x[y == c], 5, 0.7) for c in range(4)]
    log_joint = torch.stack([cells["log_likelihood"](t, x) for t in tables], 1)
    log_joint = log_joint + (y.bincount() / len(y)).log()
    expected = torch.as_tensor(reference.predict_proba(x.flatten(1).numpy()))
    torch.testing.assert_close(log_joint.softmax(1), expected)


@pytest.mark.equation("eq-generative-inverse")
def test_inverse_cdf_gives_each_level_its_share_of_the_unit_interval(seed: int) -> None:
    """Levels at 20,000 equally spaced u, for random tables, against the probabilities."""
    draw = lesson("draw")["draw"]
    p = torch.rand(3, 7, generator=seeded(seed))
    p[1, 0] = p[0, 3] = p[2, 6] = 0.0
    p = p / p.sum(-1, keepdim=True)
    u = (torch.arange(20_000) + 0.5) / 20_000
    printed = tex("eq-generative-inverse")
    for table in p:
        levels = draw(table.expand(len(u), -1), u)
        assert (levels.diff() >= 0).all()
        share = levels.bincount(minlength=7) / len(u)
        torch.testing.assert_close(share, table, atol=1.01 / 20_000, rtol=0)
        names = {"p": dict(enumerate(table.tolist())), "j": range(7), "k": range(7)}
        for i in range(500, 20_000, 1000):
            assert printed(names, u=u[i].item()) == levels[i]


def test_inverse_cdf_is_torchs_distribution_at_the_edges() -> None:
    draw = lesson("draw")["draw"]
    p = torch.tensor([0.25, 0.0, 0.5, 0.25]).expand(4, -1)
    u = torch.tensor([0.0, 0.25, math.nextafter(0.75, 0.0), 1 - 2**-53])
    assert draw(p, u).tolist() == [0, 2, 2, 3]


@pytest.mark.equation("eq-generative-kl")
def test_cross_entropy_is_entropy_plus_divergence_and_least_at_the_truth() -> None:
    """Quadrature of the chapter against SciPy's adaptive integrals and a numerical minimiser."""
    world = lesson("toy-world", "toy", "cross-entropy")
    x = torch.linspace(-8, 8, 4001)
    world["x"], world["p_a"] = x, world["joint"](x).sum(1)

    def p(v: Any) -> Any:
        return 0.6 * stats.norm.pdf(v, -1.2, 0.5) + 0.4 * stats.norm.pdf(v, 1.0, 0.9)

    def expectation(f: Any) -> float:
        return float(integrate.quad(lambda v: p(v) * f(v), -8, 8, limit=200)[0])

    def log_q(v: float) -> float:
        return float(stats.norm.logpdf(v, 0.3, 1.7))

    cross_entropy, entropy, kl = world["three_numbers"](Normal(0.3, 1.7).log_prob(x))
    assert cross_entropy.item() == pytest.approx(expectation(lambda v: -log_q(v)), abs=1e-7)
    assert entropy.item() == pytest.approx(expectation(lambda v: -math.log(p(v))), abs=1e-7)
    assert kl.item() == pytest.approx(expectation(lambda v: math.log(p(v)) - log_q(v)), abs=1e-7)
    assert cross_entropy.item() == pytest.approx((entropy + kl).item(), abs=1e-9)
    assert world["three_numbers"](world["p_a"].log())[2].item() == pytest.approx(0.0, abs=1e-12)
    grid = x.numpy()
    names = {
        "p_data": p,
        "p_theta": lambda v: stats.norm.pdf(v, 0.3, 1.7),
        "E": lambda values: np.trapezoid(p(grid) * values, grid),
    }
    left, right = (tex("eq-generative-kl", side=s)(names, x=grid) for s in (0, 1))
    assert left == pytest.approx(cross_entropy.item())
    assert right == pytest.approx(cross_entropy.item())

    # The best normal density has the moments of the mixture: 0.6·(−1.2) + 0.4·1.0 and so on.
    best = optimize.minimize(
        lambda t: world["three_numbers"](Normal(t[0], math.exp(t[1])).log_prob(x))[2].item(),
        [0.0, 0.0],
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-12},
    )
    mean = -0.32
    variance = 0.6 * (0.25 + 1.44) + 0.4 * (0.81 + 1.0) - mean**2
    assert best.x[0] == pytest.approx(mean, abs=1e-4)
    assert math.exp(2 * best.x[1]) == pytest.approx(variance, abs=1e-4)


@pytest.mark.equation("eq-generative-smoothing")
def test_smoothing_is_the_mean_under_a_dirichlet_density_and_the_counts() -> None:
    """Two levels: the posterior mean of a probability, integrated numerically with SciPy."""
    frequencies = lesson("independent")["frequencies"]
    levels = torch.tensor([0, 1, 1, 0, 1, 1, 1]).reshape(7, 1, 1, 1)
    for smoothing in (0.3, 1.0, 2.5):
        theta = frequencies(levels, 2, smoothing)

        def weight(t: float, a: float = smoothing) -> float:
            return float(t ** (2 + a - 1) * (1 - t) ** (5 + a - 1))

        mass, _ = integrate.quad(weight, 0, 1)
        moment, _ = integrate.quad(lambda t, w=weight: t * w(t), 0, 1)
        mean = moment / mass
        assert theta.shape == (1, 2)
        assert theta[0, 0].item() == pytest.approx(mean, abs=1e-7)
        assert theta.sum().item() == pytest.approx(1.0)


@pytest.mark.equation("eq-generative-smoothing")
def test_smoothed_tables_are_sklearns(labelled: tuple[Tensor, Tensor]) -> None:
    """Tables of one class against the feature probabilities of scikit-learn's CategoricalNB."""
    x, y = labelled
    reference = CategoricalNB(alpha=0.4, min_categories=5).fit(x.flatten(1).numpy(), y.numpy())
    theta = lesson("independent")["frequencies"](x[y == 2], 5, 0.4)
    expected = torch.stack([torch.as_tensor(f[2]) for f in reference.feature_log_prob_]).exp()
    torch.testing.assert_close(theta, expected)
    columns = x[y == 2].flatten(1).T
    names = {"c": lambda d: lambda k: int((columns[d - 1] == k).sum()), "K": 5, "N": 15, "a": 0.4}
    printed = tex("eq-generative-smoothing")
    found = [[printed(names, d=d, k=k) for k in range(5)] for d in range(1, 7)]
    torch.testing.assert_close(torch.tensor(found), expected)


@pytest.mark.equation("eq-generative-information")
def test_mutual_information_is_sklearns(labelled: tuple[Tensor, Tensor]) -> None:
    """Mutual information of pairs of pixels against scikit-learn's mutual_info_score."""
    columns = labelled[0].flatten(1).T
    information = lesson("information", K=5)["mutual_information"]
    for i in range(6):
        for j in range(6):
            expected = mutual_info_score(columns[i].numpy(), columns[j].numpy())
            value = information(columns[i], columns[j], 5).item()
            assert value == pytest.approx(expected, abs=1e-12)
    # Once more where each pair of levels occurs, so that no logarithm is that of zero.
    every = torch.cartesian_prod(torch.arange(5), torch.arange(5)).repeat(1, 3).T
    columns = torch.cat([columns, every], 1)

    def share(*events: Tensor) -> float:
        return float(torch.stack(events).all(0).double().mean())

    names = {"x": columns, "p": share, "k": range(5), "l": range(5)}
    for i, j in ((0, 1), (3, 2), (4, 5)):
        value = tex("eq-generative-information")(names, i=i + 1, j=j + 1)
        expected = mutual_info_score(columns[i].numpy(), columns[j].numpy())
        assert value == pytest.approx(expected)
        assert information(columns[i], columns[j], 5).item() == pytest.approx(expected)


def test_gradient_descent_of_the_chapter_reaches_the_frequencies(
    labelled: tuple[Tensor, Tensor],
) -> None:
    x, _ = labelled
    theta = lesson("independent")["frequencies"](x, 5, 0.6)
    names = {"theta": theta, "train": x, "smoothing": 0.6, "K": 5, "D": 6, "device": "cpu"}
    result = lesson("descent-start", "descent", descent_steps=2000, **names)
    torch.testing.assert_close(result["learnt"], theta, atol=1e-6, rtol=0)
