"""The multilayer perceptron: its formula, its layers, its shapes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from helpers.networks import MLP

B = 5


def test_an_mlp_is_affine_maps_with_activations_between(device: torch.device) -> None:
    network = MLP(3, [6, 7], 2).to(device)
    first, _, second, _, last = network.layers
    x = torch.randn(B, 3, device=device)
    hidden = (x @ first.weight.T + first.bias).clamp(min=0)
    hidden = (hidden @ second.weight.T + second.bias).clamp(min=0)
    torch.testing.assert_close(network(x), hidden @ last.weight.T + last.bias)


def test_an_mlp_has_the_layers_it_promises() -> None:
    def kinds(network: MLP) -> list[str]:
        return [type(layer).__name__ for layer in network.layers]

    assert kinds(MLP(3, [], 2)) == ["Linear"]
    network = MLP(3, [4], 2, activation=nn.GELU, dropout=0.1)
    assert kinds(network) == ["Linear", "GELU", "Dropout", "Linear"]


def test_an_mlp_flattens_and_shapes_examples() -> None:
    network = MLP((2, 3, 4), [7], (5, 3))
    x = torch.randn(6, B, 2, 3, 4)
    flat = network.layers(x.reshape(6, B, 24))
    torch.testing.assert_close(network(x), flat.reshape(6, B, 5, 3))


def test_bad_input() -> None:
    with pytest.raises(ValueError, match=r"dropout must lie in \[0, 1\), got 1.0"):
        MLP(3, [4], 2, dropout=1.0)
    with pytest.raises(ValueError, match=r"x must have shape \(..., 2, 3, 4\), got \(5, 4, 3, 2\)"):
        MLP((2, 3, 4), [7], 5)(torch.zeros(B, 4, 3, 2))
    with pytest.raises(ValueError, match=r"got \(5, 3, 4\): flatten images with x.flatten\(1\)"):
        MLP(12, [4], 2)(torch.zeros(B, 3, 4))
