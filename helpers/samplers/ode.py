"""Ordinary differential equations, solved step by step: dx/dt = f(t, x).

A step takes (f, t, x, h) and returns x at t + h. Its order p says how the error of a whole
solution falls with the step: as h^p.

Taught in: models/flow
"""

import math
from collections.abc import Callable

from torch import Tensor

from helpers.checks import argument_error, check_between, check_counts

Field = Callable[[float, Tensor], Tensor]
Step = Callable[[Field, float, Tensor, float], Tensor]


def euler(f: Field, t: float, x: Tensor, h: float) -> Tensor:
    """Along the tangent, of order 1: $x + h f(t, x)$."""
    return x + h * f(t, x)


def heun(f: Field, t: float, x: Tensor, h: float) -> Tensor:
    r"""The mean of the slopes at both ends, of order 2.

    $$ k_1 = f(t, x), \qquad k_2 = f(t + h, x + h k_1), \qquad
       x + \tfrac h2 (k_1 + k_2) $$
    """
    k1 = f(t, x)
    k2 = f(t + h, x + h * k1)
    return x + h / 2 * (k1 + k2)


def runge_kutta_4(f: Field, t: float, x: Tensor, h: float) -> Tensor:
    r"""The classical method of Runge and Kutta, four slopes, of order 4.

    $$ k_1 = f(t, x), \quad k_2 = f(t + \tfrac h2, x + \tfrac h2 k_1), $$
    $$ k_3 = f(t + \tfrac h2, x + \tfrac h2 k_2), \quad k_4 = f(t + h, x + h k_3) $$
    $$ x + \tfrac h6 (k_1 + 2 k_2 + 2 k_3 + k_4) $$
    """
    k1 = f(t, x)
    k2 = f(t + h / 2, x + h / 2 * k1)
    k3 = f(t + h / 2, x + h / 2 * k2)
    k4 = f(t + h, x + h * k3)
    return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def integrate(
    f: Field, x: Tensor, start: float, end: float, *, steps: int, step: Step = runge_kutta_4
) -> Tensor:
    """The solution at `end` that is `x` at `start`, in equal steps; the end may be before it.

    >>> import torch
    >>> e = integrate(lambda t, x: x, torch.ones(1, dtype=torch.float64), 0, 1, steps=20)
    >>> round(e.item(), 5)
    2.71828
    """
    check_counts(steps=steps)
    h = (end - start) / steps
    for i in range(steps):
        x = step(f, start + i * h, x, h)
    return x


def integrate_adaptively(
    f: Field, x: Tensor, start: float, end: float, *, tolerance: float = 1e-5, limit: int = 1000
) -> tuple[Tensor, int]:
    r"""The same in steps that are as long as the tolerance allows.

    Two solutions of orders 3 and 2 share their slopes (Bogacki and Shampine 1989). Their distance
    estimates the error $\epsilon$ of a step: where it is larger than the tolerance the step is
    done again, and the next step is $h \cdot 0.9\, (\mathtt{tolerance} / \epsilon)^{1/3}$.

    Args:
        f: the field.
        x: the state at `start`.
        start: time at the beginning.
        end: time at the end, which may be before the start.
        tolerance: largest error of one step, root mean square over the values, each in units of
            max(1, |x|).
        limit: more steps than this, tried or taken, are an error: the equation may be stiff.

    Returns:
        The solution at `end`, and how often f was called.
    """
    check_between("tolerance", tolerance, 0, ends="()")
    check_counts(limit=limit)
    t, h = float(start), (end - start) / 10
    k1, calls = f(t, x), 1
    for _ in range(limit):
        if t == end:
            return x, calls
        last = abs(h) >= abs(end - t)
        h = end - t if last else h
        k2 = f(t + h / 2, x + h / 2 * k1)
        k3 = f(t + 3 * h / 4, x + 3 * h / 4 * k2)
        ahead = x + h / 9 * (2 * k1 + 3 * k2 + 4 * k3)
        k4 = f(t + h, ahead)  # the next step's first slope
        calls += 3
        difference = h * (-5 * k1 / 72 + k2 / 12 + k3 / 9 - k4 / 8)
        scaled = difference / ahead.abs().clamp_min(1)
        error = scaled.detach().square().mean().sqrt().item()
        if not math.isfinite(error):
            raise FloatingPointError(f"the solution is not finite after t = {t:.6g}")
        if error <= tolerance:
            t, x, k1 = (float(end) if last else t + h), ahead, k4
        h = h * min(5.0, max(0.2, 0.9 * (tolerance / max(error, 1e-300)) ** (1 / 3)))
    hint = "raise the tolerance or the limit: the equation may be stiff"
    raise argument_error("limit", f"allow the steps up to t = {end:g}", f"{limit} at {t:.6g}", hint)
