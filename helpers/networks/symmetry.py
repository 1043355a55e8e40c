"""The eight symmetries of a square: a network that reads pixels in another order."""

import torch
from torch import Tensor, nn

SYMMETRIES = 8


def turn_square(x: Tensor, symmetry: int) -> Tensor:
    """Turn or mirror square images (..., S, S): transposed for 1, rows reversed for 2, columns for
    4, in this turn, and their sums.

    >>> turn_square(torch.tensor([[1, 2], [3, 4]]), 3)
    tensor([[2, 4],
            [1, 3]])
    """
    if symmetry & 1:
        x = x.mT
    sides = [side for side, bit in ((-2, 2), (-1, 4)) if symmetry & bit]
    return x.flip(sides) if sides else x


def turn_square_back(x: Tensor, symmetry: int) -> Tensor:
    """The inverse of `turn_square`."""
    x = turn_square(x, symmetry & 6)
    return x.mT if symmetry & 1 else x


class Turned(nn.Module):
    """A network of images that sees them turned, and whose outputs are turned back.

    If the network obeys the reading order, this one obeys `order`: rows from below, columns from
    the right, and so on.

    Args:
        network: images (B, 1, S, S), and what it is conditioned on, to (B, 1, S, S, P).
        symmetry: 0 … 7, see `turn_square`.
        side: S.

    Taught in: models/autoregressive
    """

    def __init__(self, network: nn.Module, symmetry: int, side: int) -> None:
        super().__init__()
        self.network, self.symmetry = network, symmetry
        pixels = torch.arange(side * side).view(side, side)
        #: The flattened pixels, the first one read first.
        self.order = turn_square(pixels, symmetry).flatten()

    def forward(self, x: Tensor, *y: Tensor) -> Tensor:
        raw = self.network(turn_square(x, self.symmetry), *y).movedim(-1, 1)
        return turn_square_back(raw, self.symmetry).movedim(1, -1)
