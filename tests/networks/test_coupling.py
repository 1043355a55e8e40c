"""Coupling layers against the autograd Jacobian; what stays, what is seen."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from helpers.networks import (
    MLP,
    Affine,
    Coupling,
    LinearSpline,
    RationalQuadraticSpline,
    start_at_identity,
)
from tests.networks.layers import check_layer, randomise

MOVED = torch.tensor([False, True, True, False, True])


@pytest.mark.parametrize(
    "transform",
    [Affine(), LinearSpline(4), RationalQuadraticSpline(3, 2.0)],
    ids=lambda t: type(t).__name__,
)
def test_jacobian_and_inverse(transform: Any) -> None:
    layer = Coupling(MLP(2, [7], (3, transform.size)), MOVED, transform)
    randomise(layer)
    check_layer(layer, torch.rand(6, 5))


def test_with_a_condition() -> None:
    layer = Coupling(MLP(2 + 4, [7], (3, 2)), MOVED)
    randomise(layer)
    x, condition = torch.randn(6, 5), torch.randn(6, 4)
    check_layer(layer, x, condition)
    assert not torch.allclose(layer(x, condition)[0], layer(x, condition + 1)[0])


def test_on_the_channels_of_an_image() -> None:
    layer = Coupling(nn.Conv2d(2, 6, 3, padding=1), MOVED)
    randomise(layer)
    check_layer(layer, torch.randn(2, 5, 2, 3))


def test_each_pixel_is_moved_by_its_own_numbers() -> None:
    layer = Coupling(nn.Conv2d(2, 6, 1), MOVED)
    randomise(layer)
    x = torch.randn(1, 5, 2, 3)
    other = x.clone()
    other[:, :, 1, 2] += 1
    changed = (layer(x)[0] != layer(other)[0]).any(1)[0]
    assert changed.nonzero().tolist() == [[1, 2]]


def test_what_is_kept_decides_how_the_rest_moves() -> None:
    layer = Coupling(MLP(2, [7], (3, 2)), MOVED)
    randomise(layer)
    x = torch.randn(1, 5)
    jacobian = torch.autograd.functional.jacobian(lambda v: layer(v)[0][0], x)[:, 0]
    kept = ~MOVED
    assert torch.equal(jacobian[kept], torch.eye(5)[kept])
    assert (jacobian[MOVED][:, kept] != 0).all()
    assert torch.equal(jacobian[MOVED][:, MOVED] != 0, torch.eye(3).bool())


def test_it_starts_as_the_identity() -> None:
    networks = [MLP(2, [7], (3, 2)), nn.Conv2d(2, 6, 1)]
    for network, x in zip(networks, [torch.randn(4, 5), torch.randn(4, 5, 2, 3)]):
        randomise(network)
        y, log_det = Coupling(start_at_identity(network), MOVED)(x)
        assert torch.equal(y, x)
        assert not log_det.any()


@pytest.mark.parametrize("moved", [torch.zeros(3).bool(), torch.tensor([0, 1])])
def test_a_mask_that_moves_nothing_is_named(moved: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="moved must be boolean and move a value, got"):
        Coupling(nn.Identity(), moved)
