r"""RMSProp: each coordinate is scaled by its recent gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.checks import check_at_least, check_positive
from helpers.optim.gradient import check_decay, check_step_size, prepared_gradient, scheduled


class RunningSquare(NamedTuple):
    """What RMSProp carries from one step to the next."""

    taken: int  #: steps taken
    square: Tensor  #: running mean of squared gradients
    mean: Tensor  #: running mean of gradients, used when centred
    velocity: Tensor  #: running sum of scaled gradients, used with momentum


@dataclass(frozen=True)
class RMSprop:
    r"""RMSProp: divide by the root of a running mean of squared gradients.

    .. math:: s_t = \rho s_{t-1} + (1 - \rho) g_t^2, \qquad
        \theta_{t+1} = \theta_t - \alpha \frac{g_t}{\sqrt{s_t} + \epsilon}

    Centred, the running mean of the gradient is squared and taken off $s_t$, which leaves an
    estimate of the variance. With momentum the scaled gradients drive a velocity.

    Args:
        lr: the step size $\alpha > 0$.
        alpha: the decay $\rho$ in [0, 1), under torch's name.
        eps: $\epsilon > 0$, added after the root.
        weight_decay: the weight of an L2 penalty.
        momentum: in [0, 1).
        centered: divide by the standard deviation.
        maximize: ascend.

    Raises:
        TypeError: an option is no number.
        ValueError: an option is out of its range.

    Deviation from ``torch.optim.RMSprop``: rounding can push the centred variance of a constant
    gradient below zero, where torch's root is NaN; here it is clamped at zero.

    >>> rule, x = RMSprop(lr=0.1), torch.tensor([3.0, -0.01])
    >>> rule.step(x, x, rule.start(x))[0]  # without bias correction: lr / sqrt(1 - alpha)
    tensor([2.0000, 0.9900])

    Taught in: optimisation/gradient_methods
    """

    lr: float = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    centered: bool = False
    maximize: bool = False

    def __post_init__(self) -> None:
        check_step_size(self.lr)
        check_decay("alpha", self.alpha)
        check_decay("momentum", self.momentum)
        check_positive("eps", self.eps)
        check_at_least("weight_decay", self.weight_decay, 0.0)

    def start(self, params: Tensor) -> RunningSquare:
        """The state before the first step."""
        zero = torch.zeros_like(params)
        return RunningSquare(0, zero, zero, zero)

    def step(
        self, params: Tensor, grad: Tensor, state: RunningSquare, lr: float | None = None
    ) -> tuple[Tensor, RunningSquare]:
        """One step; arguments, results and errors as in `momentum.SGD.step`."""
        grad = prepared_gradient(
            params, grad, step=state.taken, maximize=self.maximize, weight_decay=self.weight_decay
        )
        square = self.alpha * state.square + (1 - self.alpha) * grad**2
        mean = self.alpha * state.mean + (1 - self.alpha) * grad
        spread = (square - mean**2).clamp(min=0) if self.centered else square
        velocity = self.momentum * state.velocity + grad / (spread.sqrt() + self.eps)
        params = params - scheduled(self.lr, lr) * velocity
        return params, RunningSquare(state.taken + 1, square, mean, velocity)
