r"""Games of two players as vector fields: the bilinear game, the Dirac-GAN, any value function.

A point holds the parameters of both players along its last dimension, those of the minimising
player first. The field is what the players would descend together: the gradient of the value for
the first player, its negative for the second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.checks import argument_error, check_at_least, check_floating, check_shape

Field = Callable[[Tensor], Tensor]


def bilinear_game(point: Tensor) -> Tensor:
    r"""The field of $\min_x \max_y xy$, which turns around the equilibrium at the origin.

    .. math:: F(x, y) = (y, -x)

    Args:
        point: $(x, y)$, shape (..., 2), floating point.

    Returns:
        The field, same shape.

    Raises:
        TypeError: `point` is not a floating-point tensor.
        ValueError: its last dimension is not 2.

    >>> bilinear_game(torch.tensor([3.0, 5.0]))
    tensor([ 5., -3.])

    Taught in: optimisation/adversarial_dynamics
    """
    check_floating("point", point)
    check_shape("point", point, (..., 2), hint="the players' coordinates x and y")
    x, y = point.unbind(-1)
    return torch.stack([y, -x], -1)


def game_field(value: Callable[[Tensor], Tensor], first: int = 1) -> Field:
    r"""The joint field of a zero-sum game by automatic differentiation.

    .. math:: F(x, y) = \big(\nabla_x V(x, y),\; -\nabla_y V(x, y)\big)

    Args:
        value: $V$, from points (..., D) to values (...); the points do not influence each other.
        first: how many leading coordinates belong to the player who minimises $V$.

    Returns:
        The field as a function from (..., D) to (..., D), itself differentiable.

    Raises:
        TypeError: `first` is no integer; at the call, the point is not floating-point.
        ValueError: `first` is below 1, or no coordinate is left for the second player; at the
            call, the value has a wrong shape.

    >>> game_field(lambda p: p[..., 0] * p[..., 1])(torch.tensor([3.0, 5.0]))
    tensor([ 5., -3.])

    Taught in: optimisation/adversarial_dynamics
    """
    check_at_least("first", first, 1)

    def field(point: Tensor) -> Tensor:
        check_floating("point", point)
        if point.shape[-1] <= first:
            got = f"{first} of {point.shape[-1]}"
            raise argument_error("first", "leave coordinates to the second player", got)
        outer = torch.is_grad_enabled() and point.requires_grad
        with torch.enable_grad():
            leaf = point if point.requires_grad else point.detach().requires_grad_()
            values = value(leaf)
            if values.shape != point.shape[:-1]:
                expected = f"return one number for each point, shape {tuple(point.shape[:-1])}"
                raise argument_error("value", expected, tuple(values.shape))
            (grad,) = torch.autograd.grad(values.sum(), leaf, create_graph=outer)
        return torch.cat([grad[..., :first], -grad[..., first:]], -1)

    return field


@dataclass(frozen=True)
class DiracGAN:
    r"""A GAN with one parameter a player: generator $\delta_\theta$, data $\delta_0$, D(x) = ψx.

    .. math:: V(\theta, \psi) = \mathbb{E}[\log \sigma(\psi s \varepsilon)]
        + \mathbb{E}[\log \sigma(-\psi (\theta + s \varepsilon))], \qquad
        F = \big(\nabla_\theta V,\; -\nabla_\psi V + \gamma \psi\big)

    with $\varepsilon \sim \mathcal{N}(0, 1)$. The discriminator's logit is $\psi x$, so that the
    penalty $\frac{\gamma}{2} \mathbb{E}_\text{data} \|\nabla_x D\|^2$ ("R1") is $\gamma\psi^2/2$.

    Args:
        gamma: weight $\gamma \ge 0$ of the R1 penalty.
        noise_std: standard deviation $s \ge 0$ of the instance noise added to real and generated
            examples; the expectation is taken by Gauss–Hermite quadrature with 64 nodes.
        nonsaturating: the generator descends $-\mathbb{E}[\log \sigma(\psi (\theta + s
            \varepsilon))]$ instead of $V$. Then the game is not zero-sum.

    Raises:
        TypeError: a weight is no number.
        ValueError: a weight is negative.

    Reference: Mescheder, Geiger & Nowozin (2018), arXiv:1801.04406. Deviation: the discriminator
    gives a high logit to data, as in the other chapters; theirs gives it to generated examples.

    >>> DiracGAN(gamma=2.0)(torch.tensor([2.0, 0.0]))  # D is pushed to tell 2 from 0
    tensor([0., 1.])

    Taught in: optimisation/adversarial_dynamics
    """

    gamma: float = 0.0
    noise_std: float = 0.0
    nonsaturating: bool = False

    def __post_init__(self) -> None:
        check_at_least("gamma", self.gamma, 0.0)
        check_at_least("noise_std", self.noise_std, 0.0)

    def value(self, point: Tensor) -> Tensor:
        r"""What the discriminator maximises, without the penalty.

        Args:
            point: $(\theta, \psi)$, shape (..., 2).

        Returns:
            $V$ in nats, shape (...); at the equilibrium it is $-2 \log 2$.
        """
        theta, psi, noise, weights = self._parts(point)
        real = F.logsigmoid(psi * noise)
        fake = F.logsigmoid(-psi * (theta + noise))
        return ((real + fake) * weights).sum(-1)

    def __call__(self, point: Tensor) -> Tensor:
        r"""The field that both players descend, same shape as `point`."""
        theta, psi, noise, weights = self._parts(point)
        fake = theta + noise
        sign = -1.0 if self.nonsaturating else 1.0
        for_theta = -psi * torch.sigmoid(sign * psi * fake)
        for_psi = fake * torch.sigmoid(psi * fake) - noise * torch.sigmoid(-psi * noise)
        for_theta, for_psi = (for_theta * weights).sum(-1), (for_psi * weights).sum(-1)
        return torch.stack([for_theta, for_psi + self.gamma * point[..., 1]], -1)

    def _parts(self, point: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """θ and ψ with a dimension for the noise, the nodes s·ε, and their weights."""
        check_floating("point", point)
        check_shape("point", point, (..., 2), hint="the parameters θ and ψ")
        theta, psi = point[..., :1], point[..., 1:]
        if self.noise_std == 0:
            return theta, psi, point.new_zeros(1), point.new_ones(1)
        nodes, weights = np.polynomial.hermite_e.hermegauss(64)
        noise = self.noise_std * torch.as_tensor(nodes, dtype=point.dtype, device=point.device)
        share = torch.as_tensor(weights / weights.sum(), dtype=point.dtype, device=point.device)
        return theta, psi, noise, share
