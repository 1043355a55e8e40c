r"""Maximum mean discrepancy: are two sets of points drawn from one distribution?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from helpers.checks import (
    argument_error,
    check_finite,
    check_floating,
    check_positive,
    check_same_device,
    check_shape,
)
from helpers.metrics.estimates import Estimate


def mmd(x: Tensor, y: Tensor, *, widths: Sequence[float] = (1.0,)) -> Estimate:
    r"""Squared maximum mean discrepancy between two distributions, from equally many draws.

    $$ \mathrm{MMD}^2 = \mathbb E\, k(x, x') + \mathbb E\, k(y, y') - 2\, \mathbb E\, k(x, y),
       \qquad k(a, b) = \frac1S \sum_s \exp\Bigl(-\frac{\lVert a - b \rVert^2}{2 D h_s^2}\Bigr) $$

    The estimate is unbiased: its mean is 0 where the distributions agree, so it may come out
    negative. The division by D keeps one choice of widths sensible in all dimensions.

    The standard error is a jackknife over the pairs (x_n, y_n). Where the distributions agree it is
    too large rather than too small.

    Args:
        x: (N, D), independent rows, N at least 3.
        y: (N, D), likewise.
        widths: the h_s, in units of the data, each positive.

    Returns:
        ``(value, standard_error)``, without unit, at most 2.

    Raises:
        TypeError: a set is no floating-point tensor.
        ValueError: wrong or different shapes, fewer than 3 rows, no widths or a width that is not
            positive, or values that are not finite.

    Reference: Gretton et al. 2012, Journal of Machine Learning Research 13.

    >>> g = torch.Generator().manual_seed(0)
    >>> x, y = torch.randn(400, 2, generator=g), torch.randn(400, 2, generator=g)
    >>> near, far = mmd(x, y), mmd(x, y + 1)
    >>> abs(near.value) < 3 * near.standard_error, far.value > 5 * far.standard_error
    (True, True)

    Taught in: hybrids.
    """
    for name, points in (("x", x), ("y", y)):
        check_floating(name, points)
        check_shape(name, points, ("N", "D"), hint="flatten each example to a row")
        if len(points) < 3:
            raise argument_error(name, "have at least 3 rows", len(points))
        check_finite(name, points)
    check_shape("y", y, tuple(x.shape), hint="both sets have the same size")
    check_same_device("y", y, "x", x.device)
    if not widths:
        raise argument_error("widths", "hold at least one width", "none")
    for width in widths:
        check_positive("widths", width)
    a, b = x.detach().double(), y.detach().double()
    n = len(a)
    cross = _kernel(a, b, widths)
    pairs = _kernel(a, a, widths) + _kernel(b, b, widths) - cross - cross.T  # (N, N)
    pairs.fill_diagonal_(0.0)
    rows = pairs.sum(1)
    total = rows.sum()
    left_out = (total - 2 * rows) / ((n - 1) * (n - 2))  # without each pair in turn
    variance = (n - 1) * left_out.var(unbiased=False).item()
    return Estimate(total.item() / (n * (n - 1)), math.sqrt(variance))


def _kernel(a: Tensor, b: Tensor, widths: Sequence[float]) -> Tensor:
    squares = torch.cdist(a, b).square() / a.shape[1]
    return torch.stack([torch.exp(-squares / (2 * h * h)) for h in widths]).mean(0)
