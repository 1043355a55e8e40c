"""Maximum mean discrepancy: are two sets of points drawn from one distribution?"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from helpers.checks import check_between, check_shape
from helpers.metrics.distances import distance_blocks, two_sets
from helpers.metrics.estimates import Estimate


def mmd(x: Tensor, y: Tensor, *, widths: Sequence[float] = (1.0,)) -> Estimate:
    r"""Squared maximum mean discrepancy, unbiased, from equally many draws of two distributions.

    $$ \mathrm{MMD}^2 = \mathbb E\, k(x, x') + \mathbb E\, k(y, y') - 2\, \mathbb E\, k(x, y),
       \qquad k(a, b) = \frac1S \sum_s \exp\Bigl(-\frac{\lVert a - b \rVert^2}{2 D h_s^2}\Bigr) $$

    The standard error is a jackknife over the pairs $(x_n, y_n)$.

    Args:
        x: (N, D), independent rows, N at least 3.
        y: (N, D), likewise.
        widths: the h_s, in units of the data.

    Reference: Gretton et al. 2012, Journal of Machine Learning Research 13.

    Taught in: models/hybrids
    """
    a, b = two_sets(3, x=x, y=y)
    check_shape("y", b, tuple(a.shape), hint="both sets have the same size")
    check_between("the smallest width", min(widths, default=0.0), 0, ends="()")
    n, first, rows = len(a), 0, []
    # u for all pairs (N, N), block by block: u_nm = k(x_n, x_m) + k(y_n, y_m) − k(x_n, y_m) − …
    for blocks in zip(*(distance_blocks(*pair) for pair in ((a, a), (b, b), (a, b), (b, a)))):
        xx, yy, xy, yx = (_kernel(distance, a.shape[1], widths) for distance in blocks)
        u = xx + yy - xy - yx
        u.diagonal(first).zero_()  # no point is compared with itself
        first += len(u)
        rows.append(u.sum(1))
    row = torch.cat(rows)
    left_out = (row.sum() - 2 * row) / ((n - 1) * (n - 2))  # without each pair in turn
    variance = (n - 1) * left_out.var(unbiased=False).item()
    return Estimate(row.sum().item() / (n * (n - 1)), math.sqrt(variance))


def _kernel(distance: Tensor, dims: int, widths: Sequence[float]) -> Tensor:
    squares = distance.square() / dims
    return torch.stack([torch.exp(-squares / (2 * h * h)) for h in widths]).mean(0)
