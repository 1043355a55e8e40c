"""A smooth monotone map of an interval, made of quotients of parabolas, with an exact inverse."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.checks import check_between, check_counts


class RationalQuadraticSpline:
    r"""Monotone pieces over K bins of [−R, R], the identity outside.

    A network gives widths, heights, and slopes $d$ at the inner knots, 3K − 1 numbers a value; all
    zero they make the identity. With $s = \Delta y / \Delta x$ of a bin, between its knots
    $(x_k, y_k)$ and $(x_{k+1}, y_{k+1})$, and $t = (x - x_k) / \Delta x$,

    $$ y = y_k + \Delta y \frac{s t^2 + d_k t (1 - t)}{s + (d_{k+1} + d_k - 2 s)\, t (1 - t)} $$
    $$ \frac{dy}{dx} = \frac{s^2 \left(d_{k+1} t^2 + 2 s\, t (1 - t) + d_k (1 - t)^2\right)}
       {\left(s + (d_{k+1} + d_k - 2 s)\, t (1 - t)\right)^2} $$

    Args:
        bins: K.
        bound: R; put the data inside.

    Reference: Durkan et al., arXiv:1906.04032.

    Taught in: models/flow
    """

    smallest = 1e-3  # share of the interval that a bin has at least, and smallest slope

    def __init__(self, bins: int = 8, bound: float = 4.0) -> None:
        check_counts(bins=bins)
        check_between("bound", bound, 0, ends="()")
        self.bins, self.bound = bins, bound
        self.size = 3 * bins - 1

    def __call__(self, x: Tensor, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Values (…) and numbers (…, 3K − 1) → y (…) and log dy/dx (…)."""
        xs, ys, slopes = self._knots(raw)
        inside = x.clamp(-self.bound, self.bound)
        x0, dx, y0, dy, d0, d1 = self._bin(inside, xs, xs, ys, slopes)
        s, t = dy / dx, (inside - x0) / dx
        mixed = t * (1 - t)
        below = s + (d0 + d1 - 2 * s) * mixed
        y = y0 + dy * (s * t.square() + d0 * mixed) / below
        return self._outside(x, y), self._log_slope(s, t, d0, d1, below)

    def inverse(self, y: Tensor, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Back, by the root of a parabola: x (…) and log dx/dy (…)."""
        xs, ys, slopes = self._knots(raw)
        inside = y.clamp(-self.bound, self.bound)
        x0, dx, y0, dy, d0, d1 = self._bin(inside, ys, xs, ys, slopes)
        s, risen = dy / dx, inside - y0
        bend = d0 + d1 - 2 * s
        a = dy * (s - d0) + risen * bend
        b = dy * d0 - risen * bend
        c = -s * risen
        root = (b.square() - 4 * a * c).clamp_min(0).sqrt()
        t = 2 * c / (-b - root)
        log_slope = self._log_slope(s, t, d0, d1, s + bend * t * (1 - t))
        return self._outside(y, x0 + t * dx), -log_slope

    def _knots(self, raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Places (…, K + 1) of the knots along x and y, and the slopes there; 1 at both ends."""
        k = self.bins
        widths, heights, slopes = raw[..., :k], raw[..., k : 2 * k], raw[..., 2 * k :]
        one_at_zero = math.log(math.expm1(1 - self.smallest))
        slopes = self.smallest + F.softplus(slopes + one_at_zero)
        return self._edges(widths), self._edges(heights), F.pad(slopes, (1, 1), value=1.0)

    def _edges(self, raw: Tensor) -> Tensor:
        share = self.smallest + (1 - self.smallest * self.bins) * raw.softmax(-1)
        inner = 2 * self.bound * share[..., :-1].cumsum(-1) - self.bound
        ends = F.pad(inner, (1, 0), value=-self.bound)
        return F.pad(ends, (0, 1), value=self.bound)

    def _bin(self, value: Tensor, along: Tensor, xs: Tensor, ys: Tensor, slopes: Tensor) -> Tensor:
        """What the formula needs of the bin of each value: x_k, Δx, y_k, Δy, and both slopes."""
        k = torch.searchsorted(along[..., 1:-1].detach().contiguous(), value.detach()[..., None])
        both = torch.stack([xs, ys, slopes])
        k = k.expand(3, *k.shape)
        (x0, y0, d0), (x1, y1, d1) = both.gather(-1, k)[..., 0], both.gather(-1, k + 1)[..., 0]
        return torch.stack([x0, x1 - x0, y0, y1 - y0, d0, d1])

    @staticmethod
    def _log_slope(s: Tensor, t: Tensor, d0: Tensor, d1: Tensor, below: Tensor) -> Tensor:
        above = d1 * t.square() + 2 * s * t * (1 - t) + d0 * (1 - t).square()
        return 2 * s.log() + above.log() - 2 * below.log()

    def _outside(self, x: Tensor, y: Tensor) -> Tensor:
        """The identity there; its log-slope is that of the ends, where the slope is 1."""
        return torch.where(x.abs() < self.bound, y, x)
