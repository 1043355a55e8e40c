r"""Ways to play that look ahead: the proximal step, and two that approximate it.

Memories are as in `helpers.games.play`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from helpers.checks import check_at_least
from helpers.games.fields import Field
from helpers.games.play import Rate, check_rate


@dataclass(frozen=True)
class Proximal:
    r"""The implicit step: the field is taken where the step ends.

    .. math:: p_{t+1} = p_t - h F(p_{t+1})

    The equation is solved by Newton's method with Jacobians from automatic differentiation.

    Args:
        lr: $h > 0$, or a tensor (D,).
        newton_steps: at least 1; one is exact for a linear field.

    Raises:
        TypeError: an option is no number.
        ValueError: an option is out of its range.
        FloatingPointError: from a step whose equation Newton's method has not solved to about half
            of the digits; this happens far from an equilibrium of a curved field.

    >>> from helpers.games.fields import bilinear_game
    >>> from helpers.games.play import play
    >>> play(Proximal(1.0), bilinear_game, torch.tensor([2.0, 0.0]), steps=1)[-1]
    tensor([1., 1.])

    Taught in: optimisation/adversarial_dynamics
    """

    lr: Rate
    newton_steps: int = 20

    def __post_init__(self) -> None:
        check_rate(self.lr)
        check_at_least("newton_steps", self.newton_steps, 1)

    def start(self, field: Field, point: Tensor) -> Tensor:
        """Nothing to remember."""
        return torch.zeros_like(point)

    def step(self, field: Field, point: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The next point; its derivative is that of the implicit equation."""
        rate = torch.as_tensor(self.lr, dtype=point.dtype, device=point.device)
        end = point.detach()
        for _ in range(self.newton_steps):
            force, jacobian = _with_jacobian(field, end)
            eye = torch.eye(end.shape[-1], dtype=point.dtype, device=point.device)
            system = eye + rate.expand(end.shape[-1])[:, None] * jacobian  # (..., D, D)
            residual = end + rate * force - point
            last = end - torch.linalg.solve(system, residual[..., None])[..., 0]
            end = last.detach()  # the gradient flows through the last correction only
        _check_solved(end + rate * field(end).detach() - point.detach(), end, self.newton_steps)
        return last, torch.zeros_like(point)


@dataclass(frozen=True)
class Extragradient:
    r"""Look one step ahead, then step from here with the field from there.

    .. math:: \tilde p_t = p_t - h F(p_t), \qquad p_{t+1} = p_t - h F(\tilde p_t)

    Args:
        lr: $h > 0$, or a tensor (D,).

    Raises:
        TypeError: `lr` is no number.
        ValueError: `lr` is not positive.

    Reference: Korpelevich (1976); Gidel et al. (2019), arXiv:1802.10551, for GANs.

    >>> from helpers.games.fields import bilinear_game
    >>> from helpers.games.play import play
    >>> play(Extragradient(0.5), bilinear_game, torch.tensor([2.0, 0.0]), steps=1)[-1]
    tensor([1.5000, 1.0000])

    Taught in: optimisation/adversarial_dynamics
    """

    lr: Rate

    def __post_init__(self) -> None:
        check_rate(self.lr)

    def start(self, field: Field, point: Tensor) -> Tensor:
        """Nothing to remember."""
        return torch.zeros_like(point)

    def step(self, field: Field, point: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The next point, after two evaluations of the field."""
        ahead = point - self.lr * field(point)
        return point - self.lr * field(ahead), torch.zeros_like(point)


@dataclass(frozen=True)
class Optimistic:
    r"""Expect the field to change as it last did: one evaluation a step, and a memory of one.

    .. math:: p_{t+1} = p_t - 2h F(p_t) + h F(p_{t-1})

    Before the first step $F(p_{-1}) = F(p_0)$, so that the first step is a plain one.

    Args:
        lr: $h > 0$, or a tensor (D,).

    Raises:
        TypeError: `lr` is no number.
        ValueError: `lr` is not positive.

    Reference: Daskalakis et al. (2018), arXiv:1711.00141.

    >>> from helpers.games.fields import bilinear_game
    >>> from helpers.games.play import play
    >>> play(Optimistic(0.5), bilinear_game, torch.tensor([2.0, 0.0]), steps=2)[-1]
    tensor([1., 2.])

    Taught in: optimisation/adversarial_dynamics
    """

    lr: Rate

    def __post_init__(self) -> None:
        check_rate(self.lr)

    def start(self, field: Field, point: Tensor) -> Tensor:
        """The field at the first point."""
        return field(point)

    def step(self, field: Field, point: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The next point and the field at this one."""
        force = field(point)
        return point - self.lr * (2 * force - memory), force


def _check_solved(residual: Tensor, end: Tensor, newton_steps: int) -> None:
    """Refuse an end that does not solve the implicit equation; NaN is refused too."""
    allowed = torch.finfo(end.dtype).eps ** 0.5 * (1 + end.abs())
    unsolved = ~(residual.abs() <= allowed)
    if unsolved.any():
        raise FloatingPointError(
            f"the proximal step found no solution for {int(unsolved.any(-1).sum())} of "
            f"{unsolved[..., 0].numel()} points in {newton_steps} Newton steps: take a smaller lr, "
            "more newton_steps, or start nearer to an equilibrium"
        )


def _with_jacobian(field: Field, point: Tensor) -> tuple[Tensor, Tensor]:
    """The field and its Jacobian at each of the independent points, (..., D) and (..., D, D)."""
    with torch.enable_grad():
        leaf = point.detach().requires_grad_()
        force = field(leaf)
        rows = [
            torch.autograd.grad(force[..., i].sum(), leaf, retain_graph=True)[0]
            for i in range(point.shape[-1])
        ]
    return force.detach(), torch.stack(rows, -2)
