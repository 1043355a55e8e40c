"""A monotone map of the unit interval made of straight pieces: a histogram, integrated."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.checks import check_counts


class LinearSpline:
    r"""Straight pieces over K equal bins of [0, 1], which rise by the probabilities of a softmax.

    $$ y = \sum_{j < k} p_j + p_k (K x - k), \qquad
       k = \lfloor K x \rfloor, \quad \frac{dy}{dx} = K p_k $$

    It turns values with the density $K p_k$, a histogram, into uniform ones. With as many bins as
    an image has grey levels, each level has its own.

    Reference: Müller et al., arXiv:1808.03856.

    Taught in: models/flow
    """

    def __init__(self, bins: int) -> None:
        check_counts(bins=bins)
        self.bins = self.size = bins

    def __call__(self, x: Tensor, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Values (…) in [0, 1] and logits (…, K) → y (…) and log dy/dx (…)."""
        log_p = F.log_softmax(raw, -1)
        k = (x.detach() * self.bins).long().clamp(0, self.bins - 1)[..., None]
        log_rise = log_p.gather(-1, k)
        p = log_p.exp()
        below = (p.cumsum(-1) - p).gather(-1, k)
        y = below + log_rise.exp() * (x[..., None] * self.bins - k)
        return y[..., 0].clamp(0, 1), log_rise[..., 0] + math.log(self.bins)

    def inverse(self, y: Tensor, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Back: x (…) and log dx/dy (…)."""
        log_p = F.log_softmax(raw, -1)
        top = log_p.exp().cumsum(-1)
        k = torch.searchsorted(top[..., :-1].contiguous(), y[..., None].contiguous(), right=True)
        log_rise = log_p.gather(-1, k)
        below = F.pad(top, (1, 0)).gather(-1, k)
        share = ((y[..., None] - below) * (-log_rise).exp()).clamp(0, 1)
        x = (k + share) / self.bins
        return x[..., 0], -log_rise[..., 0] - math.log(self.bins)
