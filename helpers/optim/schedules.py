r"""The step size as a function of the number of steps taken, 0 before the first one."""

from __future__ import annotations

import math
from collections.abc import Callable

from helpers.checks import argument_error, check_at_least, check_positive
from helpers.optim.gradient import check_step_size

Schedule = Callable[[int], float]


def constant(lr: float) -> Schedule:
    r"""Always `lr`.

    >>> constant(0.1)(7)
    0.1

    Taught in: optimisation/gradient_methods
    """
    check_step_size(lr)
    return lambda taken: lr


def steps_down(lr: float, *, every: int, factor: float = 0.1) -> Schedule:
    r"""Multiplied by `factor` after each `every` steps: $\alpha\,\gamma^{\lfloor t/n \rfloor}$.

    Args:
        lr: the step size at the start, positive.
        every: $n \ge 1$, steps between two drops.
        factor: $\gamma > 0$.

    Returns:
        The schedule, equal to ``torch.optim.lr_scheduler.StepLR``.

    Raises:
        TypeError: an argument is no number.
        ValueError: an argument is out of its range.

    >>> [steps_down(1.0, every=2, factor=0.5)(t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]

    Taught in: optimisation/gradient_methods
    """
    check_step_size(lr)
    check_at_least("every", every, 1)
    check_positive("factor", factor)
    return lambda taken: lr * factor ** (taken // every)


def inverse_time(lr: float, *, offset: float = 1.0) -> Schedule:
    r"""$\alpha\,c/(t + c)$, the classical choice of Robbins and Monro.

    Its sum diverges, so that any distance can be covered, and the sum of its squares converges, so
    that the noise dies out.

    Args:
        lr: the step size at the start, positive.
        offset: $c > 0$, the number of steps after which it has halved.

    Returns:
        The schedule.

    Raises:
        TypeError: an argument is no number.
        ValueError: an argument is not positive.

    >>> [inverse_time(1.0)(t) for t in (0, 1, 3)]
    [1.0, 0.5, 0.25]

    Taught in: optimisation/gradient_methods
    """
    check_step_size(lr)
    check_positive("offset", offset)
    return lambda taken: lr * offset / (taken + offset)


def cosine(lr: float, *, total: int, minimum: float = 0.0) -> Schedule:
    r"""From `lr` to `minimum` along half a cosine.

    .. math:: \alpha_t = \alpha_{\min} + \frac{\alpha - \alpha_{\min}}{2}
        \Big(1 + \cos\frac{\pi t}{n}\Big)

    Args:
        lr: the step size at the start, positive.
        total: $n \ge 1$, steps from start to minimum; the curve rises again after it.
        minimum: $\alpha_{\min} \ge 0$.

    Returns:
        The schedule, equal to ``torch.optim.lr_scheduler.CosineAnnealingLR``.

    Raises:
        TypeError: an argument is no number.
        ValueError: an argument is out of its range.

    Reference: Loshchilov & Hutter (2016), arXiv:1608.03983, without restarts.

    >>> [round(cosine(1.0, total=4)(t), 3) for t in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]

    Taught in: optimisation/gradient_methods
    """
    check_step_size(lr)
    check_at_least("total", total, 1)
    check_at_least("minimum", minimum, 0.0)
    return lambda taken: minimum + (lr - minimum) * (1 + math.cos(math.pi * taken / total)) / 2


def warm_up(after: Schedule, *, steps: int, start_factor: float = 0.01) -> Schedule:
    r"""A straight line up to the first value of another schedule, which then takes over.

    .. math:: \alpha_t = \Big(f + (1 - f)\frac{t}{n}\Big)\,\alpha_0 \quad (t < n), \qquad
        \alpha_t = \mathrm{after}(t - n) \quad (t \ge n)

    Args:
        after: the schedule that follows; it counts from 0 when the warm-up ends.
        steps: $n \ge 0$.
        start_factor: $f$ in (0, 1], the share of the full step size that the first step uses.

    Returns:
        The schedule, equal to ``LinearLR`` followed by another one in torch's ``SequentialLR``.

    Raises:
        TypeError: an argument is no number.
        ValueError: an argument is out of its range.

    >>> [round(warm_up(constant(1.0), steps=4, start_factor=0.2)(t), 3) for t in range(6)]
    [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]

    Taught in: optimisation/gradient_methods
    """
    check_at_least("steps", steps, 0)
    check_positive("start_factor", start_factor)
    if start_factor > 1:
        hint = "a warm-up rises"
        raise argument_error("start_factor", "lie in (0, 1]", start_factor, hint)

    def schedule(taken: int) -> float:
        if taken >= steps:
            return after(taken - steps)
        return after(0) * (start_factor + (1 - start_factor) * taken / steps)

    return schedule


def one_cycle(
    lr: float, *, total: int, rise: float = 0.3, start: float = 25.0, end: float = 1e4
) -> Schedule:
    r"""Half a cosine up to `lr`, then half a cosine down to almost nothing.

    Args:
        lr: the largest step size, positive.
        total: number of steps of the whole run, at least 2.
        rise: share of the run spent rising, in (0, 1), with ``rise * total > 1``.
        start: the first step size is ``lr / start``.
        end: the last step size is ``lr / start / end``.

    Returns:
        The schedule, equal to ``torch.optim.lr_scheduler.OneCycleLR``; it ends with step
        ``total - 1`` and stays there.

    Raises:
        TypeError: an argument is no number.
        ValueError: an argument is out of its range.

    >>> [round(one_cycle(1.0, total=7, rise=0.5, start=4.0)(t), 3) for t in (0, 2, 3, 6)]
    [0.25, 0.928, 0.95, 0.0]

    Taught in: optimisation/gradient_methods
    """
    check_step_size(lr)
    check_at_least("total", total, 2)
    check_positive("start", start)
    check_positive("end", end)
    check_positive("rise", rise)
    if rise >= 1 or rise * total <= 1:
        raise argument_error("rise", "lie in (1 / total, 1)", rise, "it is a share of the run")
    peak = rise * total - 1  # not rounded, as in torch

    def schedule(taken: int) -> float:
        if taken <= peak:
            low, share = lr / start, taken / peak
        else:
            low = lr / start / end
            share = 1 - (min(taken, total - 1) - peak) / (total - 1 - peak)
        return low + (lr - low) * (1 - math.cos(math.pi * share)) / 2

    return schedule
