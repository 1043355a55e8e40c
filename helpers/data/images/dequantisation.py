"""Noise that makes integers continuous, so that a density can model them."""

import torch
from torch import Tensor

from helpers.checks import check_counts, check_data
from helpers.random import uniform


def dequantise(
    levels: Tensor,
    num_levels: int,
    *,
    dtype: torch.dtype = torch.float32,
    rng: torch.Generator | None = None,
) -> Tensor:
    r"""Integers plus uniform noise that fills the whole cell, scaled to [0, 1).

    $$ x = \frac{k + u}{K}, \qquad u \sim \mathrm{Uniform}[0, 1)^D $$

    The expected log-density of x, minus D log K for the change of unit, is a lower bound on the
    log-probability of k. Draw anew in each epoch.

    Args:
        levels: integers k in 0 … K − 1, any shape.
        num_levels: K, at least 2.
        dtype: of the result, floating point.
        rng: draws the noise.

    Reference: Theis et al., arXiv:1511.01844.

    >>> x = dequantise(torch.tensor([[0, 3, 16]]), 17)
    >>> (x * 17).floor().long()
    tensor([[ 0,  3, 16]])

    Taught in: concepts/probability
    """
    check_counts(2, num_levels=num_levels)
    k = check_data("levels", levels, (...,), "integer", low=0, high=num_levels - 1).to(dtype)
    u = uniform(k.shape, k, rng)
    # Rounding may carry k + u up to k + 1, into the next cell.
    return torch.minimum((k + u) / num_levels, _below((k + 1) / num_levels))


def _below(x: Tensor) -> Tensor:
    return torch.nextafter(torch.nextafter(x, torch.zeros_like(x)), torch.zeros_like(x))
