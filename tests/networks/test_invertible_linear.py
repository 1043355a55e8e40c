"""The matrix of LU factors against autograd and torch's own determinant."""

from __future__ import annotations

import pytest
import torch

from helpers.networks import InvertibleLinear
from helpers.random import seeded
from tests.networks.layers import check_layer


def odd_layer(features: int) -> InvertibleLinear:
    layer = InvertibleLinear(features)
    with torch.no_grad():
        for p in layer.parameters():
            p.add_(0.3 * torch.randn(p.shape))
        layer.permutation.copy_(torch.eye(features).roll(1, 0))  # not its own inverse
    return layer


@pytest.mark.parametrize("shape", [(5, 4), (2, 4, 2, 3)])
def test_jacobian_and_inverse(shape: tuple[int, ...], seed: int) -> None:
    check_layer(odd_layer(4), torch.randn(shape))


def test_it_begins_as_a_rotation(seed: int) -> None:
    layer, x = InvertibleLinear(4, rng=seeded(seed)), torch.randn(5, 4)
    y, log_det = layer(x)
    torch.testing.assert_close(y.norm(dim=1), x.norm(dim=1))
    torch.testing.assert_close(log_det, torch.zeros(5), atol=1e-12, rtol=0)
    again = InvertibleLinear(4, rng=seeded(seed))(x)[0]
    assert torch.equal(y, again)


def test_an_image_is_mixed_at_each_pixel() -> None:
    layer, x = odd_layer(3), torch.randn(2, 3, 2, 2)
    y, _ = layer(x)
    torch.testing.assert_close(layer(x[:, :, 1, 0])[0], y[:, :, 1, 0])


def test_a_feature_is_needed() -> None:
    with pytest.raises(ValueError, match="features must be an integer of at least 1, got 0"):
        InvertibleLinear(0)
