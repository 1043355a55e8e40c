"""Causal convolutions against torch's own, one changed input, and outputs in pieces."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.networks import CausalConvolutions, DilatedLayer
from helpers.random import seeded
from tests.printed import tex

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
    for d, layer in zip(DILATIONS, net.layers, strict=True):
        gates, ways = layer.gates, layer.ways
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


@pytest.mark.equation("eq-speech-field")
def test_the_memory_is_that_of_the_printed_formula(seed: int) -> None:
    """The gradient counts the inputs that reach an output; doubling dilations give 2^L."""
    torch.manual_seed(seed)
    printed = tex("eq-speech-field")
    for dilations in ([1, 2, 4, 8], [2, 1, 3]):
        net = CausalConvolutions(2, 8, 3, dilations=dilations)
        x = torch.randn(1, 30, 2, generator=seeded(seed)).requires_grad_()
        (slope,) = torch.autograd.grad(net(x)[0, -1].sum(), x)
        reached = int((slope[0] != 0).any(1).sum())
        assert reached == printed(L=len(dilations), d=dilations) == net.receptive_field
    assert printed(L=4, d=[1, 2, 4, 8]) == 2**4


@pytest.mark.equation("eq-speech-dilated")
def test_a_layer_is_the_printed_formula(seed: int) -> None:
    """The page's formula at one time, with numpy, against the layer without its biases."""
    torch.manual_seed(seed)
    d, t, layer, h = 3, 7, DilatedLayer(4, 3), torch.randn(10, 4, generator=seeded(seed))
    nn.init.zeros_(layer.gates.bias)
    nn.init.zeros_(layer.ways.bias)
    a, b = (w.numpy(force=True) for w in layer.gates.weight.chunk(2))
    s = torch.cat([h[t - d], h[t]]).numpy()
    printed = tex("eq-speech-dilated")
    expected = printed(
        {"h_t": h[t].numpy(), "s_t": s, "sigma": lambda x: 1 / (1 + np.exp(-x))},
        V=layer.ways.weight[:4].numpy(force=True),
        A=a,
        B=b,
    )
    found = layer(h[None])[0][0, t].numpy(force=True)
    assert np.allclose(found, np.asarray(expected, dtype=float), atol=1e-12)


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
    with pytest.raises(ValueError, match="dilation must be an integer of at least 1, got 0"):
        CausalConvolutions(2, 5, 3, dilations=(1, 0))
    with pytest.raises(ValueError, match=r"x must have shape \(B, T, 2\), got \(4, 2\)"):
        CausalConvolutions(2, 5, 3, dilations=(1,))(torch.zeros(4, 2))
