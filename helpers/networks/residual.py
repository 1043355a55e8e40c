"""Residual block for images."""

import math

from torch import Tensor, nn

from helpers.checks import check_between
from helpers.networks.dense import Activation, dropout_layers


class ResidualBlock(nn.Module):
    r"""Two 3×3 convolutions whose output is added to their input.

    $$y = x + W_2\,\mathrm{act}(\mathrm{norm}(W_1\,\mathrm{act}(\mathrm{norm}(x))))$$

    The last convolution starts at zero, so that the block starts as the identity.

    Args:
        channels: channels of input and output.
        activation: makes the activation.
        dropout: probability in [0, 1) of dropping a value before the second convolution.

    Shapes: (B, channels, H, W) to the same.

    >>> import torch
    >>> x = torch.ones(2, 8, 5, 5)
    >>> bool((ResidualBlock(8)(x) == x).all())
    True
    """

    def __init__(
        self, channels: int, *, activation: Activation = nn.ReLU, dropout: float = 0.0
    ) -> None:
        super().__init__()
        check_between("dropout", dropout, 0, 1, ends="[)")
        groups = math.gcd(channels, 8)
        last = nn.Conv2d(channels, channels, 3, padding=1)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self.layers = nn.Sequential(
            nn.GroupNorm(groups, channels),
            activation(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.GroupNorm(groups, channels),
            activation(),
            *dropout_layers(dropout),
            last,
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.layers(x)
        return y
