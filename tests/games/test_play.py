"""Ways to play against matrix algebra in numpy, root finding and their own defining equations."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch

from helpers.games.fields import DiracGAN, bilinear_game, game_field
from helpers.games.lookahead import Extragradient, Optimistic, Proximal
from helpers.games.play import Alternating, Simultaneous, play
from helpers.random import seeded

RULES = [Simultaneous(0.2), Alternating(0.2), Proximal(0.2), Extragradient(0.2), Optimistic(0.2)]


def linear_game(seed: int) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    return draws.normal(size=(5, 5)) / 2, draws.normal(size=5)


@pytest.mark.equation("eq-dynamics-simultaneous")
@pytest.mark.equation("eq-dynamics-proximal")
@pytest.mark.equation("eq-dynamics-extragradient")
def test_rules_without_memory_are_matrix_powers(seed: int) -> None:
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


@pytest.mark.equation("eq-dynamics-alternating")
@pytest.mark.parametrize("beta", [0.0, -0.4, 0.6])
def test_alternating_play_is_a_product_of_two_half_steps(beta: float, seed: int) -> None:
    """Two block-triangular matrices by numpy, with the velocity written as a difference."""
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


def test_rules_check_their_arguments() -> None:
    for make in (Simultaneous, Alternating, Proximal, Extragradient, Optimistic):
        with pytest.raises(ValueError, match="lr must be a positive number, got -1"):
            make(-1.0)
        with pytest.raises(ValueError, match="lr must be positive in every coordinate"):
            make(torch.tensor([0.1, 0.0]))
    for beta in (-1.0, 1.0, -2.0, math.nan):
        with pytest.raises(ValueError, match="momentum must"):
            Alternating(0.1, momentum=beta)
    with pytest.raises(ValueError, match="first must be"):
        Alternating(0.1, first=0)
    with pytest.raises(ValueError, match="newton_steps must be"):
        Proximal(0.1, newton_steps=0)
    with pytest.raises(ValueError, match="steps must be an integer of at least 0"):
        play(Simultaneous(0.1), bilinear_game, torch.zeros(2), steps=-1)
    with pytest.raises(ValueError, match=re.escape("field must keep the shape of its argument")):
        play(Simultaneous(0.1), lambda p: p[:1], torch.zeros(2), steps=1)
    with pytest.raises(ValueError, match=r"finite points, got one at step \d+ that is not"):
        play(Simultaneous(1.0), lambda p: -(p**3), torch.tensor([3.0, 2.0]), steps=99)
