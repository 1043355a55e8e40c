"""The chapter's own lines: losses, quadrature, loop, schedules, and the tables from their files."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import nn
from torch.nn import functional as F

from helpers import plotting
from helpers.networks import MLP
from helpers.objectives import discriminator_loss
from helpers.random import seeded
from tests.chapters.cells import run_cells
from tests.printed import tex

PAGE = "models/gan"


@pytest.fixture(autouse=True)
def _float32() -> None:
    torch.set_default_dtype(torch.float32)  # the fixture of all tests puts it back


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    given = {"torch": torch, "math": math, "F": F, "nn": nn, "seeded": seeded, "seed": 3}
    return run_cells(PAGE, list(ids), **given, **names)


@pytest.mark.equation("eq-gan-jensen-shannon")
def test_the_chapters_quadrature() -> None:
    """Independent answer: the divergence by Monte Carlo with five standard errors."""
    cells = lesson("value", "quadrature", "quadrature-js")
    torch.manual_seed(0)
    first, second = torch.distributions.Normal(-0.5, 0.8), torch.distributions.Normal(0.7, 1.3)

    def half(one: torch.distributions.Normal, other: torch.distributions.Normal) -> torch.Tensor:
        x = one.sample((200_000,))
        ratio = other.log_prob(x) - one.log_prob(x)
        return math.log(2) - torch.log1p(ratio.exp())

    terms = 0.5 * (half(first, second) + half(second, first))
    assert abs(terms.mean() - cells["js"]) < 5 * terms.std() / math.sqrt(len(terms))


def test_the_printed_losses_fail_as_the_page_says() -> None:
    cells = lesson("value", "e1-losses")
    a, b = torch.randn(2, 5)
    torch.testing.assert_close(cells["printed_e1"](a, b), -discriminator_loss(a, b))
    torch.testing.assert_close(cells["printed_e18"](a, b), F.softplus(-a) - F.softplus(b))


def test_the_chapters_loop_is_the_helpers_step() -> None:
    cells = lesson("discriminator-step", "generator-step", "game", "two-games", "step-agrees")
    assert len(cells["same"]) == 8
    assert all(cells["same"])


@pytest.mark.equation("eq-gan-noise")
def test_the_noise_falls_by_equal_factors() -> None:
    """Independent answer: the two ends, one factor a step between them, and rest in the end."""
    noise, steps = lesson("noise", ring_steps=80)["noise"], 80
    printed = tex("eq-gan-noise")
    for k in range(steps):
        assert noise(k) == pytest.approx(printed({"s_0": 0.4, "s_1": 0.004}, k=k, K=steps))
    assert noise(0) == 0.4
    for k in range(60, steps):
        assert noise(k) == pytest.approx(0.004)
    for k in range(60):
        assert noise(k + 1) / noise(k) == pytest.approx(0.01 ** (1 / 60))


@pytest.mark.equation("eq-gan-rates")
def test_the_rates_fall_as_the_root_of_the_noise_and_once_more() -> None:
    """Independent answer: the square of the rate is the noise; a line from 1 to 1/50 at the end."""
    cells = lesson("noise", "rate", ring_steps=80)
    noise, rate = cells["noise"], cells["rate"]
    printed = tex("eq-gan-rates")
    for k in range(80):
        symbols = {"alpha_0": 0.7, "s_0": 0.4, "s_k": noise(k)}
        assert 0.7 * rate(k) == pytest.approx(printed(symbols, k=k, K=80))
    for k in range(61):
        assert rate(k) ** 2 * 0.4 == pytest.approx(noise(k))
    for k in range(61, 80):
        assert rate(k) / rate(60) == pytest.approx(max((80 - k) / 20, 1 / 50))


def test_r1_is_as_strong_on_average_as_in_each_step() -> None:
    cells = lesson("noise", "r1-weight", ring_steps=800, ring=type("Ring", (), {"std": 0.01}))
    noise, weight = cells["noise"], cells["r1_weight"]
    assert [weight(k) > 0 for k in range(8)] == [True, False, False, False] * 2
    for first, strength in ((0, 2.0), (600, 0.2)):
        mean = sum(weight(first + k) for k in range(8)) / 8
        expected = sum(strength * (noise(first + k) ** 2 + 0.01**2) for k in (0, 4)) / 2
        assert mean == pytest.approx(expected)


@pytest.mark.equation("eq-gan-duality", frozen="999ad91d")
def test_the_chapters_bound_holds_for_any_critic(seed: int) -> None:
    """Independent answer: the best assignment, for critics that were not trained at all."""
    torch.manual_seed(seed)
    a, b = torch.randn(12, 2), 1 + torch.randn(12, 2)
    distances = torch.cdist(a, b)
    rows, columns = linear_sum_assignment(distances.numpy())
    best = distances[rows, columns].mean()
    for _ in range(3):
        cells = lesson("duality", a=a, b=b, critic=MLP(2, [16], 1), plotting=plotting)
        assert cells["exact"].item() == pytest.approx(best.item(), rel=1e-5)
        assert abs(cells["value"] / cells["steepest"]) <= best + 1e-5
