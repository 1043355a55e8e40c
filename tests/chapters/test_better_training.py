"""The chapter against enumeration, autograd and simulation; its table against the result file."""

from __future__ import annotations

import io
import json
import math
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from torch import nn
from torch.nn import functional as F

from helpers.random import seeded
from tests.chapters.cells import run_cells

PAGE = "optimisation/better_training"
RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"


def lesson(*ids: str, **names: object) -> tuple[dict[str, object], str]:
    """Run cells in single precision, as a notebook does; their names and what they print."""
    printed = io.StringIO()
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with redirect_stdout(printed):
            found = run_cells(PAGE, list(ids), **names)
    finally:
        torch.set_default_dtype(before)
    return found, printed.getvalue()


@pytest.mark.equation("eq-training-paired", frozen="68d23905")
def test_paired_standard_error_is_the_spread_over_repetitions(seed: int) -> None:
    """Simulation: the spread of the mean difference over many experiments of five pairs."""
    n, r, s_a, s_b, many = 5, 0.7, 1.3, 0.8, 40_000
    rng = np.random.default_rng(seed)
    cov = [[s_a**2, r * s_a * s_b], [r * s_a * s_b, s_b**2]]
    pairs = rng.multivariate_normal([0.4, 0.1], cov, size=(many, n))
    means = (pairs[..., 0] - pairs[..., 1]).mean(1)
    formula = (s_a**2 + s_b**2 - 2 * r * s_a * s_b) / n
    assert abs(means.var() - formula) < 5 * formula * math.sqrt(2 / many)


@pytest.mark.equation("eq-training-flip", frozen="b375b51b")
def test_the_price_of_a_flip_is_at_most_log_two(seed: int) -> None:
    """Enumeration with scipy's relative entropy, and the two extremes."""
    from scipy.special import rel_entr

    rng = np.random.default_rng(seed)
    for _ in range(50):
        p = rng.dirichlet(np.full(7, 0.3))
        cost = rel_entr(p, (p + p[::-1]) / 2).sum()
        assert -1e-12 < cost <= math.log(2) + 1e-12
    _, printed = lesson("imports", "flip-toy", device="cpu")
    costs = [float(line.split(":")[1].split()[0]) for line in printed.strip().splitlines()]
    assert 0 < costs[0] < math.log(2)
    assert costs[1] == pytest.approx(0.0, abs=1e-4)
    assert costs[2] == pytest.approx(math.log(2), abs=1e-4)


@pytest.mark.equation("eq-training-decay", frozen="e0fc428d")
def test_weight_decay_is_descent_on_the_penalty(seed: int) -> None:
    """Autograd on loss plus penalty; torch's SGD and its AdamW without a gradient."""
    w = torch.randn(6, generator=seeded(seed), requires_grad=True)
    target, rate, strength = torch.randn(6, generator=seeded(seed + 1)), 0.1, 0.7
    loss = ((w - target) ** 3).sum()
    (g,) = torch.autograd.grad(loss, w, retain_graph=True)
    (whole,) = torch.autograd.grad(loss + 0.5 * strength * w.square().sum(), w)
    formula = (1 - rate * strength) * w - rate * g
    assert torch.allclose(formula, w - rate * whole)
    for make in (torch.optim.SGD, torch.optim.AdamW):
        free = nn.Parameter(w.detach().clone())
        free.grad = torch.zeros_like(free)
        make([free], lr=rate, weight_decay=strength).step()
        assert torch.allclose(free, (1 - rate * strength) * w)


@pytest.mark.equation("eq-training-soft", frozen="791bc960")
def test_soft_thresholding_minimises_the_penalised_distance(seed: int) -> None:
    """Scipy's scalar minimiser, on both sides of the threshold."""
    g = seeded(seed)
    for u, threshold in torch.rand(12, 2, generator=g).tolist():
        u = 2 * u - 1
        found = minimize_scalar(
            lambda w, u=u, t=threshold: 0.5 * (w - u) ** 2 + t * abs(w),
            bounds=(-1.5, 1.5),
            method="bounded",
            options={"xatol": 1e-9},
        )
        formula = math.copysign(max(abs(u) - threshold, 0.0), u)
        assert found.x == pytest.approx(formula, abs=1e-5)
    shrunk, _ = lesson("imports", "shrink", device="cpu")
    assert shrunk["thresholded"].tolist() == pytest.approx([0.5, 0.0, 0.0], abs=1e-6)  # type: ignore[attr-defined]
    expected = [w * 0.95**10 for w in (1.0, 0.3, 0.02)]
    assert shrunk["decayed"].tolist() == pytest.approx(expected)  # type: ignore[attr-defined]


@pytest.mark.equation("eq-training-dropout", frozen="81ef045e")
def test_dropout_keeps_the_mean_and_adds_variance(seed: int) -> None:
    """Enumeration of both faces of the coin; the same moments of torch's Dropout."""
    h, p, n = 1.7, 0.3, 60_000
    faces = [(p, 0.0), (1 - p, h / (1 - p))]
    mean = sum(weight * value for weight, value in faces)
    variance = sum(weight * (value - mean) ** 2 for weight, value in faces)
    assert mean == pytest.approx(h)
    assert variance == pytest.approx(p / (1 - p) * h * h)
    torch.manual_seed(seed)
    drawn = nn.Dropout(p)(torch.full((n,), h))
    assert abs(drawn.mean().item() - h) < 5 * math.sqrt(variance / n)
    assert drawn.max().item() == pytest.approx(h / (1 - p))


@pytest.mark.equation("eq-training-variance", frozen="34d7a8bf")
def test_second_moments_multiply_through_the_layers(seed: int) -> None:
    """Simulation over many random networks of one width, and the chapter's twenty layers."""
    torch.manual_seed(seed)
    n, v, many = 20, 0.17, 3000
    h = torch.randn(n)
    before = F.relu(h).square().mean()
    W = torch.randn(many, n, n) * math.sqrt(v)
    after = (W @ F.relu(h)).square().mean(1)
    error = after.std() / math.sqrt(many)
    assert abs(after.mean() - n * v * before) < 5 * error
    a = torch.randn(200_000)
    halved = F.relu(a).square()
    assert abs(halved.mean() - 0.5) < 5 * halved.std() / math.sqrt(len(a))
    found, _ = lesson("imports", "depth", device="cpu", seed=seed)
    forward = {name: pair[0] for name, pair in found["shown"].items()}  # type: ignore[attr-defined]
    for name, factor in (("half of He's", 0.5), ("He", 1.0), ("twice He's", 2.0)):
        per_layer = (forward[name][-1] / forward[name][0]).item() ** (1 / 19)
        # a layer's root mean square has a relative error of sqrt(5 / 256) / 2, 19 layers of
        # sqrt(5 / 256 / 19) / 2 = 0.016
        assert per_layer == pytest.approx(factor, rel=0.08)
    # normalised, one layer has sqrt(3 / 256) / 2 = 0.054 and a ratio of two layers 0.077; without
    # normalisation the ratio would be 2**18
    normal = forward["twice, normalised"]
    assert 0.6 < (normal[-1] / normal[1]).item() < 1.5


@pytest.mark.equation("eq-training-layernorm", frozen="651d1a3d")
def test_layer_normalisation_takes_the_scale_out(seed: int) -> None:
    """Autograd: the loss is that of the unscaled weights, its gradient smaller by the scale."""
    g = seeded(seed)
    W, h, c = torch.randn(5, 4, generator=g), torch.randn(3, 4, generator=g), 3.7
    target = torch.randn(3, 5, generator=g)

    def loss(W: torch.Tensor) -> torch.Tensor:
        return (F.layer_norm(h @ W.T, (5,), eps=0.0) - target).pow(4).sum()

    slopes = []
    for scale in (1.0, c):
        weights = (scale * W).requires_grad_()
        slopes.append(torch.autograd.grad(loss(weights), weights)[0])
    assert loss(c * W).item() == pytest.approx(loss(W).item(), rel=1e-9)
    assert torch.allclose(slopes[1], slopes[0] / c, rtol=1e-7)


def test_the_page_says_what_the_result_file_says() -> None:
    figures = json.loads((RESULTS / "levers.json").read_text(encoding="utf-8"))["figures"]
    found, _ = lesson("measured")
    measured = {
        name: pair
        for settings in found["measured"].values()  # type: ignore[attr-defined]
        for name, pair in settings.items()
    }
    assert set(measured) == set(figures) - {"base"}
    notebook = json.loads(
        (Path(__file__).resolve().parents[2] / "book" / f"{PAGE}.ipynb").read_text("utf-8")
    )
    page = "".join("".join(cell["source"]) for cell in notebook["cells"])
    for name, pair in measured.items():
        difference = figures[name]["difference"]
        assert pair == (round(difference["mean"], 2), round(difference["standard_error"], 2))
        assert len(figures[name]["values"]) >= 5
        text = f"{difference['mean']:+.2f} ± {difference['standard_error']:.2f}".replace("-", "−")
        assert text in page, name
    base = figures["base"]["validation"]
    assert f"{base['mean']:.2f} ± {base['standard_error']:.2f}" in page


def test_differences_in_the_result_file_are_paired() -> None:
    """From the values of the seeds, with numpy."""
    figures = json.loads((RESULTS / "levers.json").read_text(encoding="utf-8"))["figures"]
    base = np.array(figures["base"]["values"])
    for entry in figures.values():
        gap = np.array(entry["values"]) - base
        assert entry["difference"]["mean"] == pytest.approx(gap.mean(), abs=2e-3)
        error = gap.std(ddof=1) / math.sqrt(len(gap))
        assert entry["difference"]["standard_error"] == pytest.approx(error, abs=2e-3)


def test_pairs_share_their_start_and_their_batches() -> None:
    names, _ = lesson("imports", "trial", device="cpu", epochs=1)
    trial = names["trial"]
    torch.set_default_dtype(torch.float32)
    try:
        values = [trial(seed, epochs=1)[1] for seed in (3, 3, 4)]  # type: ignore[operator]
    finally:
        torch.set_default_dtype(torch.float64)
    assert values[0] == values[1]
    assert values[0] != values[2]
