"""The chapter against enumeration, autograd and simulation; its numbers against the result file."""

from __future__ import annotations

import io
import json
import math
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from torch import nn
from torch.nn import functional as F

from helpers.random import seeded
from tests.chapters.cells import imported, run_cells
from tests.printed import tex

PAGE = "optimisation/better_training"
RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
NOTEBOOK = Path(__file__).resolve().parents[2] / "book" / f"{PAGE}.ipynb"


def lesson(*ids: str, single: bool = False, **names: object) -> dict[str, Any]:
    """Run cells, in single precision as a notebook does if asked to; their names."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32 if single else before)
    try:
        with redirect_stdout(io.StringIO()):
            return run_cells(PAGE, list(ids), **imported(PAGE), **names)
    finally:
        torch.set_default_dtype(before)


def figures() -> dict[str, Any]:
    """What the result file has measured."""
    found: dict[str, Any] = json.loads((RESULTS / "levers.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.equation("eq-training-paired")
def test_paired_standard_error_is_that_of_the_differences(seed: int) -> None:
    """Numpy on the differences; and the spread of the mean over many experiments of five pairs."""
    n, r, s_a, s_b, many = 5, 0.7, 1.3, 0.8, 40_000
    names = lesson("paired", "apart")
    rng = np.random.default_rng(seed)
    cov = [[s_a**2, r * s_a * s_b], [r * s_a * s_b, s_b**2]]
    pairs = rng.multivariate_normal([0.4, 0.1], cov, size=(many, n))
    a, b = torch.tensor(pairs[0]).T
    direct = np.diff(pairs[0]).std(ddof=1) / math.sqrt(n)
    assert names["paired_error"](a, b).item() == pytest.approx(direct)
    printed = tex("eq-training-paired")
    own = np.corrcoef(a, b)[0, 1]
    squared = printed(n=n, r=own, s_a=a.std().item(), s_b=b.std().item())
    assert squared == pytest.approx(direct**2)
    formula = printed(n=n, r=r, s_a=s_a, s_b=s_b)
    means = (pairs[..., 0] - pairs[..., 1]).mean(1)
    assert abs(means.var() - formula) < 5 * formula * math.sqrt(2 / many)
    alone = names["apart_error"](a, b).item()
    assert alone**2 == pytest.approx(printed(n=n, r=0.0, s_a=a.std().item(), s_b=b.std().item()))


@pytest.mark.equation("eq-training-flip", frozen="b375b51b")
def test_the_price_of_a_flip_is_at_most_log_two(seed: int) -> None:
    """Scipy's relative entropy for random distributions, and the two extremes."""
    from scipy.special import rel_entr

    price = lesson("price")["price"]
    rng = np.random.default_rng(seed)
    for _ in range(50):
        p = rng.dirichlet(np.full(7, 0.3))
        cost = price(torch.tensor(p)).item()
        assert cost == pytest.approx(rel_entr(p, (p + p[::-1]) / 2).sum(), abs=1e-12)
        assert -1e-12 < cost <= math.log(2) + 1e-12
    assert price(torch.tensor([0.2, 0.3, 0.3, 0.2])).item() == pytest.approx(0.0, abs=1e-12)
    assert price(torch.tensor([0.7, 0.3, 0.0, 0.0])).item() == pytest.approx(math.log(2))


@pytest.mark.equation("eq-training-decay")
def test_weight_decay_is_descent_on_the_penalty(seed: int) -> None:
    """Autograd on loss plus penalty; torch's SGD, and its AdamW without a gradient."""
    step = lesson("shrink")["decay_step"]
    w = torch.randn(6, generator=seeded(seed), requires_grad=True)
    target, rate, strength = torch.randn(6, generator=seeded(seed + 1)), 0.1, 0.7
    loss = ((w - target) ** 3).sum()
    (g,) = torch.autograd.grad(loss, w, retain_graph=True)
    (whole,) = torch.autograd.grad(loss + 0.5 * strength * w.square().sum(), w)
    found = step(w, g, rate, strength)
    assert torch.allclose(found, w - rate * whole)
    printed = tex("eq-training-decay")
    for k in range(6):
        value = printed({"lambda": strength}, w=w[k].item(), g=g[k].item(), eta=rate)
        assert value == pytest.approx(found[k].item())
    for make, slope in ((torch.optim.SGD, g), (torch.optim.AdamW, torch.zeros_like(g))):
        free = nn.Parameter(w.detach().clone())
        free.grad = slope.clone()
        make([free], lr=rate, weight_decay=strength).step()
        assert torch.allclose(free, step(w, slope, rate, strength))


@pytest.mark.equation("eq-training-soft")
def test_soft_thresholding_minimises_the_penalised_distance(seed: int) -> None:
    """Scipy's scalar minimiser, on both sides of the threshold."""
    step = lesson("shrink")["threshold_step"]
    printed = tex("eq-training-soft")
    moved = tex("eq-training-soft", statement=1)
    rate = 0.4
    for w, g, strength in torch.rand(12, 3, generator=seeded(seed)).tolist():
        w = 2 * w - 1
        u = moved(w=w, g=g, eta=rate)
        found = minimize_scalar(
            lambda x, u=u, t=rate * strength: 0.5 * (x - u) ** 2 + t * abs(x),
            bounds=(-2.5, 2.5),
            method="bounded",
            options={"xatol": 1e-9},
        )
        taken = step(torch.tensor(w), g, rate, strength).item()
        assert found.x == pytest.approx(taken, abs=1e-5)
        value = printed({"lambda": strength, "sign": np.sign}, u=u, eta=rate)
        assert value == pytest.approx(taken, abs=1e-12)


@pytest.mark.equation("eq-training-dropout")
def test_dropout_keeps_the_mean_and_adds_variance(seed: int) -> None:
    """Moments of many draws of the chapter's dropout, and of torch's."""
    h, p, n = 1.7, 0.3, 60_000
    torch.manual_seed(seed)
    names = lesson("dropout-code")
    kept = tex("eq-training-dropout")
    mean = tex("eq-training-dropout", statement=1)(h=h)
    variance = tex("eq-training-dropout", statement=2)(h=h, p=p)
    for drop in (lambda x: names["dropout"](x, p, seeded(seed)), nn.Dropout(p)):
        drawn = drop(torch.full((n,), h))
        assert abs(drawn.mean().item() - mean) < 5 * math.sqrt(variance / n)
        # two values: the variance of (x − mean)² is variance² · (1 − 4pq) / pq
        spread = variance * math.sqrt((1 - 4 * p * (1 - p)) / (p * (1 - p)) / n)
        assert abs(drawn.var().item() - variance) < 5 * spread
        faces = {round(value, 9) for value in drawn.unique().tolist()}
        assert faces == {round(kept(m=m, h=h, p=p), 9) for m in (0, 1)}


@pytest.mark.equation("eq-training-variance")
def test_second_moments_multiply_through_the_layers(seed: int) -> None:
    """Simulation over many random networks of one width, and the chapter's twenty layers."""
    torch.manual_seed(seed)
    n, v, many = 20, 0.17, 3000
    first = tex("eq-training-variance", side=1)
    second = tex("eq-training-variance", side=2)
    h = F.relu(torch.randn(n))
    W = torch.randn(many, n, n) * math.sqrt(v)
    after = (W @ h).square().mean(1)
    error = after.std() / math.sqrt(many)
    assert abs(after.mean() - first({"h_l-1": h, "E": torch.mean}, n=n, v=v)) < 5 * error
    a = 1.7 * torch.randn(200_000)
    halved = n * v * F.relu(a).square()
    error = halved.std() / math.sqrt(len(a))
    expected = second({"E": lambda x: x.mean(), "a_l-1": a}, n=n, v=v)
    assert abs(halved.mean() - expected) < 5 * error
    found = lesson("depth", "depth-table", single=True, seed=seed)
    # a layer's root mean square has a relative error of sqrt(5 / 256) / 2, 19 layers of
    # sqrt(5 / 256 / 19) / 2 = 0.016
    for name, factor in (("half of He's", 0.5), ("He's", 1.0), ("twice He's", 2.0)):
        assert found["factor"][name] == pytest.approx(factor, rel=0.08)
    # normalised, one layer has sqrt(3 / 256) / 2 = 0.054 and a ratio of two layers 0.077; without
    # normalisation the ratio would be 2**18
    normal = found["shown"]["twice, normalised"][0]
    assert 0.6 < (normal[-1] / normal[1]).item() < 1.5


@pytest.mark.equation("eq-training-batchnorm")
def test_batch_normalisation_is_that_of_torch(seed: int) -> None:
    """torch.nn.BatchNorm1d with weights away from its initial ones."""
    B, units, eps = 7, 3, 1e-5
    g = seeded(seed)
    a = 2 + 3 * torch.randn(B, units, generator=g)
    gamma, beta = torch.randn(2, units, generator=g)
    theirs = nn.BatchNorm1d(units, eps=eps)
    with torch.no_grad():
        theirs.weight.copy_(gamma)
        theirs.bias.copy_(beta)
    expected = theirs(a)
    found = lesson("norms")["batch_norm"](a, gamma, beta)
    assert torch.allclose(found, expected)
    out, mean, variance = (tex("eq-training-batchnorm", statement=k) for k in range(3))
    for i in range(units):
        column = a[:, i].tolist()
        m = mean(B=B, a=column)
        v = variance(B=B, a=column, m=m)
        for b in range(B):
            names = {"gamma": gamma[i].item(), "beta": beta[i].item(), "epsilon": eps}
            value = out(names, a=column, b=b + 1, m=m, v=v)
            assert value == pytest.approx(expected[b, i].item())


@pytest.mark.equation("eq-training-layernorm")
def test_layer_normalisation_takes_the_scale_out(seed: int) -> None:
    """Torch's layer norm; autograd: the gradient at larger weights is smaller by the scale."""
    g = seeded(seed)
    W, h, c = torch.randn(5, 4, generator=g), torch.randn(3, 4, generator=g), 3.7
    target = torch.randn(3, 5, generator=g)
    ours = lesson("layer-norm")["layer_norm"]
    gamma, beta = torch.randn(2, 5, generator=g)
    assert torch.allclose(ours(h @ W.T, gamma, beta), F.layer_norm(h @ W.T, (5,), gamma, beta))

    def LN(a: torch.Tensor) -> torch.Tensor:
        a = torch.as_tensor(a)
        return ours(a[None] if a.ndim == 1 else a, 1.0, 0.0, eps=0.0)

    sides = [tex("eq-training-layernorm", side=k)(W=W, h=h[0], c=c, LN=LN) for k in (0, 1)]
    assert torch.allclose(sides[0], sides[1])
    bare = [
        tex("eq-training-layernorm", side=k)(W=W, h=h[0], c=c, LN=torch.as_tensor) for k in (0, 1)
    ]
    assert torch.allclose(bare[0], c * bare[1])

    def slope(weights: torch.Tensor) -> torch.Tensor:
        weights = torch.as_tensor(weights).clone().requires_grad_()
        loss = (LN(h @ weights.T) - target).pow(4).sum()
        return torch.autograd.grad(loss, weights)[0]

    sides = [tex("eq-training-layernorm", statement=1, side=k) for k in (0, 1)]
    left, right = (side(W=W, c=c, nabla_W_L_cal=slope) for side in sides)
    assert torch.allclose(left, right)
    assert not torch.allclose(left, slope(W))


def test_the_page_says_what_the_result_file_says() -> None:
    """Every difference in the text and in the cells is one of the file's."""
    measured = figures()["figures"]
    found = lesson("measured", "measured-more")["measured"]
    typed = {name: row for rows in found.values() for name, row in rows.items()}
    assert set(typed) == set(measured)
    allowed = set()
    for name, row in typed.items():
        assert len(measured[name]["best"]["values"]) >= 5
        times = [measured[name][when]["difference"] for when in ("30", "best", "120")]
        pairs = [(round(d["mean"], 2), round(d["standard_error"], 2)) for d in times]
        assert list(row[:6]) == [number for pair in pairs for number in pair], name
        assert row[6] == round(np.median(measured[name]["best_epoch"])), name
        allowed |= {f"{mean:+.2f} ± {error:.2f}".replace("-", "−") for mean, error in pairs}
    late = np.array(measured["batch normalisation"]["120"]["values"])
    late = late - np.array(measured["base"]["120"]["values"])
    error = late.std(ddof=1) / math.sqrt(len(late))
    allowed |= {f"{late.mean():+.2f} ± {error:.2f}".replace("-", "−")}
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    text = "".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    quoted = set(re.findall(r"[+−]\d+\.\d+ ± \d+\.\d+", text))
    assert len(quoted) > 10
    assert quoted <= allowed
    base = measured["base"]["best"]["test"]
    assert f"{base['mean']:.2f} ± {base['standard_error']:.2f}" in text
    one, two = (
        100 * np.array(measured[name]["accuracy"]) for name in ("base", "classification too")
    )
    for values in (one, two, two - one):
        error = values.std(ddof=1) / math.sqrt(len(values))
        assert f"{values.mean():.1f} ± {error:.1f}" in text


def test_differences_in_the_result_file_are_paired() -> None:
    """From the values of the seeds, with numpy; the seeds of the tuning are not among them."""
    found = figures()
    assert not set(found["seeds"]) & set(found["tuned_on"])
    base = np.array(found["figures"]["base"]["best"]["values"])
    for entry in found["figures"].values():
        for when in ("30", "best", "120"):
            gap = np.array(entry[when]["values"]) - base
            difference = entry[when]["difference"]
            assert difference["mean"] == pytest.approx(gap.mean(), abs=2e-3)
            error = gap.std(ddof=1) / math.sqrt(len(gap))
            assert difference["standard_error"] == pytest.approx(error, abs=2e-3)


def test_pairing_pays_in_about_half_of_the_rows() -> None:
    """How often the paired error is the smaller one, from the values of the seeds, with numpy."""
    found = figures()["figures"]
    base = np.array(found.pop("base")["best"]["values"])
    paid = []
    for when in ("30", "best", "120"):
        rows = [np.array(row[when]["values"]) for row in found.values()]
        paid.append(sum((a - base).var() < a.var() + base.var() for a in rows))
    first, best, last = paid
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    (text,) = ("".join(cell["source"]) for cell in cells if cell["id"] == "levers-text")
    assert f"({first}, {best} and {last} of {len(rows)} at the three times)" in text


def test_pairs_share_their_start_and_their_batches() -> None:
    names = lesson(
        "data", "model", "score", "trial", single=True, device="cpu", seed=0, epochs=1, samples=2
    )
    torch.set_default_dtype(torch.float32)
    values = []
    for number in (3, 3, 4):
        model = names["make_model"](number)
        names["train_model"](model, number)
        values.append(names["score"](model, names["test"].levels))
    assert values[0] == values[1]
    assert values[0] != values[2]


def test_the_log_variance_grows_with_the_square_of_the_weights(seed: int) -> None:
    """Two layers without biases are homogeneous of degree two in their weights."""
    cells = ("data", "model", "start", "first-look")
    names = lesson(*cells, single=True, device="cpu", seed=seed)
    torch.set_default_dtype(torch.float32)
    looks = []
    for scale, log_variances in ((1, 1), (3, 3), (3, 1)):
        model = names["make_model"](seed)
        names["start_from"](model, scale, log_variances)
        looks.append(names["first_look"](model)[0])
    assert looks[1] == pytest.approx(9 * looks[0], rel=1e-4)
    assert looks[2] == pytest.approx(3 * looks[0], rel=1e-4)
