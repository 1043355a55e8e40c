"""Convolutions of the pixels before each one: what they see, by autograd, and what they compute."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.networks import Conditions, GatedPixelCNN, MaskedConv2d, PixelCNN, dependence
from helpers.networks.pixel import GatedLayer
from helpers.random import seeded

B, H, W, P = 5, 4, 7, 3
IMAGE = (1, H, W)
BEFORE = torch.ones(H * W, H * W).tril(-1) > 0  # in row i, all pixels before pixel i


def randomised(network: nn.Module, seed: int) -> nn.Module:
    """Away from the initial point, where last layers and conditions are nearly zero."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.4)
    return network


def images(seed: int) -> Tensor:
    return torch.rand(B, *IMAGE, generator=seeded(seed))


@pytest.mark.parametrize("itself", [True, False])
@pytest.mark.parametrize("reach", [1, 2])
def test_a_masked_layer_is_the_square_convolution_with_zeros(
    itself: bool, reach: int, seed: int
) -> None:
    """torch's own convolution of side 2 · reach + 1, the weights of later pixels put to zero."""
    layer = randomised(MaskedConv2d(2, 3, reach, itself=itself), seed)
    x = torch.randn(B, 2, H, W, generator=seeded(seed))
    square = torch.zeros(3, 2, 2 * reach + 1, 2 * reach + 1)
    square[:, :, : reach + 1] = layer.weight
    square[:, :, reach, reach + 1 :] = 0
    if not itself:
        square[:, :, reach, reach] = 0
    torch.testing.assert_close(layer(x), F.conv2d(x, square, layer.bias, padding=reach))


@pytest.mark.parametrize("layers", [0, 1, 3])
@pytest.mark.parametrize("kind", [PixelCNN, GatedPixelCNN])
def test_no_output_sees_its_own_pixel_or_a_later_one(
    kind: type[nn.Module], layers: int, seed: int
) -> None:
    network = randomised(kind(IMAGE, P, channels=6, layers=layers, reach=2), seed)
    seen = dependence(network, images(seed)[0])
    assert not (seen & ~BEFORE).any()
    assert seen.any()


def test_the_gated_network_has_no_blind_spot(seed: int) -> None:
    network = randomised(GatedPixelCNN(IMAGE, P, channels=6, layers=7, reach=1), seed)
    assert torch.equal(dependence(network, images(seed)[0]), BEFORE)


def test_the_plain_network_has_the_blind_spot_of_its_masks(seed: int) -> None:
    """Steps from a pixel: one to the left, or one up and at most one to the right. After any number
    of layers a pixel (row − a, column + b) with b > a is never reached.
    """
    network = randomised(PixelCNN(IMAGE, P, channels=6, layers=9, reach=1), seed)
    pixels = [(i, j) for i in range(H) for j in range(W)]
    blind = [[q < p and q[1] - p[1] > p[0] - q[0] for q in pixels] for p in pixels]
    expected = BEFORE & ~torch.tensor(blind)
    assert torch.equal(dependence(network, images(seed)[0]), expected)
    assert (BEFORE & ~expected).any()


@pytest.mark.parametrize("kind", [PixelCNN, GatedPixelCNN])
def test_an_image_does_not_see_the_others(kind: type[nn.Module], seed: int) -> None:
    network = randomised(kind(IMAGE, P, channels=6, layers=2, dropout=0.5), seed).eval()
    x = images(seed)
    assert network(x).shape == (B, *IMAGE, P)
    torch.testing.assert_close(network(x)[:1], network(x[:1]))


@pytest.mark.parametrize("kind", [PixelCNN, GatedPixelCNN])
def test_each_pixel_sees_each_condition(kind: type[nn.Module], seed: int) -> None:
    network = randomised(kind(IMAGE, P, channels=6, layers=2, conditions=(2, 3)), seed)
    x, y = images(seed)[:1], torch.tensor([[0, 1]])
    for other in ([1, 1], [0, 2]):
        assert (network(x, y) != network(x, torch.tensor([other]))).any(-1).all()


def test_conditions_are_sums_of_their_values_vectors(seed: int) -> None:
    layer = randomised(Conditions((2, 4, 3), 5), seed)
    found = layer(torch.tensor([[1, 3, 0], [0, 0, 2]]), 2)
    w = layer.vectors.weight
    torch.testing.assert_close(found, torch.stack([w[1] + w[5] + w[6], w[0] + w[2] + w[8]]))
    one = randomised(Conditions((4,), 5), seed)
    torch.testing.assert_close(one(torch.tensor([3, 0]), 2), one.vectors.weight[[3, 0]])


def test_bad_arguments_are_named() -> None:
    network = PixelCNN(IMAGE, P, channels=6, layers=1, conditions=(2, 3))
    x = torch.zeros(B, *IMAGE)
    with pytest.raises(ValueError, match=r"x must have shape \(B, 1, 4, 7\), got \(5, 1, 7, 4\)"):
        network(x.mT, torch.zeros(B, 2).long())
    with pytest.raises(ValueError, match=r"y must have shape \(5, F\), got \(5,\)"):
        network(x, torch.zeros(B).long())
    with pytest.raises(ValueError, match=r"y must have 2 columns, got 3"):
        network(x, torch.zeros(B, 3).long())
    with pytest.raises(ValueError, match=r"y must lie in \[0, 2\], got values from 3 to 3"):
        network(x, torch.tensor([[1, 3]]).expand(B, 2))
    with pytest.raises(TypeError, match=r"y must be a torch\.Tensor, got NoneType"):
        network(x)
    with pytest.raises(ValueError, match="reach must be an integer of at least 1, got 0"):
        MaskedConv2d(1, 1, 0, itself=False)


def test_the_horizontal_stack_reads_the_vertical_one_and_not_the_other_way(seed: int) -> None:
    """Jacobians of one layer, from each stack that goes in to each that comes out."""
    torch.manual_seed(seed)
    layer = GatedLayer(2, 0.0)
    stacks = torch.randn(1, 2, 3, 3), torch.randn(1, 2, 3, 3)
    moved = torch.autograd.functional.jacobian(layer, stacks)
    reads = [[bool(slope.any()) for slope in slopes] for slopes in moved]
    assert reads == [[True, False], [True, True]]  # vertical of (v, h), horizontal of (v, h)
