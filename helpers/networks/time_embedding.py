"""A time as a vector of sines and cosines."""

import torch
from torch import Tensor, nn

from helpers.checks import argument_error


class TimeEmbedding(nn.Module):
    r"""Sines and cosines of a time at frequencies from 1 down to 1/`max_period`.

    $$e(t) = (\cos \omega_0 t, \dots, \cos \omega_{F-1} t, \sin \omega_0 t, \dots,
      \sin \omega_{F-1} t), \qquad \omega_i = \mathtt{max\_period}^{-i/F}, \quad F = D/2$$

    Args:
        features: length D of the embedding, even.
        max_period: times up to this one are told apart; with times in [0, 1] multiply them first.

    Shapes: times (B,) of integers or floats to (B, features).

    >>> TimeEmbedding(4)(torch.zeros(1))
    tensor([[1., 1., 0., 0.]])
    """

    frequencies: Tensor

    def __init__(self, features: int, *, max_period: float = 10_000.0) -> None:
        super().__init__()
        if features < 2 or features % 2:
            raise argument_error("features", "be even", features, "half are sines, half cosines")
        half = features // 2
        frequencies = max_period ** (-torch.arange(half) / half)
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, t: Tensor) -> Tensor:
        angles = t[:, None] * self.frequencies  # (B, F)
        return torch.cat([angles.cos(), angles.sin()], -1)  # (B, D)
