"""Convolutional networks: shapes, layers, and the order of what they put out."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from helpers.networks import ConvDecoder, ConvEncoder, PositionMap

B = 5
STAGE = ("Conv2d", "GELU", "MaxPool2d")


def kinds(network: ConvEncoder | ConvDecoder) -> list[str]:
    return [type(layer).__name__ for layer in network.layers]


@pytest.mark.parametrize(("image", "stages"), [((1, 8, 8), 2), ((3, 28, 20), 2), ((2, 9, 11), 3)])
def test_a_conv_encoder_maps_images_to_vectors(
    image: tuple[int, ...], stages: int, device: torch.device
) -> None:
    network = ConvEncoder(image, [4, 6, 7][:stages], 10, activation=nn.GELU, dropout=0.2).to(device)
    assert network(torch.randn(B, *image, device=device)).shape == (B, 10)
    assert kinds(network) == [*STAGE * stages, "Flatten", "Dropout", "Linear"]


@pytest.mark.parametrize("position", ["features", "outputs"])
@pytest.mark.parametrize("image", [(1, 8, 8), (3, 28, 20), (7, 3, 28, 20)])
def test_a_conv_decoder_maps_vectors_to_images(
    position: str, image: tuple[int, ...], device: torch.device
) -> None:
    network = ConvDecoder(6, image, (5, 7, 4), hidden=[11], position=position).to(device)
    assert network(torch.randn(B, 6, device=device)).shape == (B, *image)


def test_the_digits_decoder_has_the_layers_it_promises() -> None:
    network = ConvDecoder(12, (17, 1, 8, 8), (48, 48, 48), dropout=0.2)
    assert kinds(network) == [
        *("Linear", "Unflatten", "ReLU", "ConvTranspose2d", "ReLU", "ConvTranspose2d"),
        *("PositionMap", "ReLU", "Dropout", "Conv2d", "ReLU", "Conv2d"),
    ]
    sizes = [tuple(p.shape) for p in network.parameters() if p.ndim > 1]
    assert sizes == [
        *((192, 12), (48, 48, 4, 4), (48, 48, 4, 4)),
        *((48, 8, 8), (48, 48, 3, 3), (17, 48, 1, 1)),
    ]
    small = ConvDecoder(12, (1, 8, 8), (8,), hidden=[256], head=(), position="outputs")
    assert kinds(small) == [
        *("Linear", "ReLU", "Linear", "Unflatten", "ReLU", "Conv2d", "PositionMap")
    ]


def test_logits_come_before_the_channels() -> None:
    network = ConvDecoder(2, (7, 3, 4, 4), (5,), head=())
    z = torch.randn(B, 2)
    assert torch.equal(network(z), network.layers(z).reshape(B, 7, 3, 4, 4))


def test_a_position_map_is_added() -> None:
    layer = PositionMap(2, 3)
    with torch.no_grad():
        layer.position.normal_()
    x = torch.randn(B, 2, 3)
    torch.testing.assert_close(layer(x) - x, layer.position.expand(B, 2, 3))


def test_bad_input() -> None:
    with pytest.raises(
        ValueError, match="channels must leave at least one pixel, got 4 for images"
    ):
        ConvEncoder((1, 8, 8), [4] * 4, 2)
    with pytest.raises(ValueError, match=r"x must have shape \(B, 1, 8, 8\), got \(1, 8, 8\)"):
        ConvEncoder((1, 8, 8), [4], 2)(torch.zeros(1, 8, 8))
    with pytest.raises(ValueError, match=r"have sides divisible by 16, got \(1, 8, 8\): 4 doub"):
        ConvDecoder(2, (1, 8, 8), [4] * 5)
    with pytest.raises(ValueError, match="position must be one of 'features', 'outputs', got"):
        ConvDecoder(2, (1, 8, 8), [4], position="none")
