"""Stretch and shift against autograd and the formula."""

from __future__ import annotations

import math

import torch

from helpers.networks import Affine
from tests.networks.transforms import check_transform


def test_the_slope_is_autograds_and_the_inverse_undoes_it() -> None:
    x, raw = torch.randn(5, 3), 2 * torch.randn(5, 3, 2)
    y = check_transform(Affine(largest=1.5), x, raw)
    log_scale = 1.5 * torch.tanh(raw[..., 0] / 1.5)
    torch.testing.assert_close(y, x * log_scale.exp() + raw[..., 1])


def test_no_stretch_is_larger_than_allowed() -> None:
    raw = torch.tensor([1e4, 0.0])
    y, log_slope = Affine(largest=0.7)(torch.ones(()), raw)
    assert log_slope.item() == 0.7
    assert y.item() == math.exp(0.7)


def test_zeros_make_the_identity() -> None:
    x = torch.randn(4)
    y, log_slope = Affine()(x, torch.zeros(4, 2))
    assert torch.equal(y, x)
    assert not log_slope.any()
