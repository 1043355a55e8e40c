"""Ways to play against matrix algebra in numpy, root finding and their own defining equations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import root

from helpers.games.fields import DiracGAN, bilinear_game, game_field
from helpers.games.ways_to_play import (
    Alternating,
    Extragradient,
    Optimistic,
    Proximal,
    Simultaneous,
    play,
)
from helpers.random import seeded

RULES = [Simultaneous(0.2), Alternating(0.2), Proximal(0.2), Extragradient(0.2), Optimistic(0.2)]


def linear_game(seed: int) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    return draws.normal(size=(5, 5)) / 2, draws.normal(size=5)


@pytest.mark.equation("eq-dynamics-simultaneous", frozen="5f76d3f5")
@pytest.mark.equation("eq-dynamics-proximal", frozen="6d3e0fd3")
@pytest.mark.equation("eq-dynamics-extragradient", frozen="3086541f")
def test_rules_that_do_not_look_back_are_matrix_powers(seed: int) -> None:
    """Powers of I - hA, of its implicit and of its quadratic version, by numpy."""
    a, start = linear_game(seed)
    h, eye = np.array([0.1, 0.2, 0.05, 0.3, 0.15]), np.eye(5)
    ha = h[:, None] * a
    expected = {
        Simultaneous: eye - ha,
        Proximal: np.linalg.inv(eye + ha),
        Extragradient: eye - ha + ha @ ha,
    }
    field = lambda p: p @ torch.tensor(a).T  # noqa: E731
    for make, matrix in expected.items():
        path = play(make(torch.tensor(h)), field, torch.tensor(start), steps=9)
        assert np.allclose(path[-1], np.linalg.matrix_power(matrix, 9) @ start, atol=1e-12)


@pytest.mark.equation("eq-dynamics-alternating", frozen="cce29233")
@pytest.mark.parametrize("beta", [0.0, -0.4, 0.6])
def test_alternating_play_is_a_product_of_two_half_steps(beta: float, seed: int) -> None:
    """Two block-triangular matrices by numpy."""
    a, start = linear_game(seed)
    h, first = 0.2, 2
    path = play(
        Alternating(h, momentum=beta, first=first),
        lambda p: p @ torch.tensor(a).T,
        torch.tensor(start),
        steps=8,
    ).numpy()
    half_x, half_y = np.eye(5), np.eye(5)
    half_x[:first] -= h * a[:first]
    half_y[first:] -= h * a[first:]
    before, now = start, start
    for t in range(8):
        carry = beta * (now - before)
        middle = half_x @ now
        middle[:first] += carry[:first]
        after = half_y @ middle
        after[first:] += carry[first:]
        before, now = now, after
        assert np.allclose(path[t + 1], now, atol=1e-12)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_batch_of_games_is_played_one_by_one(rule, seed: int, device: torch.device) -> None:
    start = torch.randn(3, 4, 2, generator=seeded(seed)).to(device)
    before = start.clone()
    gan = DiracGAN(gamma=0.4, noise_std=0.5)
    together = play(rule, gan, start, steps=5)
    assert together.shape == (6, 3, 4, 2)
    assert torch.equal(start, before)
    assert not together.requires_grad
    assert torch.allclose(together[:, 1, 2], play(rule, gan, start[1, 2], steps=5), atol=1e-12)


def test_two_time_scales_are_one_game_in_other_units(seed: int) -> None:
    # Scaling y by c scales its gradient by c, so its own step must be c² times as large.
    start, c = torch.randn(2, generator=seeded(seed)), 3.0
    units = torch.tensor([1.0, c])
    scaled = game_field(lambda p: p[..., 0] * p[..., 1] * c + torch.cos(p[..., 1] * c))
    plain = game_field(lambda p: p[..., 0] * p[..., 1] + torch.cos(p[..., 1]))
    rates = torch.tensor([0.1, 0.1 * c**2])
    for make in (Simultaneous, Alternating, Proximal, Extragradient, Optimistic):
        slow = play(make(0.1), scaled, start / units, steps=6) * units
        fast = play(make(rates), plain, start, steps=6)
        assert torch.allclose(slow, fast, atol=1e-10)


@pytest.mark.equation("eq-dynamics-optimistic", frozen="52bb7430")
def test_optimistic_play_is_the_recursion_of_second_order(seed: int) -> None:
    """The recursion p'' = (I - 2hA) p' + hA p written out in numpy, first step plain."""
    a, start = linear_game(seed)
    path = play(Optimistic(0.2), lambda p: p @ torch.tensor(a).T, torch.tensor(start), steps=8)
    points = [start, start - 0.2 * a @ start]
    for _ in range(7):
        points.append(points[-1] - 0.4 * a @ points[-1] + 0.2 * a @ points[-2])
    assert np.allclose(path, np.array(points), atol=1e-12)


@pytest.mark.equation("eq-dynamics-proximal", frozen="6d3e0fd3")
def test_proximal_step_solves_its_equation_in_a_curved_game(seed: int) -> None:
    """scipy's hybrid root finder, and the equation itself."""
    gan = DiracGAN(gamma=0.3)
    starts = torch.randn(6, 2, generator=seeded(seed))
    ends = play(Proximal(0.3), gan, starts, steps=1)[-1]
    assert torch.allclose(ends + 0.3 * gan(ends), starts, atol=1e-12)
    for start, end in zip(starts, ends):
        found = root(
            lambda p, origin: p + 0.3 * gan(torch.tensor(p)).numpy() - origin,
            start,
            args=(start.numpy(),),
            tol=1e-12,
        )
        assert np.allclose(found.x, end, atol=1e-8)


def test_proximal_step_without_a_solution_is_nan_and_stops_the_path() -> None:
    """Newton's classical cycle: p³ - 2p + 2 sends 0 to 1 and 1 to 0."""

    def field(p: torch.Tensor) -> torch.Tensor:
        return p**3 - 3 * p + 2

    points = torch.tensor([[0.0], [-1.7]])  # p + F(p) = -1.7 has a solution close by
    cycles, ends = Proximal(1.0).step(field, points, points)
    assert cycles.isnan()
    assert (ends + field(ends) + 1.7).abs() < 1e-12
    with pytest.raises(ValueError, match=r"path must stay finite, got .* after 1 steps: lower lr"):
        play(Proximal(1.0), field, points, steps=3)


def test_bad_arguments_and_a_diverging_path() -> None:
    for lr in (-1.0, torch.tensor([0.1, 0.0])):
        with pytest.raises(ValueError, match="lr must be positive in every coordinate, got"):
            Simultaneous(lr)
    with pytest.raises(ValueError, match="steps must be an integer of at least 0"):
        play(Simultaneous(0.1), bilinear_game, torch.zeros(2), steps=-1)
    with pytest.raises(ValueError, match=r"field\(start\) must have shape \(2,\), got \(1,\)"):
        play(Simultaneous(0.1), lambda p: p[:1], torch.zeros(2), steps=1)
    with pytest.raises(ValueError, match=r"path must stay finite, got .* after \d+ steps"):
        play(Simultaneous(1.0), lambda p: -(p**3), torch.tensor([3.0, 2.0]), steps=99)
