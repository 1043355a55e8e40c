"""The residual block: the identity at first, its formula afterwards."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from helpers.networks import ResidualBlock

B = 5


def test_a_residual_block_starts_as_the_identity(device: torch.device) -> None:
    block = ResidualBlock(6, dropout=0.1).to(device)
    x = torch.randn(B, 6, 4, 3, device=device)
    assert torch.equal(block(x), x)
    block(x).square().sum().backward()
    assert block.layers[-1].weight.grad.abs().max() > 0  # and does not stay there


def test_a_residual_block_adds_two_convolutions(device: torch.device) -> None:
    block = ResidualBlock(6).to(device)
    with torch.no_grad():
        block.layers[-1].weight.normal_()
    x = torch.randn(B, 6, 4, 3, device=device)
    h = x
    for convolution in (block.layers[2], block.layers[-1]):
        groups = h.unflatten(1, (2, 3))  # 6 channels in gcd(6, 8) groups
        mean = groups.mean((2, 3, 4), keepdim=True)
        var = groups.var((2, 3, 4), correction=0, keepdim=True)
        h = ((groups - mean) / (var + 1e-5).sqrt()).flatten(1, 2).clamp(min=0)
        h = F.conv2d(h, convolution.weight, convolution.bias, padding=1)
    torch.testing.assert_close(block(x), x + h)
