"""Straight pieces against autograd, and against the histogram that they integrate."""

from __future__ import annotations

import pytest
import torch

from helpers.networks import LinearSpline
from helpers.random import seeded
from tests.networks.transforms import check_transform


def test_the_slope_is_autograds_and_the_inverse_undoes_it() -> None:
    x, raw = torch.rand(50, 3), 2 * torch.randn(50, 3, 7)
    y = check_transform(LinearSpline(7), x, raw)
    assert ((y > 0) & (y < 1)).all()


def test_the_slope_is_the_density_of_a_histogram() -> None:
    p = torch.tensor([0.2, 0.5, 0.3])
    x = torch.tensor([0.1, 0.5, 0.9])
    y, log_slope = LinearSpline(3)(x, p.log().expand(3, 3))
    torch.testing.assert_close(log_slope.exp(), 3 * p)
    torch.testing.assert_close(y, torch.tensor([0.06, 0.45, 0.91]))


def test_the_inverse_turns_uniform_values_into_the_histogram(seed: int) -> None:
    p, n = torch.tensor([0.1, 0.6, 0.3]), 20_000
    u = torch.rand(n, generator=seeded(seed))
    x, _ = LinearSpline(3).inverse(u, p.log().expand(n, 3))
    share = torch.bincount((3 * x).long(), minlength=3) / n
    assert ((share - p).abs() <= 5 * (p * (1 - p) / n).sqrt()).all()


def test_both_ends_stay() -> None:
    ends, raw = torch.tensor([0.0, 1.0]), torch.randn(5).expand(2, 5)
    spline = LinearSpline(5)
    torch.testing.assert_close(spline(ends, raw)[0], ends)
    torch.testing.assert_close(spline.inverse(ends, raw)[0], ends)


def test_single_precision_never_leaves_the_interval() -> None:
    x, raw = torch.rand(100_000).float(), (5 * torch.randn(100_000, 17)).float()
    y, _ = LinearSpline(17)(x, raw)
    back, _ = LinearSpline(17).inverse(y, raw)
    for value in (y, back):
        assert value.min() >= 0
        assert value.max() <= 1


def test_a_bin_is_needed() -> None:
    with pytest.raises(ValueError, match="bins must be an integer of at least 1, got 0"):
        LinearSpline(0)
