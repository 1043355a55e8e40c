"""Solvers of differential equations against exact solutions, and their order by the slope."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from helpers.samplers import euler, heun, integrate, integrate_adaptively, runge_kutta_4


def pendulum(t: float, x: Tensor) -> Tensor:
    """A field that depends on time and is not linear: x' = −2 t x²; x = 1/(t² + c)."""
    return -2 * t * x.square()


def exact(t: float, c: Tensor) -> Tensor:
    return 1 / (t**2 + c)


C = torch.tensor([0.7, 1.1, 2.3], dtype=torch.float64)


@pytest.mark.parametrize(("step", "order"), [(euler, 1), (heun, 2), (runge_kutta_4, 4)])
@pytest.mark.parametrize(("start", "end"), [(0.2, 1.5), (1.5, 0.2)])
def test_the_order_of_convergence(step: Any, order: int, start: float, end: float) -> None:
    """The slope of log error on log step; backwards in time too."""
    counts = torch.tensor([20, 40, 80, 160])
    errors = torch.stack(
        [
            (
                integrate(pendulum, exact(start, C), start, end, steps=int(n), step=step)
                - exact(end, C)
            )
            .abs()
            .max()
            for n in counts
        ]
    )
    x, y = -counts.double().log(), errors.log()
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    assert slope.item() == pytest.approx(order, abs=0.15)


def test_a_step_is_exact_where_its_order_says_so() -> None:
    """x' = polynomial in t of degree p − 1: a method of order p integrates it exactly."""
    for step, order in ((euler, 1), (heun, 2), (runge_kutta_4, 4)):
        x = integrate(
            lambda t, x, p=order: p * t ** (p - 1) * torch.ones_like(x),
            torch.zeros(2),
            0.5,
            2.0,
            steps=3,
            step=step,
        )
        torch.testing.assert_close(x, torch.full((2,), 2.0**order - 0.5**order))


@pytest.mark.parametrize(("start", "end"), [(0.2, 1.5), (1.5, 0.2)])
def test_adaptive_steps_keep_to_the_tolerance(start: float, end: float) -> None:
    calls = []
    for tolerance in (1e-4, 1e-6, 1e-8):
        x, number = integrate_adaptively(pendulum, exact(start, C), start, end, tolerance=tolerance)
        calls.append(number)
        assert (x - exact(end, C)).abs().max() < 100 * tolerance
    # of order 3: a hundredth of the tolerance costs 100^(1/3) = 4.6 times the steps
    assert 2 < calls[2] / calls[1] < 8


def test_the_estimate_is_the_difference_of_two_orders() -> None:
    """One step from t = 0 with x' = t²: the solution of order 3 is exact, that of order 2 is not.

    With the tolerance above that difference, h³ |1/12·1/4 + 1/9·9/16 − 1/8| = h³/24
    at h = 1/10, the step is taken; below it, it is done again, with three more calls.
    """

    def square(t: float, x: Tensor) -> Tensor:
        return torch.full_like(x, t**2)

    estimate = 0.1**3 / 24
    x, _ = integrate_adaptively(square, torch.zeros(1), 0, 1, tolerance=1.0)
    torch.testing.assert_close(x, torch.full((1,), 1 / 3))

    def taken(tolerance: float) -> float:
        times: list[float] = []

        def noted(t: float, x: Tensor) -> Tensor:
            times.append(t)
            return square(t, x)

        integrate_adaptively(noted, torch.zeros(1), 0, 1, tolerance=tolerance)
        return times[4]  # the second slope of the second step tried

    assert taken(1.01 * estimate) > 0.1  # it starts after the first
    assert taken(0.99 * estimate) < 0.1  # it starts at 0 again


def test_it_counts_its_calls_and_ends_at_the_end() -> None:
    times: list[float] = []

    def circle(t: float, x: Tensor) -> Tensor:
        times.append(t)
        return torch.stack([-x[1], x[0]])

    x, calls = integrate_adaptively(
        circle, torch.tensor([1.0, 0.0]), 0, 2 * math.pi, tolerance=1e-8
    )
    assert calls == len(times)
    assert max(times) == 2 * math.pi
    torch.testing.assert_close(x, torch.tensor([1.0, 0.0]), atol=1e-6, rtol=0)


def test_gradients_flow_through_a_solution() -> None:
    """d x(1) / d rate of x' = rate · x is x(1)."""
    rate = torch.tensor(0.8, requires_grad=True)
    for x in (
        integrate(lambda t, x: rate * x, torch.ones(1), 0, 1, steps=50),
        integrate_adaptively(lambda t, x: rate * x, torch.ones(1), 0, 1, tolerance=1e-9)[0],
    ):
        (gradient,) = torch.autograd.grad(x.sum(), rate)
        torch.testing.assert_close(gradient, rate.detach().exp(), atol=1e-6, rtol=0)


def test_what_cannot_be_solved_is_named() -> None:
    x = torch.ones(1)
    with pytest.raises(ValueError, match=r"limit must allow the steps up to t = 1, got 3 at"):
        integrate_adaptively(lambda t, x: -1e4 * x, x, 0, 1, limit=3)
    with pytest.raises(FloatingPointError, match="the solution is not finite after t = 0"):
        integrate_adaptively(lambda t, x: x * math.inf, x, 0, 1)
    with pytest.raises(ValueError, match="steps must be an integer of at least 1, got 0"):
        integrate(pendulum, x, 0, 1, steps=0)
    with pytest.raises(ValueError, match="tolerance must be a positive number, got 0"):
        integrate_adaptively(pendulum, x, 0, 1, tolerance=0)
