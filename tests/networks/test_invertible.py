"""A chain of layers against the autograd Jacobian of the whole."""

from __future__ import annotations

import pytest
import torch

from helpers.networks import MLP, Affine, Chain, Coupling, Invertible, Permutation
from tests.networks.layers import check_layer, randomise


def test_log_determinants_add_and_the_way_back_is_in_reverse(seed: int) -> None:
    moved = torch.tensor([True, False, False])
    layers = [
        Coupling(MLP(2, [7], (1, 2)), moved, Affine()),
        Permutation(torch.tensor([2, 0, 1])),
        Coupling(MLP(1, [7], (2, 2)), ~moved, Affine()),
    ]
    chain = Chain(layers)
    randomise(chain)
    check_layer(chain, torch.randn(4, 3))
    assert chain.parts == layers


def test_a_layer_must_say_what_it_does() -> None:
    for way in (Invertible(), Invertible().inverse):
        with pytest.raises(NotImplementedError):
            way(torch.zeros(1, 2))
