"""A chain of layers against the autograd Jacobian of the whole."""

from __future__ import annotations

import pytest
import torch

from helpers.networks import (
    MLP,
    ActNorm,
    Affine,
    Chain,
    Coupling,
    Invertible,
    InvertibleLinear,
    Permutation,
)
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


def test_what_is_set_from_data_is_set_from_what_reaches_it(seed: int) -> None:
    first, second = ActNorm(3), ActNorm(3)
    mix = InvertibleLinear(3)
    chain, x = Chain([first, mix, second]), 3 + 2 * torch.randn(40, 3)
    y = chain.initialise(x)
    torch.testing.assert_close(y, chain(x)[0])
    torch.testing.assert_close(y.std(0, correction=0), torch.ones(3))
    torch.testing.assert_close(first(x)[0].std(0, correction=0), torch.ones(3))


def test_a_layer_must_say_what_it_does() -> None:
    for way in (Invertible(), Invertible().inverse):
        with pytest.raises(NotImplementedError):
            way(torch.zeros(1, 2))
