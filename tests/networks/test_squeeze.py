"""Blocks of pixels become channels, in the order that reads them."""

from __future__ import annotations

import torch

from helpers.networks import Squeeze
from tests.networks.layers import check_layer


def test_jacobian_and_inverse() -> None:
    check_layer(Squeeze(), torch.randn(2, 2, 4, 2))


def test_each_block_of_pixels_is_one_pixel() -> None:
    x = torch.randn(3, 2, 4, 6)
    y, _ = Squeeze()(x)
    assert y.shape == (3, 8, 2, 3)
    assert torch.equal(y[:, 4:, 1, 2].reshape(3, 2, 2), x[:, 1, 2:, 4:])
