r"""AdaGrad: each coordinate is scaled by all of its own gradients so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.checks import check_at_least, check_positive
from helpers.optim.gradient import check_step_size, prepared_gradient, scheduled


class Accumulator(NamedTuple):
    """What AdaGrad carries from one step to the next."""

    taken: int  #: steps taken
    total: Tensor  #: sum of squared gradients


@dataclass(frozen=True)
class Adagrad:
    r"""AdaGrad: divide by the root of the sum of all squared gradients so far.

    .. math:: G_t = G_{t-1} + g_t^2, \qquad
        \theta_{t+1} = \theta_t - \frac{\alpha}{1 + t c} \, \frac{g_t}{\sqrt{G_t} + \epsilon}

    Args:
        lr: the step size $\alpha > 0$.
        lr_decay: $c \ge 0$.
        weight_decay: the weight of an L2 penalty.
        initial_accumulator_value: $G_{-1} \ge 0$.
        eps: $\epsilon > 0$, against division by zero.
        maximize: ascend.

    Raises:
        TypeError: an option is no number.
        ValueError: an option is out of its range.

    Reference: Duchi, Hazan & Singer (2011), the diagonal form.

    >>> rule, x = Adagrad(lr=0.5), torch.tensor([3.0, -0.01])
    >>> rule.step(x, x, rule.start(x))[0]  # the first step is lr in every coordinate
    tensor([2.5000, 0.4900])

    Taught in: optimisation/gradient_methods
    """

    lr: float = 1e-2
    lr_decay: float = 0.0
    weight_decay: float = 0.0
    initial_accumulator_value: float = 0.0
    eps: float = 1e-10
    maximize: bool = False

    def __post_init__(self) -> None:
        check_step_size(self.lr)
        check_positive("eps", self.eps)
        for name in ("lr_decay", "weight_decay", "initial_accumulator_value"):
            check_at_least(name, getattr(self, name), 0.0)

    def start(self, params: Tensor) -> Accumulator:
        """The state before the first step."""
        return Accumulator(0, torch.full_like(params, self.initial_accumulator_value))

    def step(
        self, params: Tensor, grad: Tensor, state: Accumulator, lr: float | None = None
    ) -> tuple[Tensor, Accumulator]:
        """One step; arguments, results and errors as in `momentum.SGD.step`."""
        grad = prepared_gradient(
            params, grad, step=state.taken, maximize=self.maximize, weight_decay=self.weight_decay
        )
        total = state.total + grad**2
        rate = scheduled(self.lr, lr) / (1 + state.taken * self.lr_decay)
        return params - rate * grad / (total.sqrt() + self.eps), Accumulator(state.taken + 1, total)
