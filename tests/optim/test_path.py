"""Paths of rules along fields that can be solved, and runs that leave the finite numbers."""

from __future__ import annotations

import math

import pytest
import torch

from helpers.optim.path import gradient_of, trajectory
from helpers.optim.rules import SGD
from helpers.optim.schedules import cosine
from helpers.random import seeded


def test_trajectory_follows_a_schedule_and_detaches(seed: int) -> None:
    start = torch.randn(2, generator=seeded(seed)).requires_grad_()
    schedule = cosine(0.4, total=5)
    path = trajectory(SGD(lr=9.0), lambda x: x, start, steps=5, schedule=schedule)
    factors = torch.tensor([1 - schedule(t) for t in range(5)])
    assert torch.allclose(path[1:], start.detach() * factors.cumprod(0)[:, None], rtol=1e-12)
    assert not path.requires_grad
    assert trajectory(SGD(1.0), lambda x: x, start, steps=0).shape == (1, 2)


def test_simultaneous_play_of_the_bilinear_game_is_a_trajectory(seed: int) -> None:
    # min over x, max over y of x y: the joint field (y, -x); the radius grows by √(1 + h²) a step.
    start = torch.randn(2, generator=seeded(seed))
    path = trajectory(SGD(lr=0.3), lambda p: torch.stack([p[1], -p[0]]), start, steps=10)
    growth = path[1:].norm(dim=1) / path[:-1].norm(dim=1)
    assert torch.allclose(growth, torch.tensor(math.sqrt(1.09)).expand(10), rtol=1e-12)


def test_gradient_by_finite_differences(seed: int) -> None:
    def loss(x: torch.Tensor) -> torch.Tensor:
        return torch.sin(x[0] * x[1]) + x[2] ** 3

    point, shift = torch.randn(3, generator=seeded(seed)), 1e-6 * torch.eye(3)
    slope = torch.stack([(loss(point + e) - loss(point - e)) / 2e-6 for e in shift])
    with torch.no_grad():
        assert torch.allclose(gradient_of(loss)(point), slope, atol=1e-7)


def test_a_diverging_run_is_an_error_with_its_step() -> None:
    # 3, -24, 1.4e4, -2.6e12, 1.8e37, -5.7e111, and then beyond 1e308
    with pytest.raises(ValueError, match=r"path must stay finite, got .* after 6 steps: lower lr"):
        trajectory(SGD(lr=1.0), lambda x: x**3, torch.tensor([3.0]), steps=99)


def test_bad_arguments() -> None:
    with pytest.raises(TypeError, match="start must be a floating-point tensor"):
        trajectory(SGD(0.1), lambda x: x, torch.zeros(2, dtype=torch.int64), steps=1)
    with pytest.raises(ValueError, match="steps must be an integer of at least 0, got -1"):
        trajectory(SGD(0.1), lambda x: x, torch.zeros(2), steps=-1)
