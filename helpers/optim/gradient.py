r"""What every rule does first: check the gradient, turn its sign, add the weight decay."""

from __future__ import annotations

import torch
from torch import Tensor

from helpers.checks import argument_error, check_at_least, check_floating, check_positive


def prepared_gradient(
    params: Tensor, grad: Tensor, *, step: int, maximize: bool = False, weight_decay: float = 0.0
) -> Tensor:
    r"""The gradient that a rule follows: its sign turned to ascend, and the decay term added.

    .. math:: g \leftarrow \pm g + \lambda \theta

    Args:
        params: the parameters $\theta$, any shape, floating point.
        grad: the gradient at `params`, same shape, finite.
        step: number of steps taken so far, for the error message.
        maximize: follow the gradient uphill instead of downhill.
        weight_decay: $\lambda \ge 0$, the weight of the penalty $\lambda \|\theta\|^2 / 2$.

    Returns:
        The gradient to descend, same shape.

    Raises:
        TypeError: `params` or `grad` is not a floating-point tensor.
        ValueError: the shapes differ, or the gradient holds a NaN or an infinity.

    >>> prepared_gradient(torch.tensor([2.0]), torch.tensor([1.0]), step=0, weight_decay=0.5)
    tensor([2.])

    Taught in: optimisation/gradient_methods
    """
    check_floating("params", params)
    check_floating("grad", grad)
    if grad.shape != params.shape:
        expected = f"have the shape of params, {tuple(params.shape)}"
        raise argument_error("grad", expected, tuple(grad.shape))
    if not torch.isfinite(grad).all():
        bad = "NaN" if grad.isnan().any() else "an infinite value"
        hint = "lower lr, warm it up, or clip the gradient's norm"
        raise argument_error("grad", "be finite", f"{bad} at step {step}", hint)
    if maximize:
        grad = -grad
    if weight_decay != 0:
        grad = grad + weight_decay * params
    return grad


def check_decay(name: str, value: float) -> None:
    r"""Raise unless `value` is a number in [0, 1), as the weight of an exponential memory must be.

    Args:
        name: the argument as the caller wrote it.
        value: the weight of the past.

    Raises:
        TypeError: `value` is no number.
        ValueError: `value` lies outside [0, 1).

    >>> check_decay("momentum", 1.0)
    Traceback (most recent call last):
    ValueError: momentum must be below 1, got 1.0: at 1 the past never fades

    Taught in: optimisation/gradient_methods
    """
    check_at_least(name, value, 0.0)
    if value >= 1:
        raise argument_error(name, "be below 1", value, "at 1 the past never fades")


def check_step_size(lr: float) -> None:
    r"""Raise unless `lr` is a positive number.

    >>> check_step_size(-0.1)
    Traceback (most recent call last):
    ValueError: lr must be a positive number, got -0.1: to ascend, set maximize=True

    Taught in: optimisation/gradient_methods
    """
    check_positive("lr", lr, hint="to ascend, set maximize=True")


def scheduled(lr: float, override: float | None) -> float:
    r"""The step size of one step: `override` from a schedule (0 is allowed there), else `lr`.

    >>> scheduled(0.1, None), scheduled(0.1, 0.0)
    (0.1, 0.0)

    Taught in: optimisation/gradient_methods
    """
    if override is None:
        return lr
    check_at_least("lr", override, 0.0, hint="look at the schedule")
    return override
