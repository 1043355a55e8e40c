r"""Ways to play a game: simultaneous and alternating steps, and the path of any rule.

Each rule maps a point and a memory of the same shape to the next pair, so that a step is one map
of twice the dimension; `helpers.games.spectrum` differentiates it. Rules without a memory
return zeros. Rules that look ahead are in `helpers.games.lookahead`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from helpers.checks import argument_error, check_at_least, check_floating, check_positive
from helpers.games.fields import Field

Rate = float | Tensor


class GameRule(Protocol):
    """What all ways to play share."""

    def start(self, field: Field, point: Tensor) -> Tensor:
        """The memory before the first step, same shape as `point`."""

    def step(self, field: Field, point: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The next point and the next memory."""


@dataclass(frozen=True)
class Simultaneous:
    r"""Both players step at the same time, optionally with momentum of either sign.

    .. math:: v_{t+1} = \beta v_t - h F(p_t), \qquad p_{t+1} = p_t + v_{t+1}

    Args:
        lr: $h > 0$; a tensor (D,) gives each coordinate a step size of its own, so that the
            players live on two time scales.
        momentum: $\beta$ in (−1, 1); below zero it takes back a part of the last step.

    Raises:
        TypeError: an option is no number.
        ValueError: an option is out of its range.

    >>> from helpers.games.fields import bilinear_game
    >>> play(Simultaneous(0.5), bilinear_game, torch.tensor([2.0, 0.0]), steps=1)[-1]
    tensor([2., 1.])

    Taught in: optimisation/adversarial_dynamics
    """

    lr: Rate
    momentum: float = 0.0

    def __post_init__(self) -> None:
        check_rate(self.lr)
        _check_momentum(self.momentum)

    def start(self, field: Field, point: Tensor) -> Tensor:
        """No velocity."""
        return torch.zeros_like(point)

    def step(self, field: Field, point: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The next point and the velocity that led to it."""
        velocity = self.momentum * memory - self.lr * field(point)
        return point + velocity, velocity


@dataclass(frozen=True)
class Alternating:
    r"""The first player steps, then the second one answers the move.

    .. math:: x_{t+1} = x_t - h F_x(x_t, y_t), \qquad y_{t+1} = y_t - h F_y(x_{t+1}, y_t)

    With momentum $\beta$ each player adds $\beta$ times its own last move.

    Args:
        lr: $h > 0$, or a tensor (D,).
        momentum: $\beta$ in (−1, 1).
        first: how many leading coordinates belong to the first player.

    Raises:
        TypeError: an option is no number.
        ValueError: an option is out of its range.

    Reference: Gidel et al. (2019), arXiv:1807.04740, for momentum below zero.

    >>> from helpers.games.fields import bilinear_game
    >>> play(Alternating(0.5), bilinear_game, torch.tensor([2.0, 2.0]), steps=1)[-1]
    tensor([1.0000, 2.5000])

    Taught in: optimisation/adversarial_dynamics
    """

    lr: Rate
    momentum: float = 0.0
    first: int = 1

    def __post_init__(self) -> None:
        check_rate(self.lr)
        _check_momentum(self.momentum)
        check_at_least("first", self.first, 1)

    def start(self, field: Field, point: Tensor) -> Tensor:
        """No velocity."""
        return torch.zeros_like(point)

    def step(self, field: Field, point: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The next point and the velocity that led to it."""
        velocity = self.momentum * memory - self.lr * field(point)
        moved = point[..., : self.first] + velocity[..., : self.first]
        between = torch.cat([moved, point[..., self.first :]], -1)
        answer = self.momentum * memory - self.lr * field(between)
        velocity = torch.cat([velocity[..., : self.first], answer[..., self.first :]], -1)
        return point + velocity, velocity


def play(rule: GameRule, field: Field, start: Tensor, *, steps: int) -> Tensor:
    r"""The points that a way to play visits.

    Args:
        rule: one of the rules above.
        field: the joint field of the game, from `helpers.games.fields`.
        start: the first point, shape (..., D); leading dimensions are independent games.
        steps: number of steps, at least 0.

    Returns:
        The path, shape (steps + 1, ..., D), detached; the first entry is `start`.

    Raises:
        TypeError: `start` is not a floating-point tensor, or `steps` no integer.
        ValueError: `steps` is negative, the field changes the shape, or the path leaves the finite
            numbers; the message names the step.

    >>> from helpers.games.fields import bilinear_game
    >>> play(Simultaneous(1.0), bilinear_game, torch.tensor([1.0, 0.0]), steps=2)
    tensor([[1., 0.],
            [1., 1.],
            [0., 2.]])

    Taught in: optimisation/adversarial_dynamics
    """
    check_floating("start", start)
    check_at_least("steps", steps, 0)
    point = start.detach().clone()
    memory = rule.start(field, point).detach()
    if memory.shape != point.shape or field(point).shape != point.shape:
        expected = f"keep the shape of its argument, {tuple(point.shape)}"
        raise argument_error("field", expected, tuple(field(point).shape))
    path = [point]
    for taken in range(steps):
        point, memory = (part.detach() for part in rule.step(field, point, memory))
        if not torch.isfinite(point).all():
            got = f"one at step {taken} that is not"
            raise argument_error("start", "lead to finite points", got, "lower lr")
        path.append(point)
    return torch.stack(path)  # (steps + 1, ..., D)


def check_rate(lr: Rate) -> None:
    r"""Raise unless `lr` is a positive number or a tensor of such.

    >>> check_rate(torch.tensor([0.1, 0.0]))
    Traceback (most recent call last):
    ValueError: lr must be positive in every coordinate, got [0.10000000149011612, 0.0]

    Taught in: optimisation/adversarial_dynamics
    """
    if isinstance(lr, Tensor):
        check_floating("lr", lr)
        if not bool((lr > 0).all()):
            raise argument_error("lr", "be positive in every coordinate", lr.tolist())
    else:
        check_positive("lr", lr)


def _check_momentum(momentum: float) -> None:
    check_at_least("momentum", momentum, -1.0)
    if not -1 < momentum < 1:
        raise argument_error("momentum", "lie between -1 and 1", momentum)
