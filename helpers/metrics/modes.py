"""How many modes of a known mixture do samples reach, and how evenly?"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.checks import check_between, check_counts, check_data
from helpers.metrics.estimates import Estimate, share
from helpers.metrics.neighbours import nearest_neighbours


class ModeCoverage(NamedTuple):
    """What `mode_coverage` counts."""

    covered: int  # modes that have at least one sample of high quality
    high_quality: Estimate  # fraction of the samples within the radius of their mode
    counts: Tensor  # (K,) samples of high quality at each mode, int64
    nearest: Tensor  # (K,) samples of any quality whose nearest mode this is, int64


def mode_coverage(x: Tensor, means: Tensor, std: float, *, radius: float = 3.0) -> ModeCoverage:
    """Modes that samples reach, and the fraction of samples that lie at a mode.

    A sample is of high quality when it lies within `radius` standard deviations of its nearest
    mode; a mode is covered when at least one such sample is there.

    Args:
        x: samples (N, D).
        means: centres (K, D) of the modes of the truth.
        std: standard deviation of each mode, above zero.
        radius: in standard deviations.

    Reference: Lin et al. 2018, arXiv 1712.04086, who take 2500 samples and 3 standard deviations.

    >>> means = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    >>> x = torch.tensor([[0.01, 0.0], [0.0, 0.02], [1.5, 0.0], [0.98, 0.0]])
    >>> covered, high_quality, counts, _ = mode_coverage(x, means, std=0.01)
    >>> covered, high_quality.value, counts.tolist()
    (2, 0.75, [2, 1, 0])

    Taught in: models/gan
    """
    check_between("std", std, 0, ends="()")
    distance, mode = nearest_neighbours(x, means)  # (N, 1)
    good = distance[:, 0] <= radius * std
    counts = torch.bincount(mode[good, 0], minlength=len(means))
    nearest = torch.bincount(mode[:, 0], minlength=len(means))
    return ModeCoverage(int((counts > 0).sum()), share(good), counts, nearest)


def high_quality_ceiling(radius: float = 3.0, dims: int = 2) -> float:
    r"""The fraction of high quality that perfect samples have: 98.89 % in the plane.

    $$ P\bigl(\lVert \varepsilon \rVert \le r\bigr) = P(\tfrac D2, \tfrac{r^2}2),
       \qquad \varepsilon \sim \mathcal N(0, I_D) $$

    On the right is the regularised incomplete gamma function; in the plane, $1 - e^{-r^2/2}$. A
    higher fraction means that the modes are too narrow.

    >>> round(high_quality_ceiling(), 6)
    0.988891

    Taught in: models/gan
    """
    half = torch.tensor([0.5 * dims, 0.5 * radius**2], dtype=torch.float64)
    return float(torch.special.gammainc(half[0], half[1]))


def reverse_kl(counts: Tensor) -> Estimate:
    r"""KL divergence from the mode frequencies of samples to equal frequencies.

    $$ \mathrm{KL}(q \,\|\, u) = \sum_k q_k \log (K q_k), \qquad q_k = \frac{n_k}{n} $$

    Frequencies of a finite sample are never exactly equal, so perfect samples do not score zero:
    see `reverse_kl_floor`.

    Args:
        counts: n_k, shape (K,), integers, not all zero: how many samples belong to each mode.

    >>> reverse_kl(torch.tensor([5, 5, 0, 0])).value  # half of the modes: log 2
    0.6931...

    Taught in: models/gan
    """
    counts = check_data("counts", counts, ("K",), "integer", low=0)
    k, n = len(counts), int(counts.sum())
    check_counts(**{"counts.sum()": n})
    q = counts.double() / n
    log_ratio = torch.where(q > 0, (k * q).clamp(min=1e-300).log(), 0.0)
    value = (q * log_ratio).sum()
    # The first order of the delta method, Var_q log(K q_k) / n, less its bias; and the second
    # order, which is what is left where the frequencies are equal.
    first = (q * (log_ratio - value).square()).sum().item() / n - (k - 1) / n**2
    variance = max(first, 0.0) + (k - 1) / (2 * n**2)
    return Estimate(max(value.item(), 0.0), math.sqrt(variance))


def reverse_kl_floor(n: int, modes: int) -> float:
    """What `reverse_kl` gives on average for n perfect samples: about (K − 1)/(2n) nats.

    Twice n times the divergence has, for large n, a χ² distribution with K − 1 degrees of freedom.

    >>> reverse_kl_floor(2500, 25)
    0.0048

    Taught in: models/gan
    """
    return (modes - 1) / (2 * n)
