"""Convolutional networks between an image and a vector.

Taught in: models/vae
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from helpers.checks import argument_error, check_option, check_shape
from helpers.networks.dense import Activation, dense_layers, dropout_layers


class ConvEncoder(nn.Module):
    """Convolution and pooling, repeated, then a dense layer: from an image to a vector.

    Each entry of `channels` is one stage: 3×3 convolution, activation, and 2×2 max-pooling that
    halves height and width (an odd side loses its last row). Dropout is before the dense layer.

    Shapes: images (B, C, H, W) to (B, outputs).
    """

    def __init__(
        self,
        image: Sequence[int],
        channels: Sequence[int],
        outputs: int,
        *,
        activation: Activation = nn.ReLU,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.image = tuple(image)
        pixels = math.prod(halved(image, len(channels)))
        layers: list[nn.Module] = []
        for before, after in pairwise((image[0], *channels)):
            layers += [nn.Conv2d(before, after, 3, padding=1), activation(), nn.MaxPool2d(2)]
        layers += [nn.Flatten(), *dropout_layers(dropout)]
        layers.append(nn.Linear([image[0], *channels][-1] * pixels, outputs))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        check_shape("x", x, ("B", *self.image))  # a single image would pass the convolutions
        y: Tensor = self.layers(x)
        return y


class ConvDecoder(nn.Module):
    """A dense layer, doubling stages, then convolutions: from a vector to an image.

    `ConvDecoder(12, (1, 8, 8), (48, 48, 48))` goes 12 → 2×2 → 4×4 → 8×8. The head is one 3×3
    convolution for each of its entries, and a 1×1 convolution to the outputs. A learned map tells
    pixels where they are.

    Args:
        latent: number of inputs.
        outputs: shape (C, H, W) of one image, or (V, C, H, W) for V logits a value.
        channels: channels of the first map, then after each 4×4 transposed convolution, which
            doubles the sides.
        hidden: widths of dense layers before the first map.
        head: channels of the 3×3 convolutions; None for one as wide as the last stage.
        position: where the learned map is added: to the `"features"` after the last doubling, or
            to the `"outputs"`.
        activation: makes the activation between layers.
        dropout: probability in [0, 1), after each hidden layer and before the head.

    Shapes: (B, latent) to (B, *outputs).

    >>> ConvDecoder(12, (17, 1, 8, 8), (48, 48, 48))(torch.zeros(5, 12)).shape
    torch.Size([5, 17, 1, 8, 8])
    """

    def __init__(
        self,
        latent: int,
        outputs: Sequence[int],
        channels: Sequence[int],
        *,
        hidden: Sequence[int] = (),
        head: Sequence[int] | None = None,
        position: str = "features",
        activation: Activation = nn.ReLU,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_option("position", position, ("features", "outputs"))
        self.outputs = tuple(outputs)
        *maps, height, width = outputs
        dense = [latent, *hidden]
        layers = dense_layers(dense, activation, dropout)
        layers += first_map(dense[-1], "outputs", outputs, channels)
        for before, after in pairwise(channels):
            layers += [activation(), nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)]
        if position == "features":
            layers.append(PositionMap(channels[-1], height, width))
        layers += [activation(), *dropout_layers(dropout)]
        full = [channels[-1], *(channels[-1:] if head is None else head)]
        for before, after in pairwise(full):
            layers += [nn.Conv2d(before, after, 3, padding=1), activation()]
        layers.append(nn.Conv2d(full[-1], math.prod(maps), 1))
        if position == "outputs":
            layers.append(PositionMap(math.prod(maps), height, width))
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        y: Tensor = self.layers(z)
        return y.reshape(len(z), *self.outputs)  # (B, V, C, H, W)


class PositionMap(nn.Module):
    """Add a learned map that is the same for all examples, and zero at first: $y = x + p$."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.position


def halved(image: Sequence[int], times: int) -> list[int]:
    """Height and width of an image (C, H, W) after so many halvings."""
    sides = [side // 2**times for side in image[1:]]
    if min(sides) < 1:
        got = f"{times} for images of {image[1]}×{image[2]}"
        raise argument_error("channels", "leave at least one pixel", got)
    return sides


def first_map(
    inputs: int, name: str, shape: Sequence[int], channels: Sequence[int]
) -> list[nn.Module]:
    """The layers from a vector to the small map that doublings bring to the sides of an image."""
    factor = 2 ** (len(channels) - 1)
    if any(side % factor for side in shape[-2:]):
        hint = f"{len(channels) - 1} doublings multiply them by {factor}"
        raise argument_error(name, f"have sides divisible by {factor}", tuple(shape), hint)
    start = (channels[0], shape[-2] // factor, shape[-1] // factor)
    return [nn.Linear(inputs, math.prod(start)), nn.Unflatten(1, start)]
