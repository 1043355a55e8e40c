"""The masked layer against the autograd Jacobian, and its triangle."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from helpers.networks import MADE, Affine, LinearSpline, MaskedAutoregressive
from tests.networks.layers import check_layer, randomise


@pytest.mark.parametrize("transform", [Affine(), LinearSpline(3)], ids=lambda t: type(t).__name__)
def test_jacobian_and_inverse(transform: Any) -> None:
    network = MADE(5, [11], transform.size, order=[3, 0, 4, 1, 2])
    layer = MaskedAutoregressive(network, transform)
    randomise(layer)
    check_layer(layer, torch.rand(3, 5))


def test_a_value_sees_itself_and_those_before_it() -> None:
    order = [2, 0, 3, 1]
    layer = MaskedAutoregressive(MADE(4, [50], 2, order=order))
    randomise(layer)
    jacobian = torch.autograd.functional.jacobian(lambda v: layer(v[None])[0][0], torch.randn(4))
    triangle = jacobian[order][:, order]
    assert (triangle.tril().diagonal() != 0).all()
    assert torch.equal(triangle != 0, torch.ones(4, 4).tril().bool())
