"""Planted copies are found; samples of the true distribution are not accused."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from helpers.metrics import copies
from helpers.random import seeded

N, D = 1500, 6


def drawn(seed: int, n: int = N) -> Tensor:
    return torch.randn(n, D, generator=seeded(seed))


def test_the_numbers_are_those_of_the_definition() -> None:
    """On the line, by hand: held-out distances 1 … 10, of which a fifth lies below 2.8."""
    train = torch.tensor([[0.0], [100.0]])
    held_out = torch.arange(1.0, 11.0)[:, None]
    found = copies(torch.tensor([[0.0], [98.0], [50.0], [97.0]]), train, held_out, level=0.2)
    assert found.share == 0.5
    assert found.excess.value == pytest.approx(0.5 - 0.2)
    assert found.excess.standard_error == pytest.approx(math.sqrt(0.25 / 4 + 0.16 / 10))
    assert found.distances.tolist() == [0, 2, 50, 3]
    assert found.nearest[:2].tolist() == [0, 1]


def test_true_samples_are_not_accused(seed: int) -> None:
    excess = copies(drawn(seed), drawn(seed + 1), drawn(seed + 2)).excess
    assert abs(excess.value) < 5 * excess.standard_error


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_planted_copies_are_found(noise: float, seed: int) -> None:
    """One sample in eight is a copy, exact or with noise: more than five standard errors, and the
    rows that were copied are named.
    """
    train, fake = drawn(seed), drawn(seed + 1)
    planted = N // 8
    rows = torch.randint(N, (planted,), generator=seeded(seed))
    fake[:planted] = train[rows] + noise * drawn(seed + 3, planted)
    found = copies(fake, train, drawn(seed + 2))
    assert found.excess.value > 5 * found.excess.standard_error
    assert (found.nearest[:planted] == rows).double().mean() > 0.95
    expected = 0.95 / 8
    assert abs(found.excess.value - expected) < 5 * found.excess.standard_error


def test_bad_arguments_are_named() -> None:
    x = torch.zeros(30, 2)
    with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), got 1"):
        copies(x, x, x, level=1)
    with pytest.raises(ValueError, match=r"held_out must have shape \(N, 2\), got \(30, 3\)"):
        copies(x, x, torch.zeros(30, 3))
    with pytest.raises(ValueError, match=r"len\(held_out\) must be .* at least 20, got 10"):
        copies(x, x, x[:10])
