"""The smooth spline against autograd, and against what its knots promise."""

from __future__ import annotations

import pytest
import torch

from helpers.networks import RationalQuadraticSpline
from tests.networks.transforms import check_transform


def test_the_slope_is_autograds_and_the_inverse_undoes_it() -> None:
    spline = RationalQuadraticSpline(5, bound=2.0)
    x, raw = 1.5 * torch.randn(200, 3), 2 * torch.randn(200, 3, spline.size)
    assert (x.abs() > 2).any()
    y = check_transform(spline, x, raw)
    outside = x.abs() > 2
    assert torch.equal(y[outside], x[outside])
    assert (y[~outside].abs() <= 2).all()


def test_zeros_make_the_identity() -> None:
    spline = RationalQuadraticSpline(6, bound=3.0)
    x = torch.linspace(-4, 4, 81)
    y, log_slope = spline(x, torch.zeros(81, spline.size))
    torch.testing.assert_close(y, x)
    torch.testing.assert_close(log_slope, torch.zeros(81), atol=1e-12, rtol=0)


def test_the_map_and_its_slope_are_continuous_and_rise() -> None:
    spline = RationalQuadraticSpline(4, bound=2.0)
    x = torch.linspace(-2.5, 2.5, 50_001)
    raw = torch.randn(spline.size)
    y, _ = spline(x, raw.expand(len(x), -1))
    assert (y.diff() > 0).all()
    knots = spline._knots(raw)[0]
    for side in (-1e-9, 1e-9):  # the slope is the same on both sides of each knot
        torch.testing.assert_close(
            spline(knots + side, raw.expand(5, -1))[1],
            spline(knots, raw.expand(5, -1))[1],
            atol=1e-5,
            rtol=0,
        )
    ends = torch.tensor([-2.0, 2.0])
    torch.testing.assert_close(spline(ends, torch.randn(2, spline.size))[0], ends)


def test_widths_heights_and_slopes_are_what_the_numbers_say() -> None:
    """Two bins: the inner knot lies where the softmax puts it, with the slope of the softplus."""
    spline = RationalQuadraticSpline(2, bound=1.0)
    spline.smallest = 0.0
    widths, heights = torch.tensor([0.2, 0.8]), torch.tensor([0.7, 0.3])
    slope = torch.tensor([1.9])
    shifted = slope.expm1().log() - torch.ones(1).expm1().log()  # zero stands for the slope 1
    raw = torch.cat([widths.log(), heights.log(), shifted])
    y, log_slope = spline(torch.tensor([2 * 0.2 - 1]), raw[None])
    torch.testing.assert_close(y, torch.tensor([2 * 0.7 - 1]))
    torch.testing.assert_close(log_slope.exp(), slope)


def test_bad_sizes_are_named() -> None:
    with pytest.raises(ValueError, match="bins must be an integer of at least 1, got 0"):
        RationalQuadraticSpline(0)
    with pytest.raises(ValueError, match="bound must be a positive number, got 0"):
        RationalQuadraticSpline(3, bound=0)
