"""Masked dense layers: which inputs reach which outputs, by autograd, in any order."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from helpers.networks import MADE, MaskedLinear
from helpers.random import seeded

D, P, B = 6, 3, 5


def made(seed: int, order: Tensor | None = None, hidden: tuple[int, ...] = (40, 30)) -> MADE:
    """With random weights and smooth activations: a path that exists has a slope."""
    torch.manual_seed(seed)
    network = MADE(D, hidden, P, order=order, activation=nn.Tanh)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.5)
    return network


def reached(network: nn.Module, x: Tensor) -> Tensor:
    """Which inputs move any of the numbers of each input: (D outputs, D inputs), by autograd."""
    jacobian = torch.autograd.functional.jacobian(network, x)  # (D, P, D)
    return (jacobian != 0).any(1)


def test_a_masked_layer_is_the_affine_map_of_its_kept_weights(device: torch.device) -> None:
    mask = torch.tensor([[1, 0, 1], [0, 0, 0]])
    layer = MaskedLinear(mask).to(device)
    x, w = torch.randn(B, 3, device=device), layer.weight
    kept = x[:, 0] * w[0, 0] + x[:, 2] * w[0, 2]
    expected = torch.stack([kept, torch.zeros_like(kept)], 1) + layer.bias
    torch.testing.assert_close(layer(x), expected)
    layer(x).sum().backward()
    assert w.grad is not None
    assert torch.equal(w.grad != 0, mask.to(device) != 0)


def test_outputs_see_exactly_the_inputs_before_them(seed: int) -> None:
    """In a random order the Jacobian, its rows and columns put in that order, is strictly lower
    triangular, and full below the diagonal.
    """
    order = torch.randperm(D, generator=seeded(seed))
    seen = reached(made(seed, order), torch.randn(D, generator=seeded(seed)))
    assert torch.equal(seen[order][:, order], torch.ones(D, D).tril(-1) > 0)


@pytest.mark.parametrize("hidden", [(), (1,), (2, 2, 40), (40, 2)])
def test_nothing_later_is_seen_at_any_width(hidden: tuple[int, ...], seed: int) -> None:
    """Layers too narrow for all degrees lose connections, never gain any."""
    order = torch.randperm(D, generator=seeded(seed))
    seen = reached(made(seed, order, hidden), torch.randn(D, generator=seeded(seed)))
    assert not seen[order][:, order].triu().any()
    assert seen.any()


def test_without_hidden_layers_it_is_a_triangular_affine_map(seed: int) -> None:
    network, x = made(seed, hidden=()), torch.randn(B, D, generator=seeded(seed))
    (layer,) = network.layers
    weight = layer.weight.unflatten(0, (D, P))
    for d in range(D):
        expected = x[:, :d] @ weight[d, :, :d].T + layer.bias.unflatten(0, (D, P))[d]
        torch.testing.assert_close(network(x)[:, d], expected)


def test_the_order_travels_with_the_weights(seed: int) -> None:
    """Loaded into a network of another order, they make the same function."""
    one = made(seed, torch.randperm(D, generator=seeded(seed)))
    other = made(seed + 1)
    other.load_state_dict(one.state_dict())
    x = torch.randn(2, B, D, generator=seeded(seed))
    assert one(x).shape == (2, B, D, P)
    torch.testing.assert_close(other(x), one(x))
    assert torch.equal(other.order, one.order)


def test_one_input_gets_constants() -> None:
    network = MADE(1, [4], 2)
    x = torch.randn(B, 1)
    torch.testing.assert_close(network(x), network(torch.zeros(B, 1)), rtol=0, atol=0)


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match=r"order must be a permutation of 0 … 2, got \[0, 1, 3\]"):
        MADE(3, [4], 2, order=[0, 1, 3])
    with pytest.raises(ValueError, match=r"order must be a permutation of 0 … 2, got \[0, 1\]"):
        MADE(3, [4], 2, order=[0, 1])
    with pytest.raises(ValueError, match="outputs must be an integer of at least 1, got 0"):
        MADE(3, [4], 0)
    with pytest.raises(ValueError, match=r"x must have shape \(..., 3\), got \(5, 4\)"):
        MADE(3, [4], 2)(torch.zeros(B, 4))
