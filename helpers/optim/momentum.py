r"""Gradient descent and its memory: plain, stochastic, heavy ball, Nesterov."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from helpers.checks import argument_error, check_at_least
from helpers.optim.gradient import check_decay, check_step_size, prepared_gradient, scheduled


class Velocity(NamedTuple):
    """What SGD carries from one step to the next."""

    taken: int  #: steps taken
    velocity: Tensor | None  #: the running sum of gradients; None before the first step


@dataclass(frozen=True)
class SGD:
    r"""Gradient descent, with a velocity that remembers earlier gradients.

    .. math:: v_{t+1} = \beta v_t + (1 - d) g_t, \qquad \theta_{t+1} = \theta_t - \alpha v_{t+1}

    The first velocity is $g_0$, without dampening. With `nesterov` the step follows
    $g_t + \beta v_{t+1}$. It is *stochastic* when the gradient comes from a random mini-batch: the
    rule is the same.

    Args:
        lr: the step size $\alpha > 0$.
        momentum: $\beta$ in [0, 1), the share of the velocity that survives a step.
        dampening: $d$ in [0, 1], taken off the new gradient; without momentum it has no effect.
        nesterov: look ahead along the velocity; needs `momentum` and no `dampening`.
        weight_decay: the weight of an L2 penalty.
        maximize: ascend.

    Raises:
        TypeError: an option is no number.
        ValueError: an option is out of its range, or `nesterov` does not fit the others.

    Reference: Polyak (1964) for the velocity; Sutskever et al. (2013) for Nesterov's method
    written as a velocity. Deviation from both, as in ``torch.optim.SGD``: the velocity is kept
    without the step size, so a change of `lr` acts on all of it at once.

    >>> import torch
    >>> rule = SGD(lr=0.1, momentum=0.9)
    >>> x = torch.tensor([1.0])
    >>> x, state = rule.step(x, 2 * x, rule.start(x))
    >>> x, state = rule.step(x, 2 * x, state)
    >>> x
    tensor([0.4600])

    Taught in: optimisation/gradient_methods
    """

    lr: float
    momentum: float = 0.0
    dampening: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    maximize: bool = False

    def __post_init__(self) -> None:
        check_step_size(self.lr)
        check_decay("momentum", self.momentum)
        check_at_least("dampening", self.dampening, 0.0)
        if self.dampening > 1:
            raise argument_error("dampening", "lie in [0, 1]", self.dampening)
        check_at_least("weight_decay", self.weight_decay, 0.0)
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            got = f"momentum={self.momentum}, dampening={self.dampening}"
            raise argument_error("nesterov", "come with momentum > 0 and dampening = 0", got)

    def start(self, params: Tensor) -> Velocity:
        """The state before the first step."""
        return Velocity(0, None)

    def step(
        self, params: Tensor, grad: Tensor, state: Velocity, lr: float | None = None
    ) -> tuple[Tensor, Velocity]:
        """One step: new parameters and new state, the old ones unchanged.

        Args:
            params: any shape, floating point.
            grad: the gradient at `params`, same shape, finite.
            state: from `start` or from the step before.
            lr: the step size of this step, from a schedule; without it, that of the rule.

        Returns:
            The new parameters, same shape, and the new state.

        Raises:
            TypeError: `params` or `grad` is not a floating-point tensor.
            ValueError: the shapes differ, the gradient is not finite, or `lr` is negative.
        """
        grad = prepared_gradient(
            params, grad, step=state.taken, maximize=self.maximize, weight_decay=self.weight_decay
        )
        if state.velocity is None or self.momentum == 0:
            velocity = grad
        else:
            velocity = self.momentum * state.velocity + (1 - self.dampening) * grad
        direction = grad + self.momentum * velocity if self.nesterov else velocity
        return params - scheduled(self.lr, lr) * direction, Velocity(state.taken + 1, velocity)
