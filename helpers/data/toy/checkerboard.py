"""A density with sharp edges."""

import math

import torch
from torch import Tensor

from helpers.checks import check_between, check_counts, check_data
from helpers.data.toy.mixtures import Limits


class Checkerboard:
    r"""Uniform on the dark cells of a board: sharp edges, zero in between.

    $$ p(x) = \frac{1}{\text{area of the dark cells}} \quad \text{on a dark cell, else } 0 $$

    Args:
        side: cells along each axis, at least 1; the one at the lower left is dark.
        width: of the whole board, which is centred at the origin; above zero.

    >>> board = Checkerboard()
    >>> board.log_prob(torch.tensor([[-1.5, -1.5], [-0.5, -1.5]])).tolist()  # dark, light
    [-2.079..., -inf]
    >>> board.entropy() == math.log(8)  # 8 dark cells of area 1
    True
    """

    def __init__(self, side: int = 4, width: float = 4.0) -> None:
        check_counts(side=side)
        check_between("width", width, 0, ends="()")
        self.side, self.width = side, width
        rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
        self.dark = torch.nonzero((rows + columns) % 2 == 0)  # (cells, 2)

    @property
    def limits(self) -> Limits:
        """A rectangle (left, right, bottom, top) with a margin of an eighth of the board."""
        edge = 0.625 * self.width
        return (-edge, edge, -edge, edge)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density of each point: (B, 2) → (B,) nats, −inf on light cells and outside."""
        x = check_data("x", x, ("B", 2))
        cell = torch.floor((x + self.width / 2) * (self.side / self.width))  # (B, 2)
        inside = ((cell >= 0) & (cell < self.side)).all(1)
        dark = inside & (cell.sum(1) % 2 == 0)
        outside = torch.full_like(x[:, 0], -math.inf)
        return torch.where(dark, torch.full_like(outside, -self.entropy()), outside)

    def sample(self, n: int, *, rng: torch.Generator | None = None) -> Tensor:
        """Independent draws (n, 2), default dtype, on the device of `rng` (else the CPU)."""
        check_counts(n=n)
        device = rng.device if rng is not None else torch.device("cpu")
        k = torch.randint(len(self.dark), (n,), generator=rng, device=device)
        u = torch.rand(n, 2, generator=rng, device=device)
        # Rounding must not carry a draw over its cell's edge, where the density is zero.
        margin = 8 * self.side * torch.finfo(u.dtype).eps
        place = self.dark.to(device)[k] + margin + (1 - 2 * margin) * u  # (n, 2)
        return place * (self.width / self.side) - self.width / 2

    def entropy(self) -> float:
        """Differential entropy in nats: the logarithm of the dark area."""
        return math.log(len(self.dark) * (self.width / self.side) ** 2)
