"""Fixed maps in front of a network: waves for fine detail, signs for separate pieces.

Taught in: models/gan
"""

import math

import torch
from torch import Tensor, nn


class FourierFeatures(nn.Module):
    r"""Append sines and cosines of fixed random projections: (B, D) to (B, D + 2M).

    $$ x \mapsto \bigl(x,\; \sin(Wx),\; \cos(Wx)\bigr) $$

    The rows of W point in random directions; their lengths are spread evenly on a logarithmic scale
    from 1 to `largest`, in radians per unit.

    Reference: Tancik et al. 2020, arXiv 2006.10739.
    """

    def __init__(
        self, inputs: int, number: int, *, largest: float, rng: torch.Generator | None = None
    ) -> None:
        super().__init__()
        directions = torch.randn(inputs, number, generator=rng)
        lengths = torch.linspace(0.0, math.log(largest), number).exp()
        self.weight: Tensor
        self.register_buffer("weight", directions / directions.norm(dim=0) * lengths)  # (D, M)

    def forward(self, x: Tensor) -> Tensor:
        phase = x @ self.weight  # (B, M)
        return torch.cat([x, phase.sin(), phase.cos()], 1)


class SignLatents(nn.Module):
    """Replace the first coordinates of z by their signs: normal numbers become fair coins.

    Coins in the latent vector let a continuous generator make separate pieces without bridges. The
    other coordinates are multiplied by `spread`: where it is small, a piece starts out small and
    seldom lies across two modes.

    >>> SignLatents(2, spread=0.5)(torch.tensor([[0.3, -1.2, 0.7]]))
    tensor([[ 1.0000, -1.0000,  0.3500]])
    """

    def __init__(self, coins: int, *, spread: float = 1.0) -> None:
        super().__init__()
        self.coins, self.spread = coins, spread

    def forward(self, z: Tensor) -> Tensor:
        coins = torch.where(z[:, : self.coins] < 0, -1.0, 1.0).to(z)
        return torch.cat([coins, self.spread * z[:, self.coins :]], 1)
