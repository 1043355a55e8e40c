"""Continuous flows against closed forms of linear fields, quadrature, and autograd."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from helpers.models import ContinuousFlow
from helpers.networks import MLP
from helpers.random import seeded
from helpers.samplers import heun
from tests.networks.layers import randomise
from tests.statistics import assert_mean_close


class Linear(nn.Module):
    """The field v = (1 + t) A x, whose solution is x(1) = exp(1.5 A) x(0)."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(matrix)

    def forward(self, state: Tensor) -> Tensor:
        x, t = state[:, :-1], state[:, -1:]
        return (1 + t) * x @ self.matrix.T


A = torch.tensor([[0.3, -0.8, 0.1], [0.5, -0.2, 0.4], [-0.3, 0.2, 0.6]], dtype=torch.float64)


def odd_flow(features: int = 2, **options: object) -> ContinuousFlow:
    field = MLP(features + 1, [8], features, activation=nn.Tanh)
    randomise(field, 0.6)
    return ContinuousFlow(field, features, **options)  # type: ignore[arg-type]


def test_a_linear_field_moves_by_the_matrix_exponential() -> None:
    """z = exp(1.5 A) x and log-det = 1.5 tr A; the density is a Gaussian's."""
    flow, x = ContinuousFlow(Linear(A), 3, steps=40), torch.randn(5, 3)
    z, log_det = flow(x)
    whole = torch.linalg.matrix_exp(1.5 * A)
    torch.testing.assert_close(z, x @ whole.T, atol=1e-6, rtol=0)
    torch.testing.assert_close(log_det, (1.5 * A.trace()).expand(5), atol=1e-9, rtol=0)
    precision = whole.T @ whole
    law = torch.distributions.MultivariateNormal(torch.zeros(3), precision_matrix=precision)
    torch.testing.assert_close(flow.log_prob(x), law.log_prob(x), atol=1e-6, rtol=0)


def test_jacobian_and_inverse(seed: int) -> None:
    flow, x = odd_flow(3, steps=60), torch.randn(4, 3)
    z, log_det = flow(x)
    back, log_det_back = flow.inverse(z.detach())
    torch.testing.assert_close(back, x, atol=1e-6, rtol=0)
    torch.testing.assert_close(log_det_back, -log_det, atol=1e-6, rtol=0)
    for i in range(4):
        jacobian = torch.autograd.functional.jacobian(lambda v: flow(v[None])[0][0], x[i])
        expected = torch.linalg.slogdet(jacobian)[1]
        torch.testing.assert_close(log_det[i], expected, atol=1e-6, rtol=0)


def test_the_density_integrates_to_one(seed: int) -> None:
    flow = odd_flow(steps=10)
    ticks = torch.linspace(-12, 12, 241)
    with torch.no_grad():
        total = flow.log_prob(torch.cartesian_prod(ticks, ticks)).exp().sum().item() * 0.1**2
    assert total == pytest.approx(1, abs=1e-4)


def test_samples_have_the_density(seed: int) -> None:
    """Moments of 20,000 draws against the exact Gaussian: a deviation of 4 % in any would show."""
    flow = ContinuousFlow(Linear(A), 3)
    drawn = flow.sample(20_000, rng=seeded(seed))
    whole = torch.linalg.matrix_exp(-1.5 * A)
    assert_mean_close(drawn, torch.zeros(3))
    assert_mean_close(drawn[:, :, None] * drawn[:, None, :], whole @ whole.T)
    z = flow.base.sample((6, 3), A, seeded(seed))
    torch.testing.assert_close(flow.sample(6, rng=seeded(seed)), flow.inverse(z)[0].detach())


def test_hutchinsons_trace_is_unbiased(seed: int) -> None:
    """Of the linear field: the exact loss, and probes that differ from batch to batch."""
    exact = ContinuousFlow(Linear(A), 3, steps=4)
    estimate = ContinuousFlow(Linear(A), 3, steps=4, trace="hutchinson")
    x = torch.randn(1, 3)
    losses = torch.stack(
        [estimate.loss(x, rng=seeded(1000 * seed + i))["loss"].detach() for i in range(200)]
    )
    assert losses.std() > 0.1
    assert_mean_close(losses, exact.loss(x)["loss"].detach())
    torch.testing.assert_close(estimate.log_prob(x), exact.log_prob(x))


def test_both_traces_have_gradients_of_the_same_mean(seed: int) -> None:
    """Of a field that bends: the second derivatives count."""
    flow = odd_flow(2, steps=3)
    x = torch.randn(1, 2)
    weights = list(flow.parameters())
    exact = torch.autograd.grad(flow.loss(x)["loss"], weights)
    flow.trace = "hutchinson"
    draws = [
        torch.autograd.grad(flow.loss(x, rng=seeded(1000 * seed + i))["loss"], weights)
        for i in range(150)
    ]
    for i, expected in enumerate(exact):
        assert_mean_close(torch.stack([draw[i] for draw in draws]), expected)


def test_the_gradient_is_that_of_finite_differences(seed: int) -> None:
    flow, x = odd_flow(2, steps=4), torch.randn(5, 2)
    first = next(flow.parameters())
    flow.loss(x)["loss"].backward()
    assert first.grad is not None
    values = []
    for change in (1e-5, -2e-5):
        with torch.no_grad():
            first[0, 1] += change
        values.append(flow.loss(x)["loss"].item())
    assert first.grad[0, 1].item() == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-5)


def test_another_solver_takes_its_own_steps() -> None:
    x, truth = torch.randn(3, 3), torch.linalg.matrix_exp(1.5 * A)
    rough, fine = (
        ContinuousFlow(Linear(A), 3, steps=n, step=heun)(x)[0].detach() for n in (10, 20)
    )
    ratio = (rough - x @ truth.T).norm() / (fine - x @ truth.T).norm()
    assert ratio.item() == pytest.approx(4, rel=0.15)
    assert math.isfinite(ratio.item())


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="trace must be one of 'exact', 'hutchinson', got 'sum'"):
        ContinuousFlow(Linear(A), 3, trace="sum")
    with pytest.raises(ValueError, match="features must be an integer of at least 1, got 0"):
        ContinuousFlow(Linear(A), 0)
    with pytest.raises(ValueError, match=r"z must have shape \(B, 3\), got \(4, 2\)"):
        ContinuousFlow(Linear(A), 3).inverse(torch.zeros(4, 2))
