"""Five ways to step in the field of a game, and the path of any of them.

A way to play is a constant that maps a point $p_t$ and the one before it, $p_{t-1}$, to the next
one. At the first step the two are the same point.

Taught in: optimisation/adversarial_dynamics
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from helpers.checks import argument_error, check_counts, check_data, check_shape
from helpers.games.fields import Field
from helpers.optim.path import finite_path


@dataclass(frozen=True)
class WayToPlay:
    """What all ways to play share."""

    lr: float | Tensor  #: h > 0; a tensor (D,) puts the coordinates on time scales of their own

    def __post_init__(self) -> None:
        if not bool((torch.as_tensor(self.lr) > 0).all()):
            raise argument_error("lr", "be positive in every coordinate", self.lr)

    def step(self, field: Field, point: Tensor, before: Tensor) -> Tensor:
        """The next point, shape (..., D)."""
        raise NotImplementedError


@dataclass(frozen=True)
class Simultaneous(WayToPlay):
    r"""Both players step at once: $p_{t+1} = p_t + \beta (p_t - p_{t-1}) - h F(p_t)$."""

    momentum: float = 0.0  #: β, of either sign

    def step(self, field: Field, point: Tensor, before: Tensor) -> Tensor:
        return point + self.momentum * (point - before) - self.lr * field(point)


@dataclass(frozen=True)
class Alternating(WayToPlay):
    r"""The first player steps, then the second one answers the move.

    $$ x_{t+1} = x_t - h F_x(x_t, y_t), \qquad y_{t+1} = y_t - h F_y(x_{t+1}, y_t) $$
    """

    momentum: float = 0.0  #: β; each player adds β times its own last move (arXiv:1807.04740)
    first: int = 1  #: how many leading coordinates belong to the first player

    def step(self, field: Field, point: Tensor, before: Tensor) -> Tensor:
        carried = point + self.momentum * (point - before)
        moved = (carried - self.lr * field(point))[..., : self.first]
        between = torch.cat([moved, point[..., self.first :]], -1)
        answer = (carried - self.lr * field(between))[..., self.first :]
        return torch.cat([moved, answer], -1)


@dataclass(frozen=True)
class Extragradient(WayToPlay):
    """Look one step ahead, then step from here with the field from there (Korpelevich 1976)."""

    def step(self, field: Field, point: Tensor, before: Tensor) -> Tensor:
        ahead = point - self.lr * field(point)
        return point - self.lr * field(ahead)


@dataclass(frozen=True)
class Optimistic(WayToPlay):
    """Expect the field to change as it last did (Daskalakis et al. 2018, arXiv:1711.00141)."""

    def step(self, field: Field, point: Tensor, before: Tensor) -> Tensor:
        return point - 2 * self.lr * field(point) + self.lr * field(before)


@dataclass(frozen=True)
class Proximal(WayToPlay):
    """The field is taken where the step ends: $p_{t+1} = p_t - h F(p_{t+1})$.

    Newton's method solves the equation; where it does not, far from an equilibrium of a curved
    field, the next point is NaN.
    """

    def step(self, field: Field, point: Tensor, before: Tensor) -> Tensor:
        eye = torch.eye(point.shape[-1]).to(point)
        h, end = self.lr * eye, point  # a diagonal matrix, (D, D)
        for _ in range(20):
            end = end.detach()  # the gradient flows through the last correction only
            residual = end + field(end).detach() @ h - point
            system = eye + h @ _jacobian(field, end)  # (..., D, D)
            end = end - torch.linalg.solve(system, residual[..., None])[..., 0]
        unsolved = (end + field(end) @ h - point).abs()
        tolerance = torch.finfo(end.dtype).eps ** 0.5 * (1 + end.abs())
        return end.where(unsolved <= tolerance, torch.nan)


def _jacobian(field: Field, point: Tensor) -> Tensor:
    """The Jacobian at each of the independent points, shape (..., D, D)."""

    def total(points: Tensor) -> Tensor:
        return field(points).reshape(-1, points.shape[-1]).sum(0)

    rows: Tensor = torch.autograd.functional.jacobian(total, point)  # type: ignore[no-untyped-call]
    return rows.movedim(0, -2)  # (D, ..., D) to (..., D, D)


def play(rule: WayToPlay, field: Field, start: Tensor, *, steps: int) -> Tensor:
    """The points that a way to play visits from `start` on, detached: (steps + 1, ..., D).

    Leading dimensions of `start`, shape (..., D), are independent games.

    >>> from helpers.games.fields import bilinear_game
    >>> for way in (Simultaneous, Alternating, Extragradient):
    ...     print(play(way(0.5), bilinear_game, torch.tensor([2.0, 2.0]), steps=2)[-1])
    tensor([-0.5000,  3.5000])
    tensor([-0.2500,  2.3750])
    tensor([-0.8750,  2.1250])
    """
    point = before = check_data("start", start, (..., "D")).detach()
    check_counts(0, steps=steps)
    check_shape("field(start)", field(point), point.shape)
    path = [point]
    for _ in range(steps):
        point, before = rule.step(field, point, before).detach(), point
        path.append(point)
    return finite_path(path)
