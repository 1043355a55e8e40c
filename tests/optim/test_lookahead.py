"""Rules that look ahead against their recursion in numpy and a root finder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import root

from helpers.optim.games import DiracGAN
from helpers.optim.lookahead import Optimistic, Proximal
from helpers.optim.play import play
from helpers.random import generator
from tests.optim.test_play import linear_game


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
    starts = torch.randn(6, 2, generator=generator(seed))
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
