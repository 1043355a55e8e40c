"""Space to channels: each block of 2×2 pixels becomes one pixel with four times the channels."""

import torch.nn.functional as F
from torch import Tensor

from helpers.networks.invertible import Invertible


class Squeeze(Invertible):
    """(B, C, H, W) to (B, 4C, H/2, W/2), values in another place only.

    >>> import torch
    >>> Squeeze()(torch.arange(4.0).reshape(1, 1, 2, 2))[0].flatten()
    tensor([0., 1., 2., 3.])

    Reference: Dinh et al., arXiv:1605.08803.

    Taught in: models/flow
    """

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return F.pixel_unshuffle(x, 2), x.new_zeros(len(x))

    def inverse(self, y: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return F.pixel_shuffle(y, 2), y.new_zeros(len(y))
