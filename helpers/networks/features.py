"""Fixed maps in front of a network: waves for fine detail, signs for separate pieces."""

import math

import torch
from torch import Tensor, nn


class FourierFeatures(nn.Module):
    r"""Append sines and cosines of fixed random projections: (B, D) to (B, D + 2M).

    $$ x \mapsto \bigl(x,\; \sin(Wx),\; \cos(Wx)\bigr) $$

    The rows of W point in random directions; their lengths, the frequencies in radians per unit,
    are spread evenly on a logarithmic scale from 1 to `largest`. A network behind them can answer
    to changes over about 1/`largest` without large weights.

    Args:
        inputs: D.
        number: M, at least 2.
        largest: the highest frequency, above 1.
        rng: draws the directions.

    Reference: Tancik et al. 2020, arXiv 2006.10739.

    >>> FourierFeatures(2, 64, largest=40.0)(torch.zeros(5, 2)).shape
    torch.Size([5, 130])

    Taught in: models/gan
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

    A continuous generator must connect the pieces of the data by a bridge of samples; coins in the
    latent vector allow separate pieces, without saying how many there are.

    Args:
        coins: how many coordinates become −1 or 1.

    >>> SignLatents(2)(torch.tensor([[0.3, -1.2, 0.7]]))
    tensor([[ 1.0000, -1.0000,  0.7000]])

    Taught in: models/gan
    """

    def __init__(self, coins: int) -> None:
        super().__init__()
        self.coins = coins

    def forward(self, z: Tensor) -> Tensor:
        coins, rest = z[:, : self.coins], z[:, self.coins :]
        return torch.cat([torch.where(coins < 0, -1.0, 1.0).to(z), rest], 1)
