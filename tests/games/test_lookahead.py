"""Rules that look ahead against their recursion in numpy and a root finder."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import root

from helpers.games.fields import DiracGAN
from helpers.games.lookahead import Optimistic, Proximal
from helpers.games.play import play
from helpers.random import seeded
from tests.games.test_play import linear_game


@pytest.mark.equation("eq-dynamics-optimistic")
def test_optimistic_play_is_the_recursion_of_second_order(seed: int) -> None:
    """The recursion p'' = (I - 2hA) p' + hA p written out in numpy, first step plain."""
    a, start = linear_game(seed)
    path = play(Optimistic(0.2), lambda p: p @ torch.tensor(a).T, torch.tensor(start), steps=8)
    points = [start, start - 0.2 * a @ start]
    for _ in range(7):
        points.append(points[-1] - 0.4 * a @ points[-1] + 0.2 * a @ points[-2])
    assert np.allclose(path, np.array(points), atol=1e-12)


@pytest.mark.equation("eq-dynamics-proximal")
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


def test_proximal_step_says_that_it_found_no_solution() -> None:
    """Newton's classical cycle: p³ − 2p + 2 sends 0 to 1 and 1 to 0."""

    def field(p: torch.Tensor) -> torch.Tensor:
        return p**3 - 3 * p + 2

    with pytest.raises(FloatingPointError, match="no solution for 1 of 1 points in 20 Newton"):
        play(Proximal(1.0), field, torch.tensor([0.0]), steps=1)
    near = torch.tensor([-1.7], dtype=torch.float64)  # p + F(p) = near has a solution close by
    end = play(Proximal(1.0), field, near, steps=1)[-1]
    assert abs((end + field(end) - near).item()) < 1e-12
    with pytest.raises(FloatingPointError, match="no solution"):
        play(Proximal(1.0), lambda p: p * math.nan, torch.tensor([1.0, 2.0]), steps=1)
