r"""Update rules, one step each: gradient descent with momentum, AdaGrad, RMSProp, Adam and its kin.

$g_t$ is the gradient at $\theta_t$, $\alpha$ the step size `lr`, and a step is what is subtracted
from $\theta_t$. Squares, roots and divisions are taken coordinate by coordinate. Each rule equals
the one of its name in ``torch.optim``, AMSGrad the option of that name of torch's Adam.

Taught in: optimisation/gradient_methods
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from helpers.checks import check_between, check_shape


@dataclass(frozen=True)
class Rule:
    """What all rules share: they are constants, and all that changes is the state they return."""

    lr: float

    def __post_init__(self) -> None:
        check_between("lr", self.lr, 0, ends="()")

    def init(self, params: Tensor) -> Any:
        """The state before the first step."""
        return torch.zeros_like(params)

    def step(
        self, params: Tensor, grad: Tensor, state: Any, lr: float | None = None
    ) -> tuple[Tensor, Any]:
        """New parameters and new state; `lr`, from a schedule, replaces the step size."""
        check_shape("grad", grad, params.shape)
        return self._step(params, grad, state, self.lr if lr is None else lr)

    def _step(self, params: Tensor, grad: Tensor, state: Any, lr: float) -> tuple[Tensor, Any]:
        raise NotImplementedError


@dataclass(frozen=True)
class SGD(Rule):
    r"""Gradient descent with a velocity: $v_{t+1} = \beta v_t + g_t$, step $\alpha v_{t+1}$.

    With `nesterov` the step is $\alpha (g_t + \beta v_{t+1})$. As in torch, and other than in
    Polyak (1964), the velocity is kept without the step size.

    >>> rule, x = SGD(lr=0.1, momentum=0.9), torch.tensor([1.0])
    >>> x, velocity = rule.step(x, 2 * x, rule.init(x))
    >>> rule.step(x, 2 * x, velocity)[0]
    tensor([0.4600])
    """

    momentum: float = 0.0  #: β in [0, 1), the share of the velocity that survives a step
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_between("momentum", self.momentum, 0, 1, ends="[)")

    def _step(self, params: Tensor, grad: Tensor, state: Tensor, lr: float) -> tuple[Tensor, Any]:
        velocity = self.momentum * state + grad
        direction = grad + self.momentum * velocity if self.nesterov else velocity
        return params - lr * direction, velocity


@dataclass(frozen=True)
class Adagrad(Rule):
    r"""AdaGrad (Duchi, Hazan & Singer 2011): divide by the root of all squared gradients so far.

    $$ G_t = G_{t-1} + g_t^2, \qquad \text{step } \alpha g_t / (\sqrt{G_t} + \epsilon) $$

    >>> rule, x = Adagrad(lr=0.5), torch.tensor([3.0, -0.01])
    >>> rule.step(x, x, rule.init(x))[0]  # the first step is lr in every coordinate
    tensor([2.5000, 0.4900])
    """

    lr: float = 1e-2
    eps: float = 1e-10

    def _step(self, params: Tensor, grad: Tensor, state: Tensor, lr: float) -> tuple[Tensor, Any]:
        total = state + grad**2
        return params - lr * grad / (total.sqrt() + self.eps), total


@dataclass(frozen=True)
class RMSprop(Rule):
    r"""RMSProp: divide by the root of a running mean of squared gradients.

    $$ s_t = \beta_2 s_{t-1} + (1 - \beta_2) g_t^2, \qquad
        \text{step } \alpha g_t / (\sqrt{s_t} + \epsilon) $$

    Reference: Tieleman & Hinton (2012), lecture 6.5 of a course.
    """

    lr: float = 1e-2
    alpha: float = 0.99  #: the decay β₂ in [0, 1), under torch's name
    eps: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_between("alpha", self.alpha, 0, 1, ends="[)")

    def _step(self, params: Tensor, grad: Tensor, state: Tensor, lr: float) -> tuple[Tensor, Any]:
        square = self.alpha * state + (1 - self.alpha) * grad**2
        return params - lr * grad / (square.sqrt() + self.eps), square


class Moments(NamedTuple):
    """What Adam carries from one step to the next; both means are biased towards zero."""

    taken: int  #: steps taken
    mean: Tensor  #: running mean of gradients
    square: Tensor  #: running mean of squared gradients


@dataclass(frozen=True)
class Adam(Rule):
    r"""Adam (Kingma & Ba 2014, arXiv:1412.6980): both running means, corrected for their start.

    $$ m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
        s_t = \beta_2 s_{t-1} + (1 - \beta_2) g_t^2, \qquad \text{step }
        \alpha \frac{m_t / (1 - \beta_1^t)}{\sqrt{s_t / (1 - \beta_2^t)} + \epsilon} $$

    >>> rule, x = Adam(lr=0.1), torch.tensor([3.0, -0.01])
    >>> rule.step(x, x, rule.init(x))[0]  # bias-corrected: lr in every coordinate
    tensor([2.9000, 0.0900])
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)  #: both in [0, 1)
    eps: float = 1e-8
    weight_decay: float = 0.0  #: weight of an L2 penalty, added to the gradient

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, beta in zip(("betas[0]", "betas[1]"), self.betas):
            check_between(name, beta, 0, 1, ends="[)")

    def init(self, params: Tensor) -> Moments:
        """No step taken, and zeros."""
        return Moments(0, torch.zeros_like(params), torch.zeros_like(params))

    def _step(self, params: Tensor, grad: Tensor, state: Moments, lr: float) -> tuple[Tensor, Any]:
        moments = self._moments(params, grad, state)
        return self._move(params, moments, moments.square, lr), moments

    def _moments(self, params: Tensor, grad: Tensor, state: Any) -> Moments:
        beta1, beta2 = self.betas
        grad = grad + self.weight_decay * params
        mean = beta1 * state.mean + (1 - beta1) * grad
        square = beta2 * state.square + (1 - beta2) * grad**2
        return Moments(state.taken + 1, mean, square)

    def _move(self, params: Tensor, moments: Moments, square: Tensor, lr: float) -> Tensor:
        mean_hat = moments.mean / (1 - self.betas[0] ** moments.taken)
        square_hat = square / (1 - self.betas[1] ** moments.taken)
        return params - lr * mean_hat / (square_hat.sqrt() + self.eps)


@dataclass(frozen=True)
class AdamW(Adam):
    r"""Adam with its weight decay outside of the division: first shrink by $1 - \alpha\delta$.

    As in torch, and other than in arXiv:1711.05101, $\delta$ is multiplied by the step size.

    >>> rule, x = AdamW(lr=0.1, weight_decay=0.5), torch.tensor([2.0])
    >>> rule.step(x, torch.zeros(1), rule.init(x))[0]
    tensor([1.9000])
    """

    weight_decay: float = 1e-2

    def _step(self, params: Tensor, grad: Tensor, state: Moments, lr: float) -> tuple[Tensor, Any]:
        shrunk = (1 - lr * self.weight_decay) * params
        return Adam(self.lr, self.betas, self.eps)._step(shrunk, grad, state, lr)


class LargestMoments(NamedTuple):
    """What AMSGrad carries: Adam's state, and the largest mean square so far."""

    taken: int
    mean: Tensor
    square: Tensor
    largest: Tensor


@dataclass(frozen=True)
class AMSGrad(Adam):
    r"""Adam that divides by the largest running mean of squares it has seen, never by less.

    $$ u_t = \max(u_{t-1}, s_t), \qquad \text{step }
        \alpha \frac{m_t / (1 - \beta_1^t)}{\sqrt{u_t / (1 - \beta_2^t)} + \epsilon} $$

    As in torch, and other than in Reddi, Kale & Kumar (2018, arXiv:1904.09237), the means are
    corrected for their start, after the maximum.

    >>> rule, x = AMSGrad(lr=0.1, betas=(0.0, 0.0)), torch.tensor([1.0])
    >>> x, state = rule.step(x, torch.tensor([2.0]), rule.init(x))
    >>> rule.step(x, torch.tensor([1.0]), state)[0]  # half a step: 2 is not forgotten
    tensor([0.8500])
    """

    def init(self, params: Tensor) -> Any:
        """No step taken, and zeros."""
        return LargestMoments(*super().init(params), torch.zeros_like(params))

    def _step(self, params: Tensor, grad: Tensor, state: Any, lr: float) -> tuple[Tensor, Any]:
        moments = self._moments(params, grad, state)
        largest = torch.maximum(state.largest, moments.square)
        return self._move(params, moments, largest, lr), LargestMoments(*moments, largest)
