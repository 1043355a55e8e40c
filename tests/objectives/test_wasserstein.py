"""Wasserstein distances against SciPy, closed forms, assignment and each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from scipy import optimize, stats

from helpers.objectives.wasserstein import transport_plan, wasserstein_line


@pytest.mark.parametrize(("n", "m"), [(7, 7), (7, 5), (6, 4), (1, 5)])
def test_line_is_scipys(n: int, m: int, device: torch.device) -> None:
    x, y = 3 * torch.randn(n, device=device), 1 + torch.randn(m, device=device)
    expected = stats.wasserstein_distance(x.cpu().numpy(), y.cpu().numpy())
    assert wasserstein_line(x, y).item() == pytest.approx(expected, abs=1e-12)
    assert wasserstein_line(y, x).item() == pytest.approx(expected, abs=1e-12)


def test_line_with_squares_is_the_linear_program() -> None:
    x, y = 2 * torch.randn(6), 1 + torch.randn(4)
    cost = (x[:, None] - y).square()
    least, _ = transport_plan(cost, torch.full((6,), 1 / 6), torch.full((4,), 1 / 4))
    assert wasserstein_line(x, y, power=2.0).item() ** 2 == pytest.approx(least.item())


def test_line_of_shifted_and_scaled_samples() -> None:
    x = torch.randn(9)
    assert wasserstein_line(x, x.flip(0)).item() == 0
    assert wasserstein_line(x, x + 2.5, power=3.0).item() == pytest.approx(2.5)
    assert wasserstein_line(2 * x, 2 * x + 5).item() == pytest.approx(5)


def test_gradient_of_the_line() -> None:
    x = torch.randn(5, requires_grad=True)
    wasserstein_line(x, x.detach() + 1.0).backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.full((5,), -0.2))


def test_plan_is_the_best_assignment() -> None:
    cost = torch.rand(6, 6)
    mass = torch.full((6,), 1 / 6)
    least, plan = transport_plan(cost, mass, mass)
    rows, columns = optimize.linear_sum_assignment(cost.numpy())
    assert least.item() == pytest.approx(cost[rows, columns].mean().item())
    assert (plan * cost).sum().item() == pytest.approx(least.item())


def test_plan_has_its_marginals() -> None:
    p, q = torch.rand(5).softmax(0), (3 * torch.rand(3)).softmax(0)
    cost = torch.rand(5, 3)
    least, plan = transport_plan(cost, p, q)
    assert plan.shape == (5, 3)
    assert (plan >= 0).all()
    torch.testing.assert_close(plan.sum(1), p)
    torch.testing.assert_close(plan.sum(0), q)
    assert least <= (p[:, None] * q * cost).sum() + 1e-12  # the independent plan


def test_total_variation_is_transport_at_a_flat_price() -> None:
    p, q = torch.randn(4).softmax(0), torch.randn(4).softmax(0)
    least, _ = transport_plan(1 - torch.eye(4), p, q)
    assert least.item() == pytest.approx(0.5 * (p - q).abs().sum().item())


HALF = torch.tensor([0.5, 0.5])
BAD = [
    (lambda: wasserstein_line(HALF, torch.zeros(2, 1)), r"y must have shape \(M,\), got \(2, 1\)"),
    (lambda: wasserstein_line(torch.zeros(0), HALF), "x must hold at least one example"),
    (lambda: wasserstein_line(HALF / 0, HALF), "x must be finite"),
    (lambda: wasserstein_line(HALF, HALF, power=0.5), "power must be a number of at least 1"),
    (lambda: transport_plan(torch.eye(2), HALF - 1, HALF), r"p must lie in \[0, inf\]"),
    (lambda: transport_plan(torch.eye(2), HALF, 2 * HALF), "q must sum to 1, got 2: divide by"),
    (lambda: transport_plan(torch.ones(2, 3), HALF, HALF), r"q must have shape \(3,\), got"),
]


@pytest.mark.parametrize(("call", "match"), BAD)
def test_bad_input(call: Callable[[], object], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        call()
