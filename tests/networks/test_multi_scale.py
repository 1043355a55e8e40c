"""A flow of two scales against the autograd Jacobian."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from helpers.networks import ActNorm, Coupling, Invertible, InvertibleLinear, MultiScale
from tests.networks.layers import check_layer


def layers(channels: int) -> list[Invertible]:
    half = channels // 2
    network = nn.Conv2d(half, 2 * half, 3, padding=1)
    return [
        ActNorm(channels),
        InvertibleLinear(channels),
        Coupling(network, torch.arange(channels) >= half),
    ]


def two_scales() -> MultiScale:
    flow = MultiScale((1, 4, 8), [layers(4), layers(8)])
    with torch.no_grad():
        for p in flow.parameters():
            p.add_(0.2 * torch.randn(p.shape))
    return flow


def test_jacobian_and_inverse(seed: int) -> None:
    check_layer(two_scales(), torch.randn(2, 1, 4, 8))


def test_half_of_the_values_are_finished_early(seed: int) -> None:
    """Weights of the second scale move the first 16 of 32 values only."""
    flow, x = two_scales(), torch.randn(1, 1, 4, 8)
    before, _ = flow(x)
    with torch.no_grad():
        for p in flow.scales[1].parameters():
            p.add_(0.1)
    after, _ = flow(x)
    assert before.shape == (1, 32)
    assert (before[:, :16] != after[:, :16]).all()
    assert torch.equal(before[:, 16:], after[:, 16:])


def test_the_first_batch_standardises_at_each_scale(seed: int) -> None:
    flow, x = two_scales(), 3 + 2 * torch.randn(50, 1, 4, 8)
    z = flow.initialise(x)
    torch.testing.assert_close(z, flow(x)[0])
    for scale in flow._scales():
        squeeze, norm = scale.parts[:2]
        y = norm(squeeze(x)[0])[0].movedim(1, 0).flatten(1)
        torch.testing.assert_close(y.mean(1), torch.zeros(len(y)), atol=1e-9, rtol=0)
        torch.testing.assert_close(y.std(1, correction=0), torch.ones(len(y)))
        x = scale(x)[0].chunk(2, 1)[0]


def test_sides_that_cannot_be_halved_are_named() -> None:
    with pytest.raises(ValueError, match=r"image must have sides divisible by 4, got \(1, 4, 6\)"):
        MultiScale((1, 4, 6), [[], []])
    with pytest.raises(ValueError, match=r"x must have shape \(B, 1, 4, 8\)"):
        two_scales()(torch.zeros(2, 1, 8, 4))
