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
