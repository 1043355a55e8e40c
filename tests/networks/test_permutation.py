"""Another order: nothing is stretched."""

from __future__ import annotations

import pytest
import torch

from helpers.networks import Permutation
from tests.networks.layers import check_layer


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 2, 2)])
def test_jacobian_and_inverse(shape: tuple[int, ...]) -> None:
    layer, x = Permutation(torch.tensor([1, 2, 0])), torch.randn(shape)
    check_layer(layer, x)
    assert torch.equal(layer(x)[0][:, 0], x[:, 1])


def test_an_order_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match=r"order must hold each of 0 to 2 once, got \[0, 2, 2\]"):
        Permutation(torch.tensor([0, 2, 2]))
