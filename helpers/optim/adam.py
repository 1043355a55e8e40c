r"""Adam and AdamW: a running mean of gradients over the root of their running squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.checks import argument_error, check_at_least, check_positive
from helpers.optim.gradient import check_decay, check_step_size, prepared_gradient, scheduled


class Moments(NamedTuple):
    """What Adam carries from one step to the next."""

    taken: int  #: steps taken
    mean: Tensor  #: running mean of gradients, biased towards its start at zero
    square: Tensor  #: running mean of squared gradients, biased likewise
    largest: Tensor  #: largest `square` so far, used by amsgrad


@dataclass(frozen=True)
class Adam:
    r"""Adam: a running mean of gradients over the root of a running mean of their squares.

    .. math:: m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
        s_t = \beta_2 s_{t-1} + (1 - \beta_2) g_t^2, \qquad
        \theta_{t+1} = \theta_t
        - \alpha \frac{m_t / (1 - \beta_1^t)}{\sqrt{s_t / (1 - \beta_2^t)} + \epsilon}

    Args:
        lr: the step size $\alpha > 0$.
        betas: $(\beta_1, \beta_2)$, both in [0, 1).
        eps: $\epsilon > 0$, added after the root.
        weight_decay: the weight of an L2 penalty, added to the gradient (`AdamW` decouples it).
        amsgrad: divide by the largest running square so far instead of the current one.
        maximize: ascend.

    Raises:
        TypeError: an option is no number.
        ValueError: an option is out of its range.

    Reference: Kingma & Ba (2014), arXiv:1412.6980, algorithm 1. Deviation with amsgrad, as in
    ``torch.optim.Adam``: the maximum is taken before the bias correction.

    >>> rule, x = Adam(lr=0.1), torch.tensor([3.0, -0.01])
    >>> rule.step(x, x, rule.start(x))[0]  # bias-corrected: lr in every coordinate
    tensor([2.9000, 0.0900])

    Taught in: optimisation/gradient_methods
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    amsgrad: bool = False
    maximize: bool = False

    def __post_init__(self) -> None:
        check_step_size(self.lr)
        if len(self.betas) != 2:
            raise argument_error("betas", "hold two numbers", self.betas)
        for index, beta in enumerate(self.betas):
            check_decay(f"betas[{index}]", beta)
        check_positive("eps", self.eps)
        check_at_least("weight_decay", self.weight_decay, 0.0)

    def start(self, params: Tensor) -> Moments:
        """The state before the first step."""
        zero = torch.zeros_like(params)
        return Moments(0, zero, zero, zero)

    def step(
        self, params: Tensor, grad: Tensor, state: Moments, lr: float | None = None
    ) -> tuple[Tensor, Moments]:
        """One step; arguments, results and errors as in `momentum.SGD.step`."""
        grad = prepared_gradient(
            params, grad, step=state.taken, maximize=self.maximize, weight_decay=self.weight_decay
        )
        return self._descend(params, grad, state, scheduled(self.lr, lr))

    def _descend(
        self, params: Tensor, grad: Tensor, state: Moments, lr: float
    ) -> tuple[Tensor, Moments]:
        beta1, beta2 = self.betas
        taken = state.taken + 1
        mean = beta1 * state.mean + (1 - beta1) * grad
        square = beta2 * state.square + (1 - beta2) * grad**2
        largest = torch.maximum(state.largest, square) if self.amsgrad else square
        corrected_mean = mean / (1 - beta1**taken)
        corrected_square = largest / (1 - beta2**taken)
        params = params - lr * corrected_mean / (corrected_square.sqrt() + self.eps)
        return params, Moments(taken, mean, square, largest)


@dataclass(frozen=True)
class AdamW(Adam):
    r"""Adam with decoupled weight decay: shrink the weights, then step on the loss alone.

    .. math:: \theta_{t+1} = (1 - \alpha \lambda) \theta_t
        - \alpha \frac{\hat m_t}{\sqrt{\hat s_t} + \epsilon}

    Args, Raises: as in `Adam`; `weight_decay` is $\lambda$, and 0.01 by default.

    Reference: Loshchilov & Hutter (2017), arXiv:1711.05101. Deviation, as in
    ``torch.optim.AdamW``: the decay is multiplied by `lr`.

    >>> rule, x = AdamW(lr=0.1, weight_decay=0.5), torch.tensor([2.0])
    >>> rule.step(x, torch.zeros(1), rule.start(x))[0]
    tensor([1.9000])

    Taught in: optimisation/gradient_methods
    """

    weight_decay: float = 1e-2

    def step(
        self, params: Tensor, grad: Tensor, state: Moments, lr: float | None = None
    ) -> tuple[Tensor, Moments]:
        """One step; arguments, results and errors as in `momentum.SGD.step`."""
        grad = prepared_gradient(params, grad, step=state.taken, maximize=self.maximize)
        rate = scheduled(self.lr, lr)
        return self._descend((1 - rate * self.weight_decay) * params, grad, state, rate)
