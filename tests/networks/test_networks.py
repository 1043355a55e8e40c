"""Networks: shapes, options, and what makes each of them what it is."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from helpers.networks import (
    MLP,
    ConvDecoder,
    ConvEncoder,
    PositionMap,
    ResidualBlock,
    TimeEmbedding,
)

B = 5


def kinds(network: nn.Module) -> list[str]:
    return [type(part).__name__ for part in network.modules() if not list(part.children())]


def test_an_mlp_is_affine_maps_with_activations_between(device: torch.device) -> None:
    network = MLP(3, [6, 7], 2).to(device)
    first, _, second, _, last = network.layers
    x = torch.randn(B, 3, device=device)
    hidden = (x @ first.weight.T + first.bias).clamp(min=0)
    hidden = (hidden @ second.weight.T + second.bias).clamp(min=0)
    torch.testing.assert_close(network(x), hidden @ last.weight.T + last.bias)
    assert kinds(MLP(3, [], 2)) == ["Linear"]
    assert kinds(MLP(3, [4], 2, activation=nn.GELU, dropout=0.1)) == [
        "Linear",
        "GELU",
        "Dropout",
        "Linear",
    ]


def test_an_mlp_flattens_and_shapes_examples() -> None:
    network = MLP((2, 3, 4), [7], (5, 3))
    x = torch.randn(6, B, 2, 3, 4)
    y = network(x)
    assert y.shape == (6, B, 5, 3)
    flat = network.layers(x.reshape(6, B, 24))
    torch.testing.assert_close(y, flat.reshape(6, B, 5, 3))
    with pytest.raises(ValueError, match=r"x must have shape \(..., 2, 3, 4\), got \(5, 24\)"):
        network(torch.zeros(B, 24))


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize(("image", "stages"), [((1, 8, 8), 2), ((3, 28, 20), 2), ((2, 9, 11), 3)])
def test_a_conv_encoder_maps_images_to_vectors(
    pooling: str, image: tuple[int, ...], stages: int, device: torch.device
) -> None:
    channels = [4, 6, 7][:stages]
    network = ConvEncoder(image, channels, 10, hidden=[9], pooling=pooling, dropout=0.2).to(device)
    assert network(torch.randn(B, *image, device=device)).shape == (B, 10)
    wanted = "MaxPool2d" if pooling == "max" else "AvgPool2d"
    names = kinds(network)
    assert names[: 3 * stages] == ["Conv2d", "ReLU", wanted] * stages
    assert names[3 * stages :] == ["Flatten", "Dropout", "Linear", "ReLU", "Dropout", "Linear"]


@pytest.mark.parametrize("upsampling", ["transposed", "unpooling"])
@pytest.mark.parametrize("position", ["features", "outputs", "none"])
@pytest.mark.parametrize("image", [(1, 8, 8), (3, 28, 20)])
def test_a_conv_decoder_maps_vectors_to_images(
    upsampling: str, position: str, image: tuple[int, ...], device: torch.device
) -> None:
    options = {"upsampling": upsampling, "position": position, "hidden": [11]}
    network = ConvDecoder(6, image, (5, 7, 4), **options).to(device)
    z = torch.randn(B, 6, device=device)
    assert network(z).shape == (B, *image)
    assert ("ConvTranspose2d" in kinds(network)) == (upsampling == "transposed")
    assert ("Upsample" in kinds(network)) == (upsampling == "unpooling")
    assert ("PositionMap" in kinds(network)) == (position != "none")
    logits = ConvDecoder(6, image, (5, 7, 4), outputs_per_pixel=9, **options).to(device)(z)
    assert logits.shape == (B, 9, *image)


def test_the_digits_decoder_has_the_layers_it_promises() -> None:
    network = ConvDecoder(
        12, (1, 8, 8), (48, 48, 48), outputs_per_pixel=17, dropout=0.2, channel_dropout=0.2
    )
    assert kinds(network) == [
        *("Linear", "Unflatten", "ReLU", "ConvTranspose2d"),
        *("ReLU", "Dropout2d", "ConvTranspose2d", "PositionMap"),
        *("ReLU", "Dropout", "Conv2d", "ReLU", "Conv2d"),
    ]
    sizes = [tuple(p.shape) for p in network.parameters() if p.ndim > 1]
    assert sizes == [
        (192, 12),
        (48, 48, 4, 4),
        (48, 48, 4, 4),
        (48, 8, 8),
        (48, 48, 3, 3),
        (17, 48, 1, 1),
    ]
    small = ConvDecoder(12, (1, 8, 8), (8,), hidden=[256], head=(), position="outputs")
    assert kinds(small) == [
        "Linear",
        "ReLU",
        "Linear",
        "Unflatten",
        "ReLU",
        "Conv2d",
        "PositionMap",
    ]


def test_outputs_per_pixel_come_before_the_channels() -> None:
    network = ConvDecoder(2, (3, 4, 4), (5,), outputs_per_pixel=7, head=())
    z = torch.randn(B, 2)
    assert torch.equal(network(z), network.layers(z).reshape(B, 7, 3, 4, 4))


def test_a_position_map_is_added() -> None:
    layer = PositionMap(2, 3)
    with torch.no_grad():
        layer.position.normal_()
    x = torch.randn(B, 2, 3)
    torch.testing.assert_close(layer(x) - x, layer.position.expand(B, 2, 3))


def test_a_residual_block_starts_as_the_identity(device: torch.device) -> None:
    block = ResidualBlock(6, dropout=0.1).to(device)
    x = torch.randn(B, 6, 4, 3, device=device)
    assert torch.equal(block(x), x)
    block(x).square().sum().backward()
    assert block.layers[-1].weight.grad.abs().max() > 0  # and does not stay there


def test_a_time_embedding_is_sines_and_cosines(device: torch.device) -> None:
    features, period = 6, 100.0
    t = torch.tensor([0.0, 0.3, 7.0], device=device)
    embedded = TimeEmbedding(features, max_period=period).to(device)(t)
    for row, time in zip(embedded.tolist(), t.tolist()):
        rates = [period ** (-i / 3) for i in range(3)]
        expected = [math.cos(r * time) for r in rates] + [math.sin(r * time) for r in rates]
        assert row == pytest.approx(expected)
    network = TimeEmbedding(features)
    assert network.state_dict() == {}


BAD = [
    (lambda: MLP(0, [3], 2), ValueError, "inputs must be an integer of at least 1, got 0"),
    (lambda: MLP((), [3], 2), ValueError, r"inputs must have at least one size, got \(\)"),
    (lambda: MLP(3, [0], 2), ValueError, "hidden must be an integer of at least 1, got 0"),
    (
        lambda: MLP(3, 16, 2),
        TypeError,
        r"hidden must be a sequence of widths, got 16: write \[16\]",
    ),
    (lambda: MLP(3, [4], -2), ValueError, "outputs must be an integer of at least 1, got -2"),
    (lambda: MLP(3, [4], 2, dropout=1.0), ValueError, r"dropout must lie in \[0, 1\), got 1.0"),
    (lambda: MLP(3, [4], 2, dropout=-0.1), ValueError, "dropout must be a number of at least 0"),
    (
        lambda: ConvEncoder((8, 8), [4], 2),
        ValueError,
        r"image must be a shape \(C, H, W\), got \(8",
    ),
    (lambda: ConvEncoder((1, 8, 8), [], 2), ValueError, "channels must have at least 1 entry"),
    (
        lambda: ConvEncoder((1, 8, 8), [4] * 4, 2),
        ValueError,
        "channels must leave at least one pixel, .* images of 8×8 cannot be halved so often",
    ),
    (
        lambda: ConvEncoder((1, 8, 8), [4], 2, pooling="mean"),
        ValueError,
        "pooling must be one of 'max', 'average', got 'mean'",
    ),
    (
        lambda: ConvDecoder(2, (1, 8, 8), [4] * 5),
        ValueError,
        r"image must have sides divisible by 16, got \(1, 8, 8\): 4 stages",
    ),
    (
        lambda: ConvDecoder(2, (1, 8, 8), [4], upsampling="bilinear"),
        ValueError,
        "upsampling must be one of 'transposed', 'unpooling'",
    ),
    (
        lambda: ConvDecoder(2, (1, 8, 8), [4], position="all"),
        ValueError,
        "position must be one of 'features', 'outputs', 'none'",
    ),
    (
        lambda: ConvDecoder(2, (1, 8, 8), [4], outputs_per_pixel=0),
        ValueError,
        "outputs_per_pixel must be an integer of at least 1, got 0",
    ),
    (lambda: ConvDecoder(0, (1, 8, 8), [4]), ValueError, "latent must be an integer of at least 1"),
    (lambda: ResidualBlock(0), ValueError, "channels must be an integer of at least 1, got 0"),
    (lambda: TimeEmbedding(3), ValueError, "features must be even, got 3"),
    (
        lambda: TimeEmbedding(4, max_period=0.5),
        ValueError,
        "max_period must be a number of at least",
    ),
    (
        lambda: MLP(3, [4], 2)(torch.zeros(B, 4)),
        ValueError,
        r"x must have shape \(..., 3\), got \(5, 4",
    ),
    (
        lambda: MLP(12, [4], 2)(torch.zeros(B, 3, 4)),
        ValueError,
        r"got \(5, 3, 4\): flatten images with x.flatten\(1\)",
    ),
    (
        lambda: ConvEncoder((1, 8, 8), [4], 2)(torch.zeros(B, 8, 8)),
        ValueError,
        r"x must have shape \(B, 1, 8, 8\), got \(5, 8, 8\)",
    ),
    (
        lambda: ConvDecoder(2, (1, 8, 8), [4])(torch.zeros(B, 3)),
        ValueError,
        r"z must have shape \(B, 2\), got \(5, 3\)",
    ),
    (
        lambda: ResidualBlock(4)(torch.zeros(B, 3, 2, 2)),
        ValueError,
        r"x must have shape \(B, 4, H, W\), got \(5, 3, 2, 2\)",
    ),
    (
        lambda: TimeEmbedding(4)(torch.zeros(B, 1)),
        ValueError,
        r"t must have shape \(B\), got|\(B,\)",
    ),
    (
        lambda: TimeEmbedding(4)(torch.zeros(B).long()),
        TypeError,
        "t must be a floating-point tensor",
    ),
]


@pytest.mark.parametrize(("call", "error", "match"), BAD)
def test_bad_input(call: object, error: type[Exception], match: str) -> None:
    assert callable(call)
    with pytest.raises(error, match=match):
        call()
