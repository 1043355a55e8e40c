"""Assertions about means of random draws, with tolerances derived from standard errors."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def assert_mean_close(samples: Tensor, expected: Tensor | float, *, sigmas: float = 5.0) -> None:
    """Fail unless the mean over the first dimension lies within `sigmas` standard errors.

    Five standard errors give one false alarm in 1.7 million comparisons, so that any seed passes.
    The draws must have a finite variance: heavy-tailed ones (importance weights under a narrow
    proposal) make the standard error itself unreliable.
    """
    n = samples.shape[0]
    standard_error = samples.std(0, unbiased=True) / math.sqrt(n)
    gap = (samples.mean(0) - torch.as_tensor(expected)).abs()
    floor = torch.finfo(samples.dtype).eps * 100  # a constant sample has no standard error
    worst = (gap / (standard_error + floor)).max()
    assert (gap <= sigmas * standard_error + floor).all(), (
        f"mean off by {worst:.1f} standard errors (limit {sigmas}, n={n})"
    )


def assert_shares_close(codes: Tensor, p: Tensor, *, sigmas: float = 5.5) -> None:
    """Fail unless outcomes 0 … K − 1 come as often as their probabilities p (K,) say.

    Standard errors are those of p itself; outcomes that are expected fewer than 50 times, where
    counts are no normal numbers, are one outcome. The sums over a few hundred comparisons still
    give no false alarm in ten thousand runs.
    """
    n = len(codes)
    shares = torch.bincount(codes, minlength=len(p)).to(p) / n
    rare = p * n < 50
    p = torch.cat([p[~rare], p[rare].sum()[None]])
    shares = torch.cat([shares[~rare], shares[rare].sum()[None]])
    standard_error = (p * (1 - p) / n).clamp_min(1 / n**2).sqrt()
    gap = ((shares - p).abs() - 2 / n).clamp_min(0) / standard_error  # two counts for few rare ones
    assert gap.max() <= sigmas, f"a share is off by {gap.max():.1f} standard errors (n={n})"
