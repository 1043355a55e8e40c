"""Causal convolutions against torch's own, one changed input, and outputs in pieces."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.networks import CausalConvolutions
from helpers.random import seeded

DILATIONS = (1, 2, 4, 3)


def network(seed: int) -> CausalConvolutions:
    torch.manual_seed(seed)
    net = CausalConvolutions(2, 5, 3, dilations=DILATIONS)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(0, 0.6)
    return net


def test_a_layer_is_torchs_convolution(seed: int) -> None:
    """torch.nn.functional.conv1d with its dilation and zeros on the left only."""
    net, x = network(seed), torch.randn(4, 30, 2, generator=seeded(seed))
    h = net.first(x).mT  # channels before time, as torch wants them
    total = torch.zeros_like(h)
    for d, gates, ways in zip(DILATIONS, net.gates, net.ways):
        kernel = gates.weight.unflatten(1, (2, 5)).mT  # (10, 5, 2): the past, then the present
        a, b = F.conv1d(F.pad(h, (d, 0)), kernel, gates.bias, dilation=d).chunk(2, 1)
        both = F.conv1d(a.tanh() * b.sigmoid(), ways.weight[..., None], ways.bias)
        h, total = h + both[:, :5], total + both[:, 5:]
    torch.testing.assert_close(net(x), net.last(total.relu().mT))


def test_an_output_sees_the_receptive_field_and_nothing_later(seed: int) -> None:
    """The gradient of one output reaches exactly the inputs of R steps, its own the last."""
    net, t = network(seed), 20
    x = torch.randn(1, 30, 2, generator=seeded(seed)).requires_grad_()
    (slope,) = torch.autograd.grad(net(x)[0, t].sum(), x)
    reached = (slope[0] != 0).any(1).nonzero().flatten().tolist()
    assert net.receptive_field == 1 + sum(DILATIONS)
    assert reached == list(range(t - sum(DILATIONS), t + 1))


@pytest.mark.parametrize("layers", [1, 4, 6])
def test_doubling_dilations_double_the_memory(layers: int) -> None:
    net = CausalConvolutions(1, 2, 1, dilations=[2**layer for layer in range(layers)])
    assert net.receptive_field == 2**layers


def test_a_sequence_in_pieces_gives_the_same_outputs(seed: int) -> None:
    """The state carries all that later steps need, whatever the pieces."""
    net, x = network(seed), torch.randn(3, 17, 2, generator=seeded(seed))
    state: list[Tensor] | None = None
    found = []
    for piece in x.split([1, 1, 5, 1, 9], 1):
        y, state = net.advance(piece, state)
        found.append(y)
    torch.testing.assert_close(torch.cat(found, 1), net(x))


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match=r"dilations\[1\] must be an integer of at least 1, got 0"):
        CausalConvolutions(2, 5, 3, dilations=(1, 0))
    with pytest.raises(ValueError, match=r"x must have shape \(B, T, 2\), got \(4, 2\)"):
        CausalConvolutions(2, 5, 3, dilations=(1,))(torch.zeros(4, 2))
