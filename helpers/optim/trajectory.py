r"""Follow a rule along a vector field and keep the path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from helpers.checks import argument_error, check_at_least, check_floating

State = TypeVar("State")


class Rule(Protocol[State]):
    """What all rules of this package share; see `helpers.optim.momentum.SGD`."""

    def start(self, params: Tensor) -> State:
        """The state before the first step."""

    def step(
        self, params: Tensor, grad: Tensor, state: State, lr: float | None = None
    ) -> tuple[Tensor, State]:
        """New parameters and new state."""


def trajectory(
    rule: Rule[State],
    field: Callable[[Tensor], Tensor],
    start: Tensor,
    *,
    steps: int,
    schedule: Callable[[int], float] | None = None,
) -> Tensor:
    r"""The points that a rule visits when it is driven by `field`.

    .. math:: (\theta_{t+1}, s_{t+1}) = \mathrm{step}\big(\theta_t, F(\theta_t), s_t\big)

    Args:
        rule: one of the rules of this package.
        field: $F$, called once a step; the gradient of a loss, a noisy estimate of it, or the
            joint field of a game, whose players then step at the same time.
        start: the first point, any shape, floating point.
        steps: number of steps, at least 0.
        schedule: step size as a function of the steps taken, from `helpers.optim.schedules`;
            without it, that of the rule.

    Returns:
        The path with shape (steps + 1, \*start.shape), detached; the first entry is `start`.

    Raises:
        TypeError: `start` is not a floating-point tensor, or `steps` no integer.
        ValueError: `steps` is negative, or the field returns another shape, a NaN or an infinity.

    >>> from helpers.optim.momentum import SGD
    >>> trajectory(SGD(lr=0.25), lambda x: 2 * x, torch.tensor([8.0]), steps=3).flatten()
    tensor([8., 4., 2., 1.])

    Taught in: optimisation/gradient_methods
    """
    check_floating("start", start)
    check_at_least("steps", steps, 0)
    params = start.detach().clone()
    state = rule.start(params)
    path = [params]
    for taken in range(steps):
        lr = None if schedule is None else schedule(taken)
        params, state = rule.step(params, field(params).detach(), state, lr)
        path.append(params)
    return torch.stack(path)  # (steps + 1, *start.shape)


def gradient_of(loss: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    r"""The gradient of a scalar function by automatic differentiation, as a field to follow.

    Args:
        loss: a differentiable function of one tensor with a scalar result.

    Returns:
        A function from a point to the gradient there, same shape.

    Raises:
        ValueError: at the call, if the loss is not a scalar.

    >>> gradient_of(lambda x: (x**3).sum())(torch.tensor([1.0, 2.0]))
    tensor([ 3., 12.])

    Taught in: optimisation/gradient_methods
    """

    def gradient(params: Tensor) -> Tensor:
        with torch.enable_grad():
            leaf = params.detach().requires_grad_()
            value = loss(leaf)
            if value.ndim != 0:
                hint = "sum over independent points, average over examples"
                raise argument_error("loss", "return a scalar", f"shape {tuple(value.shape)}", hint)
            (grad,) = torch.autograd.grad(value, leaf)
        return grad

    return gradient
