"""Squares and arms: their densities against area, and their draws against their densities."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from helpers.data.toy import Checkerboard, Spiral
from helpers.random import seeded
from tests.statistics import assert_mean_close


@pytest.mark.parametrize(("side", "width"), [(4, 2.0), (3, 0.5), (2, 1.0)])
def test_a_board_has_mass_one(side: int, width: float) -> None:
    board = Checkerboard(side, width)
    ticks = (torch.arange(60 * side) + 0.5) / 60 * width - 0.6 * side * width / 1.2
    points = torch.cartesian_prod(ticks, ticks)
    total = board.log_prob(points).exp().sum() * (width / 60) ** 2
    assert total.item() == pytest.approx(1, abs=1e-9)
    assert board.entropy() == pytest.approx(math.log(side**2 // 2 * width**2))


def test_draws_fill_the_dark_squares_evenly(seed: int) -> None:
    board, n = Checkerboard(), 16_000
    x = board.sample(n, rng=seeded(seed))
    assert (board.log_prob(x) == -math.log(32)).all()
    code = ((x / 2 + 2).floor().long() @ torch.tensor([4, 1])).bincount(minlength=16)
    dark = torch.tensor([(i // 4 + i % 4) % 2 == 1 for i in range(16)])
    assert not code[~dark].any()
    assert stats.chisquare(code[dark].numpy()).pvalue > 1e-6
    for place in (x / 2).remainder(1).T:
        assert stats.kstest(place.numpy(), "uniform").pvalue > 1e-6


def test_outside_of_the_board_there_is_nothing() -> None:
    x = torch.tensor([[-4.1, 1.0], [5.0, -3.0], [1.0, 4.5], [-3.0, -3.0]])
    assert (Checkerboard().log_prob(x) == -math.inf).all()
    left, right, bottom, top = Checkerboard().limits
    assert (left, right) == (bottom, top) == (-4.4, 4.4)


def test_arms_wind_out_evenly(seed: int) -> None:
    spiral = Spiral(arms=3, turns=1.5, links=100)
    first = spiral.means[:100]
    assert spiral.means.shape == (300, 2)
    radius, angle = first.norm(dim=1), torch.atan2(first[:, 1], first[:, 0])
    torch.testing.assert_close(
        (2 * math.pi * radius).remainder(2 * math.pi), angle.remainder(2 * math.pi)
    )
    torch.testing.assert_close(radius.max().item(), 1.5 * math.sqrt(1 - 0.5 / 100))
    gaps = first.diff(dim=0).norm(dim=1)[20:]
    assert gaps.max() < 1.5 * gaps.min()
    rotated = first @ torch.tensor([[-0.5, 0.75**0.5], [-(0.75**0.5), -0.5]])
    torch.testing.assert_close(spiral.means[100:200], rotated)
    assert_mean_close(-spiral.log_prob(spiral.sample(4000, rng=seeded(seed))), spiral.entropy())


def test_bad_sizes_are_named() -> None:
    with pytest.raises(ValueError, match="side must be an integer of at least 2, got 1"):
        Checkerboard(side=1)
    with pytest.raises(ValueError, match="width must be a positive number, got 0"):
        Checkerboard(width=0)
    with pytest.raises(ValueError, match="arms must be an integer of at least 1, got 0"):
        Spiral(arms=0)
    with pytest.raises(ValueError, match="turns must be a positive number, got 0"):
        Spiral(turns=0)
    with pytest.raises(ValueError, match=r"x must have shape \(B, 2\), got \(4, 3\)"):
        Checkerboard().log_prob(torch.zeros(4, 3))
