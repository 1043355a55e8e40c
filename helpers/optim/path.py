"""Follow a rule along a vector field and keep the path.

Taught in: optimisation/gradient_methods
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from helpers.checks import argument_error, check_counts, check_data
from helpers.optim.rules import Rule
from helpers.optim.schedules import Schedule

Field = Callable[[Tensor], Tensor]


def trajectory(
    rule: Rule, field: Field, start: Tensor, *, steps: int, schedule: Schedule | None = None
) -> Tensor:
    """The points that a rule visits when it is driven by `field`, detached: (steps + 1, ...).

    The field is the gradient of a loss, a noisy estimate of it, or that of a game. Without a
    schedule the step size is that of the rule.

    >>> from helpers.optim.rules import SGD
    >>> trajectory(SGD(lr=0.25), lambda x: 2 * x, torch.tensor([8.0]), steps=3).flatten()
    tensor([8., 4., 2., 1.])
    """
    params = check_data("start", start, (...,)).detach()
    check_counts(0, steps=steps)
    state = rule.init(params)
    path = [params]
    for taken in range(steps):
        lr = None if schedule is None else schedule(taken)
        params, state = rule.step(params, field(params).detach(), state, lr)
        path.append(params)
    return finite_path(path)


def finite_path(points: Sequence[Tensor]) -> Tensor:
    """The points as one tensor; a NaN or an infinity is an error that names its step."""
    path = torch.stack(list(points))
    broken = ~path.isfinite().flatten(1).all(1)  # (steps + 1,)
    if broken.any():
        got = f"a NaN or an infinity after {broken.int().argmax()} steps"
        raise argument_error("the path", "stay finite", got, "lower lr, or warm it up")
    return path


def gradient_of(loss: Callable[[Tensor], Tensor]) -> Field:
    """The gradient of a scalar function by automatic differentiation, as a field to follow."""
    return torch.func.grad(loss)
