"""How many modes of a known mixture do samples reach, and how evenly?

Taught in: models/gan
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.checks import check_between, check_counts, check_data
from helpers.metrics.distances import nearest_neighbours
from helpers.metrics.estimates import Estimate, share


class ModeCoverage(NamedTuple):
    """What `mode_coverage` counts."""

    covered: int  # modes that have at least one sample of high quality
    high_quality: Estimate  # fraction of the samples within the radius of their mode
    counts: Tensor  # (K,) samples of high quality at each mode, int64
    nearest: Tensor  # (K,) samples of any quality whose nearest mode this is, int64


def mode_coverage(x: Tensor, means: Tensor, std: float, *, radius: float = 3.0) -> ModeCoverage:
    """Modes that samples reach, and the share of samples within the radius of their nearest mode.

    Args:
        x: samples (N, D).
        means: centres (K, D) of the modes.
        std: standard deviation of each mode.
        radius: in standard deviations.

    Reference: Lin et al. 2018, arXiv 1712.04086, who take 2500 samples and 3 standard deviations.

    >>> x = torch.tensor([[0.01], [0.02], [1.5], [0.98]])
    >>> covered, high_quality, counts, _ = mode_coverage(x, torch.arange(3.0)[:, None], std=0.01)
    >>> covered, high_quality.value, counts.tolist()
    (2, 0.75, [2, 1, 0])
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

    On the right is the regularised incomplete gamma function; in the plane, $1 - e^{-r^2/2}$.
    """
    half = torch.tensor([0.5 * dims, 0.5 * radius**2], dtype=torch.float64)
    return float(torch.special.gammainc(half[0], half[1]))


def reverse_kl(counts: Tensor) -> Estimate:
    r"""KL divergence from the frequencies of K modes, given as counts (K,), to equal frequencies.

    $$ \mathrm{KL}(q \,\|\, u) = \sum_k q_k \log (K q_k), \qquad q_k = \frac{n_k}{n} $$

    >>> reverse_kl(torch.tensor([5, 5, 0, 0])).value  # half of the modes: log 2
    0.6931...
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
    """What `reverse_kl` gives on average for n perfect samples: about (K − 1)/(2n) nats."""
    return (modes - 1) / (2 * n)
