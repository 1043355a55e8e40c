"""Wasserstein distances against SciPy, closed forms, assignment and each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from scipy import optimize, stats
from torch import Tensor

from helpers.objectives.adversarial import discriminator_loss
from helpers.objectives.wasserstein import transport_plan, wasserstein_line
from tests.printed import tex


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


def best_function(cost: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """Values (N,) of the 1-Lipschitz function that gains most, by a linear program of its own."""
    n = len(p)
    one = torch.eye(n)
    slopes = (one[:, None] - one).reshape(n * n, n)  # row (i, j): f_i − f_j
    bounds = [(0, 0)] + [(None, None)] * (n - 1)  # the first value is 0: constants do not matter
    found = optimize.linprog((q - p).numpy(), slopes.numpy(), cost.flatten().numpy(), bounds=bounds)
    assert found.success
    return torch.as_tensor(found.x)


@pytest.mark.equation("eq-gan-duality", frozen="999ad91d")
def test_the_best_critic_has_the_distance_as_its_value(seed: int) -> None:
    """Independent answer: the dual linear program over all 1-Lipschitz functions of the points."""
    places = torch.randn(9, 2)
    cost = torch.cdist(places, places)
    p, q = torch.randn(9).softmax(0), torch.randn(9).softmax(0)
    least, _ = transport_plan(cost, p, q)
    f = best_function(cost, p, q)
    assert ((f[:, None] - f).abs() <= cost + 1e-9).all()
    assert ((p - q) @ f).item() == pytest.approx(least.item(), abs=1e-9)
    other = places @ torch.nn.functional.normalize(torch.randn(2), dim=0)  # slope 1, not the best
    assert ((p - q) @ other).item() <= least.item() + 1e-12
    assert (2 * (p - q) @ f).item() > least.item() + 1e-3  # without the bound there is no maximum


@pytest.mark.equation("eq-gan-duality", frozen="999ad91d")
def test_the_critics_loss_is_minus_the_distance_on_the_line(seed: int) -> None:
    """Independent answer: the distance by quantiles; the best slope is the sign of F_q − F_p."""
    x, y = torch.randn(8), 1 + 2 * torch.randn(8)
    places = torch.cat([x, y]).sort().values
    lead = (y[:, None] <= places).double().mean(0) - (x[:, None] <= places).double().mean(0)
    rises = lead.sign()[:-1] * places.diff()
    f = torch.cat([torch.zeros(1), rises.cumsum(0)])  # at the places

    def critic(v: Tensor) -> Tensor:
        return f[torch.searchsorted(places, v)]

    loss = discriminator_loss(critic(x), critic(y), "wasserstein").mean()
    distance = wasserstein_line(x, y).item()
    assert loss.item() == pytest.approx(-distance, abs=1e-12)
    for straight in (x, y), (-x, -y):  # slopes 1 and −1
        assert discriminator_loss(*straight, "wasserstein").mean() >= -distance - 1e-12


@pytest.mark.equation("eq-gan-overshoot")
def test_a_penalised_critic_is_too_steep(seed: int) -> None:
    """Independent answer: the penalised loss of two shifted samples over a fine grid of slopes."""
    x, weight = torch.randn(7), 3.5
    y = x + 0.5 + torch.rand(()).item()  # the best critic is a line, here of slope −s
    slopes = torch.linspace(0.5, 2, 3001)
    losses = torch.stack([discriminator_loss(-s * x, -s * y, "wasserstein").mean() for s in slopes])
    best = slopes[(losses + weight * (slopes - 1).square()).argmin()]
    printed = tex("eq-gan-overshoot")({"lambda": weight, "W_1": wasserstein_line(x, y)})
    torch.testing.assert_close(best, printed, rtol=0, atol=3e-4)


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
