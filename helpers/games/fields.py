"""Games of two players as vector fields: the bilinear game, the Dirac-GAN, any value function.

A point holds the parameters of both players along its last dimension, those of the minimising
player first. The field is what the players would descend together: the gradient of the value for
the first player, its negative for the second.

Taught in: optimisation/adversarial_dynamics
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.checks import check_between, check_shape

Field = Callable[[Tensor], Tensor]


def bilinear_game(point: Tensor) -> Tensor:
    r"""The field of $\min_x \max_y xy$, which turns around the origin: $F(x, y) = (y, -x)$.

    >>> bilinear_game(torch.tensor([3.0, 5.0]))
    tensor([ 5., -3.])
    """
    x, y = point.unbind(-1)
    return torch.stack([y, -x], -1)


def game_field(value: Callable[[Tensor], Tensor], first: int = 1) -> Field:
    r"""The joint field of a zero-sum game, $F = (\nabla_x V, -\nabla_y V)$, itself differentiable.

    `value` maps points (..., D), each on its own, to values (...). The `first` leading coordinates
    belong to the player who minimises it.

    >>> game_field(lambda p: p[..., 0] * p[..., 1])(torch.tensor([3.0, 5.0]))
    tensor([ 5., -3.])
    """

    def total(point: Tensor) -> Tensor:
        return check_shape("value(point)", value(point), point.shape[:-1]).sum()

    def field(point: Tensor) -> Tensor:
        check_between("first", first, 1, point.shape[-1] - 1)
        grad = torch.func.grad(total)(point)
        return torch.cat([grad[..., :first], -grad[..., first:]], -1)

    return field


@dataclass(frozen=True)
class DiracGAN:
    r"""A GAN with one parameter a player: generator $\delta_\theta$, data $\delta_0$, D(x) = ψx.

    $$ V(\theta, \psi) = \mathbb{E}[\log \sigma(\psi s \varepsilon)]
        + \mathbb{E}[\log \sigma(-\psi (\theta + s \varepsilon))], \qquad
        F = \big(\nabla_\theta V,\; -\nabla_\psi V + \gamma \psi\big) $$

    with $\varepsilon \sim \mathcal{N}(0, 1)$, where $\gamma\psi^2/2$ is the penalty "R1". A
    nonsaturating generator descends $-\mathbb{E}[\log \sigma(\psi (\theta + s \varepsilon))]$.

    Reference: Mescheder, Geiger & Nowozin (2018), arXiv:1801.04406, where D gives a high logit to
    generated examples.

    >>> DiracGAN(gamma=2.0)(torch.tensor([2.0, 0.0]))  # D is pushed to tell 2 from 0
    tensor([0., 1.])
    """

    gamma: float = 0.0  #: weight γ of the R1 penalty
    noise_std: float = 0.0  #: s, of the instance noise added to real and generated examples
    nonsaturating: bool = False

    def value(self, point: Tensor) -> Tensor:
        """What the discriminator maximises, without the penalty: (..., 2) to (...), in nats."""
        theta, psi, noise, weights = self._parts(point)
        real, fake = psi * noise, psi * (theta + noise)  # logits of D
        return ((F.logsigmoid(real) + F.logsigmoid(-fake)) * weights).sum(-1)

    def __call__(self, point: Tensor) -> Tensor:
        """The field that both players descend, at points (θ, ψ), shape (..., 2)."""
        theta, psi, noise, weights = self._parts(point)
        fake = theta + noise
        sign = -1.0 if self.nonsaturating else 1.0
        for_theta = -psi * torch.sigmoid(sign * psi * fake)
        for_psi = fake * torch.sigmoid(psi * fake) - noise * torch.sigmoid(-psi * noise)
        for_theta, for_psi = (for_theta * weights).sum(-1), (for_psi * weights).sum(-1)
        return torch.stack([for_theta, for_psi + self.gamma * point[..., 1]], -1)

    def _parts(self, point: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """θ and ψ with a dimension for the noise; nodes and weights of a quadrature over it."""
        theta, psi = (part[..., None] for part in point.unbind(-1))
        if self.noise_std == 0:
            return theta, psi, point.new_zeros(1), point.new_ones(1)
        nodes, weights = np.polynomial.hermite_e.hermegauss(64)
        noise = self.noise_std * point.new_tensor(nodes)
        return theta, psi, noise, point.new_tensor(weights / weights.sum())
