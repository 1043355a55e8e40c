"""A flow on images that finishes half of the values at each scale."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from helpers.checks import argument_error, check_shape
from helpers.networks.invertible import Chain, Invertible
from helpers.networks.squeeze import Squeeze


class MultiScale(Invertible):
    """At each scale: squeeze, some layers, then half of the channels are done.

    Details are finished early, in few layers; what is left is coarse and goes on. All values end in
    one vector, those of the last scale first.

    Shapes: (B, C, H, W) to (B, C·H·W) and back.

    Args:
        image: (C, H, W).
        scales: the layers of each scale, for 4c channels at half the sides; c is C at first and
            doubles from scale to scale.

    Reference: Dinh et al., arXiv:1605.08803.

    Taught in: models/flow
    """

    def __init__(self, image: Sequence[int], scales: Sequence[Sequence[Invertible]]) -> None:
        super().__init__()
        if any(side % 2 ** len(scales) for side in image[1:]):
            expected = f"have sides divisible by {2 ** len(scales)}"
            raise argument_error("image", expected, tuple(image), "each scale halves them")
        self.image = tuple(image)
        self.scales = nn.ModuleList(Chain([Squeeze(), *layers]) for layers in scales)

    def _scales(self) -> list[Chain]:
        return [cast(Chain, scale) for scale in self.scales]

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        check_shape("x", x, ("B", *self.image))
        total, done = x.new_zeros(len(x)), []
        for scale in self._scales():
            x, log_det = scale(x, condition)
            x, finished = x.chunk(2, 1)
            done.append(finished.flatten(1))
            total = total + log_det
        return torch.cat([x.flatten(1), *reversed(done)], 1), total

    def initialise(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        rest = x
        for scale in self._scales():
            rest = scale.initialise(rest, condition).chunk(2, 1)[0]
        y: Tensor = self(x, condition)[0]
        return y

    def inverse(self, y: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        channels, height, width = self.image
        total, number = y.new_zeros(len(y)), len(self.scales)
        sides = height // 2**number, width // 2**number
        size = channels * 2**number * sides[0] * sides[1]
        x, y = y[:, :size].reshape(len(y), -1, *sides), y[:, size:]
        for scale in reversed(self._scales()):
            finished, y = y[:, : x[0].numel()].reshape(x.shape), y[:, x[0].numel() :]
            x, log_det = scale.inverse(torch.cat([x, finished], 1), condition)
            total = total + log_det
        return x, total
