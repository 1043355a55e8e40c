"""Scale and shift of features against autograd, and what the first batch sets."""

from __future__ import annotations

import pytest
import torch

from helpers.networks import ActNorm
from tests.networks.layers import check_layer, randomise


@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 2, 4)])
def test_jacobian_and_inverse(shape: tuple[int, ...]) -> None:
    layer = ActNorm(3)
    randomise(layer)
    check_layer(layer, torch.randn(shape))


@pytest.mark.parametrize("shape", [(50, 3), (9, 3, 2, 4)])
def test_the_first_batch_is_standardised(shape: tuple[int, ...]) -> None:
    layer, x = ActNorm(3), 2 + 3 * torch.randn(shape)
    layer.initialise(x)
    y = layer(x)[0].movedim(1, 0).flatten(1)
    torch.testing.assert_close(y.mean(1), torch.zeros(3), atol=1e-12, rtol=0)
    torch.testing.assert_close(y.std(1, correction=0), torch.ones(3))


def test_a_constant_feature_stays_finite() -> None:
    layer = ActNorm(2)
    layer.initialise(torch.ones(4, 2))
    assert layer(torch.ones(4, 2))[0].isfinite().all()


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="features must be an integer of at least 1, got 0"):
        ActNorm(0)
    with pytest.raises(ValueError, match=r"x must have shape \(B, 3\), got \(4, 2\)"):
        ActNorm(3).initialise(torch.ones(4, 2))
