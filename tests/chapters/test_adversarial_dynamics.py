"""The chapter's own lines against series, autograd and numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from helpers.games import (
    Alternating,
    DiracGAN,
    Extragradient,
    Optimistic,
    Simultaneous,
    bilinear_game,
    game_field,
    play,
)
from helpers.optim import Adam
from helpers.random import seeded
from tests.chapters.cells import run_cells
from tests.printed import tex

PAGE = "optimisation/adversarial_dynamics"


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    """The chapter's imports and its cells `ids`; `names` are what these need from other cells."""
    return run_cells(PAGE, ["imports", *ids], **names)


@pytest.mark.equation("eq-dynamics-simultaneous")
@pytest.mark.equation("eq-dynamics-alternating")
@pytest.mark.equation("eq-dynamics-extragradient")
@pytest.mark.equation("eq-dynamics-optimistic")
def test_the_chapters_steps_equal_the_rules_in_the_dirac_gan(seed: int) -> None:
    """The tested rules of the package, on a game that the chapter does not use for it."""
    steps = lesson("steps-code", "steps-ahead")
    field = DiracGAN(gamma=0.2, noise_std=0.6)
    start = torch.randn(2, generator=seeded(seed))
    pairs = [
        (steps["simultaneous"], Simultaneous(0.2), {}),
        (steps["alternating"], Alternating(0.2), {}),
        (steps["alternating"], Alternating(0.2, momentum=-0.3), {"beta": -0.3}),
        (steps["extragradient"], Extragradient(0.2), {}),
        (steps["optimistic"], Optimistic(0.2), {}),
    ]
    for step, rule, options in pairs:
        point, before, path = start, start, [start]
        for _ in range(20):
            point, before = step(field, point, before, 0.2, **options), point
            path.append(point)
        assert torch.allclose(torch.stack(path), play(rule, field, start, steps=20), atol=1e-12)


@pytest.mark.equation("eq-dynamics-ema")
@pytest.mark.parametrize("w", [0.5, 0.9, 0.96])
@pytest.mark.parametrize("mu", [0.98 * np.exp(0.3j), np.exp(0.1j), 1.03 * np.exp(-0.7j)])
def test_gain_of_a_moving_average_on_an_orbit(w: float, mu: complex) -> None:
    """The weighted sum over the past, term by term, for decaying, circling and growing orbits."""
    source = lesson("ema-code")
    orbit = mu ** np.arange(3000)
    path = torch.tensor(np.stack([orbit.real, orbit.imag], 1))
    mean = source["moving_average"](path, w)
    terms = (1 - w) * w ** np.arange(3000)
    brute = (terms * orbit[::-1]).sum()
    gain = tex("eq-dynamics-ema")(w=w, mu=mu)
    assert abs(brute) / abs(orbit[-1]) == pytest.approx(gain, rel=1e-8)
    assert (mean[-1].norm() / path[-1].norm()).item() == pytest.approx(gain, rel=1e-8)


@pytest.mark.equation("eq-dynamics-momentum")
def test_largest_root_of_the_chapters_polynomial(seed: int) -> None:
    """Growth of the recursion written out step by step."""
    names = lesson("momentum-code")
    for h, beta in ((0.5, -0.4), (0.8, 0.3), (1.2, -0.2)):
        x, y, dx, dy = 1.0, 0.3, 0.0, 0.0
        sizes = []
        for _ in range(2000):
            dx = beta * dx - h * y
            x += dx
            dy = beta * dy + h * x
            y += dy
            size = math.hypot(x, y, dx, dy)
            sizes.append(math.log(size))
            x, y, dx, dy = (value / size for value in (x, y, dx, dy))
        growth = math.exp(np.mean(sizes[500:]))
        assert growth == pytest.approx(names["momentum_root"](h, beta, 3), rel=2e-3)


def test_alternating_adam_equals_torch_by_turns(seed: int) -> None:
    alternate = lesson("adam-code")
    start = torch.randn(2, generator=seeded(seed))
    path = alternate["alternate"](Adam(lr=0.05, betas=(0.5, 0.9)), bilinear_game, start, 40)
    x, y = (value.clone().requires_grad_() for value in start.split(1))
    players = [torch.optim.Adam([p], lr=0.05, betas=(0.5, 0.9)) for p in (x, y)]
    for t in range(40):
        for player, own, sign in zip(players, (x, y), (1, -1)):
            (own.grad,) = torch.autograd.grad((sign * x * y).sum(), own)
            player.step()
        assert torch.allclose(path[t + 1], torch.cat([x, y]).detach(), atol=1e-10)


def test_the_networks_field_is_each_players_own_gradient(seed: int) -> None:
    """Two separate losses, differentiated by finite differences along random directions."""
    names = lesson("network-code", "network-players", "network-field")
    draws = seeded(seed)
    size = names["size_g"] + sum(math.prod(s) for s in names["wide_d"])
    p = torch.randn(size, generator=draws) / 3
    real, z = torch.randn(2, 7, 2, generator=draws)

    def losses(q: torch.Tensor) -> tuple[float, float]:
        fake, x = names["judge"](q, names["generate"](q, z)), real.clone().requires_grad_()
        logits = names["judge"](q, x)
        (slope,) = torch.autograd.grad(logits.sum(), x)
        loss_d = F.softplus(-logits).mean() + F.softplus(fake).mean()
        loss_d = loss_d + 0.7 / 2 * slope.norm(dim=1).square().mean()
        return F.softplus(-fake).mean().item(), loss_d.item()

    field = names["gan_field"](real, z, 0.7)(p)
    together = names["gan_field"](real, z, 0.7)(torch.stack([p, p / 2]))
    assert torch.allclose(together[0], field, atol=1e-12)  # starts do not see each other
    for player, own in enumerate((slice(0, names["size_g"]), slice(names["size_g"], None))):
        direction = torch.zeros(size)
        direction[own] = torch.randn(direction[own].shape, generator=draws)
        h = 1e-6
        ahead, behind = losses(p + h * direction)[player], losses(p - h * direction)[player]
        assert (ahead - behind) / (2 * h) == pytest.approx((field @ direction).item(), abs=1e-6)


def test_the_discrepancy_is_a_double_sum(seed: int) -> None:
    mmd = lesson("network-measure", seed=seed)["mmd"]
    x, y = (torch.randn(n, 2, generator=seeded(seed + n)) for n in (5, 8))

    def kernel(a: torch.Tensor, b: torch.Tensor) -> float:
        square = ((a - b) ** 2).sum().item()
        return sum(math.exp(-square / (2 * s**2)) for s in (0.25, 0.5, 1.0, 2.0)) / 4

    def mean(a: torch.Tensor, b: torch.Tensor, same: bool) -> float:
        pairs = [
            kernel(u, v) for i, u in enumerate(a) for j, v in enumerate(b) if not (same and i == j)
        ]
        return sum(pairs) / len(pairs)

    expected = mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)
    assert mmd(x, y) == pytest.approx(expected, abs=1e-10)


def test_exercise_game_has_the_field_it_says() -> None:
    field = game_field(lambda p: p[..., 0] ** 2 / 2 + p[..., 0] * p[..., 1] - p[..., 1] ** 2 / 2)
    assert torch.allclose(field(torch.tensor([2.0, 3.0])), torch.tensor([5.0, 1.0]))
