"""Convolutional networks between an image and a vector."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from helpers.checks import argument_error, check_between, check_option, check_shape
from helpers.networks.dense import Activation, dense_layers, dropout_layers


class ConvEncoder(nn.Module):
    """Convolution and pooling, repeated, then a dense layer: from an image to a vector.

    Each entry of `channels` is one stage: 3×3 convolution, activation, and 2×2 max-pooling that
    halves height and width (an odd side loses its last row).

    Args:
        image: shape (C, H, W) of one image.
        channels: output channels of each stage.
        outputs: number of outputs; 2L for a VAE's encoder.
        activation: makes the activation after each convolution.
        dropout: probability in [0, 1) of dropping a value before the dense layer.

    Shapes: (B, C, H, W) to (B, outputs).

    >>> ConvEncoder((1, 8, 8), [16, 32], 24)(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 24])

    Taught in: models/vae
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
        check_between("dropout", dropout, 0, 1, ends="[)")
        self.image = tuple(image)
        maps, *sides = image
        height, width = (side // 2 ** len(channels) for side in sides)
        if min(height, width) < 1:
            got = f"{len(channels)} for images of {image[1]}×{image[2]}"
            raise argument_error("channels", "leave at least one pixel", got)
        self.layers = nn.Sequential()
        for before, after in pairwise((maps, *channels)):
            stage = [nn.Conv2d(before, after, 3, padding=1), activation(), nn.MaxPool2d(2)]
            self.layers.extend(stage)
        self.layers.extend([nn.Flatten(), *dropout_layers(dropout)])
        self.layers.append(nn.Linear((maps, *channels)[-1] * height * width, outputs))

    def forward(self, x: Tensor) -> Tensor:
        check_shape("x", x, ("B", *self.image))  # a single image would pass the convolutions
        y: Tensor = self.layers(x)
        return y


class ConvDecoder(nn.Module):
    """A dense layer, doubling stages, then convolutions: from a vector to an image.

    The dense layer makes a small map of `channels[0]` channels. Each further entry of `channels`
    is a 4×4 transposed convolution that doubles height and width. The head is one 3×3 convolution
    for each entry of `head`, and a 1×1 convolution to the outputs.
    `ConvDecoder(12, (1, 8, 8), (48, 48, 48))` goes 12 → 2×2 → 4×4 → 8×8. A learned map tells
    pixels where they are.

    Args:
        latent: number of inputs.
        outputs: shape (C, H, W) of one image, or (V, C, H, W) for V logits a value; H and W
            divisible by 2 for each doubling.
        channels: channels of the first map, then of each doubling's output.
        hidden: widths of dense layers before the first map.
        head: channels of the 3×3 convolutions at full size; None for one as wide as the last stage.
        position: where the learned map is added: to the `"features"` after the last doubling, or
            to the `"outputs"`.
        activation: makes the activation between layers.
        dropout: probability in [0, 1) of dropping a value after each hidden layer and before the
            head.

    Shapes: (B, latent) to (B, *outputs).

    >>> ConvDecoder(12, (1, 28, 28), (32, 16, 8))(torch.zeros(5, 12)).shape
    torch.Size([5, 1, 28, 28])
    >>> ConvDecoder(12, (17, 1, 8, 8), (48, 48, 48))(torch.zeros(5, 12)).shape
    torch.Size([5, 17, 1, 8, 8])

    Taught in: models/vae
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
        check_between("dropout", dropout, 0, 1, ends="[)")
        self.outputs = tuple(outputs)
        *maps, height, width = outputs
        factor = 2 ** (len(channels) - 1)
        if height % factor or width % factor:
            hint = f"{len(channels) - 1} doublings multiply them by {factor}"
            expected = f"have sides divisible by {factor}"
            raise argument_error("outputs", expected, self.outputs, hint)
        first = (channels[0], height // factor, width // factor)
        dense = [latent, *hidden]
        layers = dense_layers(dense, activation, dropout)
        layers += [nn.Linear(dense[-1], math.prod(first)), nn.Unflatten(1, first)]
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
    """Add a learned map that is the same for all examples: $y = x + p$.

    Args:
        shape: shape of one example; the map starts at zero.

    >>> PositionMap(2, 4, 4)(torch.ones(3, 2, 4, 4)).shape
    torch.Size([3, 2, 4, 4])

    Taught in: models/vae
    """

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.position
