"""The step size as a function of $t$, the number of steps taken: 0 before the first one.

Taught in: optimisation/gradient_methods
"""

import math
from collections.abc import Callable

from helpers.checks import check_between

Schedule = Callable[[int], float]


def constant(lr: float) -> Schedule:
    """Always `lr`."""
    return lambda taken: lr


def steps_down(lr: float, *, every: int, factor: float = 0.1) -> Schedule:
    r"""A staircase, $\alpha\,\gamma^{\lfloor t/n \rfloor}$; torch's ``StepLR``."""
    return lambda taken: lr * factor ** (taken // every)


def inverse_time(lr: float, *, offset: float = 1.0) -> Schedule:
    r"""$\alpha\,c/(t + c)$ with $c$ = `offset`, the classical choice of Robbins and Monro."""
    return lambda taken: lr * offset / (taken + offset)


def cosine(lr: float, *, total: int, minimum: float = 0.0) -> Schedule:
    r"""From `lr` to `minimum` along half a cosine of `total` steps; torch's ``CosineAnnealingLR``.

    $$ \alpha_t = \alpha_{\min} + \tfrac12 (\alpha - \alpha_{\min}) (1 + \cos(\pi t / n)) $$

    >>> [round(cosine(1.0, total=4)(t), 3) for t in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """
    return lambda taken: minimum + (lr - minimum) * (1 + math.cos(math.pi * taken / total)) / 2


def warm_up(after: Schedule, *, steps: int, start_factor: float = 0.01) -> Schedule:
    """A line from a share of another schedule's first value up to it, then that from its start."""

    def schedule(taken: int) -> float:
        if taken >= steps:
            return after(taken - steps)
        return after(0) * (start_factor + (1 - start_factor) * taken / steps)

    return schedule


def one_cycle(lr: float, *, total: int, rise: float = 0.3) -> Schedule:
    """Half a cosine up from lr/25 to `lr`, then half a cosine down; torch's ``OneCycleLR``.

    The rise takes a share of the `total` steps; after them the step size stays where it is.
    """
    check_between("rise", rise, 1 / total, 1, ends="()")
    peak, end = rise * total - 1, total - 1  # not rounded, as in torch

    def schedule(taken: int) -> float:
        low, share = lr / 25, taken / peak
        if taken > peak:
            low, share = lr / 25 / 1e4, 1 - (min(taken, end) - peak) / (end - peak)
        return low + (lr - low) * (1 - math.cos(math.pi * share)) / 2

    return schedule
