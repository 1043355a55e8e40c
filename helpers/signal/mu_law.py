"""The μ-law: samples as levels that are finer near zero, as the ear is.

Taught in: applications/speech
"""

import math

import torch
from torch import Tensor

from helpers.checks import check_counts, check_data


def mu_law_encode(x: Tensor, levels: int = 256) -> Tensor:
    r"""Integers 0 … V − 1 of samples in [-1, 1], for V `levels`.

    $$ f(x) = \mathrm{sign}(x) \frac{\log(1 + \mu |x|)}{\log(1 + \mu)}, \qquad \mu = V - 1 $$

    and f, in [-1, 1], is rounded to the nearest of V evenly spaced levels.

    Reference: ITU-T recommendation G.711 uses mu = 255 in a piecewise-linear form.

    >>> mu_law_encode(torch.tensor([-1.0, -0.01, 0.01, 1.0]))
    tensor([  0,  98, 157, 255])
    """
    check_counts(2, levels=levels)
    x = check_data("x", x, (...,), low=-1.0, high=1.0, hint="divide by the largest magnitude")
    mu = levels - 1
    squeezed = x.sign() * torch.log1p(mu * x.abs()) / math.log1p(mu)
    return ((squeezed + 1) / 2 * mu).round().long()


def mu_law_decode(codes: Tensor, levels: int = 256) -> Tensor:
    """Samples in [-1, 1] of integer levels 0 … V − 1: the inverse of `mu_law_encode`'s curve."""
    codes = check_data("codes", codes, (...,), "integer", low=0, high=levels - 1)
    mu = levels - 1
    return mu_law_expand(2 * codes.to(torch.get_default_dtype()) / mu - 1, mu)


def mu_law_edges(levels: int = 256) -> Tensor:
    """The V + 1 borders of the bins of `mu_law_encode`: −∞, points half a level between, ∞.

    >>> mu_law_edges(4)
    tensor([   -inf, -0.5066,  0.0000,  0.5066,     inf])

    Taught in: applications/speech
    """
    mu = levels - 1
    inner = mu_law_expand((2 * torch.arange(1, levels) - 1 - mu) / mu, mu)
    end = torch.tensor([math.inf])
    return torch.cat([-end, inner, end])


def mu_law_expand(squeezed: Tensor, mu: int) -> Tensor:
    """The inverse of the curve f of `mu_law_encode`, on [-1, 1] and without rounding."""
    return squeezed.sign() * torch.expm1(squeezed.abs() * math.log1p(mu)) / mu
