r"""Convolutional networks between an image and a vector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from helpers.checks import argument_error, check_at_least, check_option, check_shape
from helpers.networks.dense import Activation, dense_layers, dropout_layers
from helpers.networks.sizes import check_probability, event_shape, image_shape, layer_widths


class ConvEncoder(nn.Module):
    r"""Convolution and pooling, repeated, then dense layers: from an image to a vector.

    Each entry of `channels` is one stage: 3×3 convolution, activation, and pooling that halves
    height and width (an odd side loses its last row).

    Args:
        image: shape (C, H, W) of one image.
        channels: output channels of each stage.
        outputs: number of outputs; 2L for a VAE's encoder.
        hidden: widths of dense layers between the last pooling and the output.
        pooling: ``"max"`` or ``"average"``, 2×2.
        activation: makes the activation after each convolution and hidden layer.
        dropout: probability in [0, 1) of dropping a value before each dense layer.

    Shapes: (B, C, H, W) to (B, outputs).

    Raises:
        ValueError: an option is out of range, or the image is too small for so many stages; in a
            call, the shape is wrong.

    >>> ConvEncoder((1, 8, 8), [16, 32], 24)(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 24])

    Taught in: Variational autoencoders.
    """

    def __init__(
        self,
        image: Sequence[int],
        channels: Sequence[int],
        outputs: int,
        *,
        hidden: Sequence[int] = (),
        pooling: str = "max",
        activation: Activation = nn.ReLU,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.image = image_shape(image)
        check_option("pooling", pooling, ("max", "average"))
        check_probability("dropout", dropout)
        check_at_least("outputs", outputs, 1)
        widths = layer_widths("channels", channels, minimum=1)
        height, width = (side // 2 ** len(widths) for side in self.image[1:])
        if min(height, width) < 1:
            hint = f"images of {self.image[1]}×{self.image[2]} cannot be halved so often"
            raise argument_error("channels", "leave at least one pixel", list(widths), hint)
        stages: list[nn.Module] = []
        for before, after in zip((self.image[0], *widths), widths):
            pool = nn.MaxPool2d(2) if pooling == "max" else nn.AvgPool2d(2)
            stages += [nn.Conv2d(before, after, 3, padding=1), activation(), pool]
        dense = [widths[-1] * height * width, *layer_widths("hidden", hidden)]
        self.layers = nn.Sequential(*stages, nn.Flatten(), *dropout_layers(dropout))
        self.layers.extend(dense_layers(dense, activation, dropout))
        self.layers.append(nn.Linear(dense[-1], outputs))

    def forward(self, x: Tensor) -> Tensor:
        check_shape("x", x, ("B", *self.image))
        y: Tensor = self.layers(x)
        return y


class ConvDecoder(nn.Module):
    r"""A dense layer, upsampling stages, then convolutions: from a vector to an image.

    The dense layer makes a small map of ``channels[0]`` channels. Each further entry of `channels`
    is a stage that doubles height and width. The head is one 3×3 convolution for each entry of
    `head`, and a 1×1 convolution to the outputs. ``ConvDecoder(12, (1, 8, 8), (48, 48, 48))`` goes
    12 → 2×2 → 4×4 → 8×8.

    Args:
        latent: number of inputs.
        image: shape (C, H, W) of one image; H and W divisible by 2 for each stage.
        channels: channels of the first map, then of each stage's output.
        outputs_per_pixel: None for one output a value, shape (B, C, H, W); an integer V for V
            logits a value, shape (B, V, C, H, W).
        hidden: widths of dense layers before the first map.
        head: channels of the 3×3 convolutions at full size; None for one as wide as the last stage.
        upsampling: ``"transposed"`` for a 4×4 transposed convolution of stride 2, ``"unpooling"``
            for repeating each value 2×2 and a 3×3 convolution.
        position: a learned map that tells pixels where they are: ``"features"`` adds it after the
            last stage, ``"outputs"`` to the outputs, ``"none"`` leaves it out.
        activation: makes the activation between layers.
        dropout: probability in [0, 1) of dropping a value after each hidden layer and before the
            head.
        channel_dropout: probability in [0, 1) of dropping a whole channel between two stages.

    Shapes: (B, latent) to (B, C, H, W) or (B, V, C, H, W).

    Raises:
        ValueError: an option is out of range, or the sides are not divisible; in a call, the shape
            is wrong.

    >>> ConvDecoder(12, (1, 28, 28), (32, 16, 8))(torch.zeros(5, 12)).shape
    torch.Size([5, 1, 28, 28])
    >>> digits = ConvDecoder(12, (1, 8, 8), (48, 48, 48), outputs_per_pixel=17)
    >>> digits(torch.zeros(5, 12)).shape
    torch.Size([5, 17, 1, 8, 8])

    Taught in: Variational autoencoders.
    """

    def __init__(
        self,
        latent: int,
        image: Sequence[int],
        channels: Sequence[int],
        *,
        outputs_per_pixel: int | None = None,
        hidden: Sequence[int] = (),
        head: Sequence[int] | None = None,
        upsampling: str = "transposed",
        position: str = "features",
        activation: Activation = nn.ReLU,
        dropout: float = 0.0,
        channel_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.latent, self.image = event_shape("latent", latent)[0], image_shape(image)
        check_option("upsampling", upsampling, ("transposed", "unpooling"))
        check_option("position", position, ("features", "outputs", "none"))
        check_probability("dropout", dropout)
        check_probability("channel_dropout", channel_dropout)
        widths = layer_widths("channels", channels, minimum=1)
        factor = 2 ** (len(widths) - 1)
        if any(side % factor for side in self.image[1:]):
            hint = f"{len(widths) - 1} stages of upsampling multiply them by {factor}"
            raise argument_error("image", f"have sides divisible by {factor}", self.image, hint)
        start = (widths[0], self.image[1] // factor, self.image[2] // factor)
        dense = [self.latent, *layer_widths("hidden", hidden)]
        body = dense_layers(dense, activation, dropout)
        body += [nn.Linear(dense[-1], math.prod(start)), nn.Unflatten(1, start)]
        for stage, (before, after) in enumerate(pairwise(widths)):
            body += [activation(), *dropout_layers(channel_dropout if stage else 0.0, nn.Dropout2d)]
            body += _upsample(upsampling, before, after)
        if position == "features":
            body.append(PositionMap(widths[-1], *self.image[1:]))
        body += [activation(), *dropout_layers(dropout)]
        full = [widths[-1], *(widths[-1:] if head is None else layer_widths("head", head))]
        for before, after in pairwise(full):
            body += [nn.Conv2d(before, after, 3, padding=1), activation()]
        self.outputs_per_pixel = outputs_per_pixel
        maps = self.image[0]
        if outputs_per_pixel is not None:
            check_at_least("outputs_per_pixel", outputs_per_pixel, 1)
            maps *= outputs_per_pixel
        body.append(nn.Conv2d(full[-1], maps, 1))
        if position == "outputs":
            body.append(PositionMap(maps, *self.image[1:]))
        self.layers = nn.Sequential(*body)

    def forward(self, z: Tensor) -> Tensor:
        check_shape("z", z, ("B", self.latent))
        y: Tensor = self.layers(z)
        if self.outputs_per_pixel is None:
            return y
        return y.reshape(len(z), self.outputs_per_pixel, *self.image)  # (B, V, C, H, W)


class PositionMap(nn.Module):
    r"""Add a learned map that is the same for all examples: y = x + p.

    Args:
        shape: shape of one example; the map starts at zero.

    >>> PositionMap(2, 4, 4)(torch.ones(3, 2, 4, 4)).shape
    torch.Size([3, 2, 4, 4])

    Taught in: Variational autoencoders.
    """

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.zeros(event_shape("shape", shape)))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.position


def _upsample(upsampling: str, before: int, after: int) -> list[nn.Module]:
    if upsampling == "transposed":
        return [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)]
    return [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1)]
