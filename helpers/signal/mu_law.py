r"""The μ-law: samples as levels that are finer near zero."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from helpers.checks import check_at_least, check_finite, check_floating, check_integer, check_range


def mu_law_encode(x: Tensor, levels: int = 256) -> Tensor:
    r"""Samples as levels that are finer near zero, as the ear is.

    $$ f(x) = \mathrm{sign}(x) \frac{\log(1 + \mu |x|)}{\log(1 + \mu)}, \qquad \mu = V - 1 $$

    and f, in [-1, 1], is rounded to the nearest of V evenly spaced levels.

    Args:
        x: samples in [-1, 1], any shape.
        levels: V, at least 2.

    Returns:
        int64 levels 0 … V − 1, of the shape of x.

    Raises:
        TypeError: `x` is no floating-point tensor.
        ValueError: samples outside [-1, 1] or not finite.

    Reference: ITU-T recommendation G.711 uses mu = 255 in a piecewise-linear form.

    >>> mu_law_encode(torch.tensor([-1.0, -0.01, 0.01, 1.0]))
    tensor([  0,  98, 157, 255])

    Taught in: speech.
    """
    check_floating("x", x)
    check_finite("x", x)
    check_range("x", x, -1.0, 1.0, hint="divide by the largest magnitude")
    check_at_least("levels", levels, 2)
    mu = levels - 1
    squeezed = x.sign() * torch.log1p(mu * x.abs()) / math.log1p(mu)
    return ((squeezed + 1) / 2 * mu).round().long()


def mu_law_decode(codes: Tensor, levels: int = 256) -> Tensor:
    r"""The samples of levels: the inverse of the curve of `mu_law_encode`.

    Args:
        codes: int64 levels 0 … V − 1, any shape.
        levels: V, at least 2.

    Returns:
        Samples in [-1, 1] of torch's default floating-point type.

    Raises:
        TypeError: `codes` is no integer tensor.
        ValueError: a level outside 0 … V − 1.

    >>> mu_law_decode(torch.tensor([0, 255]))
    tensor([-1.,  1.])

    Taught in: speech.
    """
    check_at_least("levels", levels, 2)
    check_integer("codes", codes)
    check_range("codes", codes, 0, levels - 1)
    mu = levels - 1
    return mu_law_expand(2 * codes.to(torch.get_default_dtype()) / mu - 1, mu)


def mu_law_expand(squeezed: Tensor, mu: int) -> Tensor:
    r"""The inverse of the curve f of `mu_law_encode`, on [-1, 1] and without rounding.

    >>> mu_law_expand(torch.tensor([-1.0, 0.0, 0.5]), 3)
    tensor([-1.0000,  0.0000,  0.3333])

    Taught in: speech.
    """
    return squeezed.sign() * torch.expm1(squeezed.abs() * math.log1p(mu)) / mu
