"""The theory of the quadratic against 50-digit eigenvalues, autograd and the rules themselves."""

from __future__ import annotations

import math

import mpmath
import pytest
import torch
from torch import Tensor

from helpers.optim.path import trajectory
from helpers.optim.quadratic import momentum_matrix, momentum_radius, tuned
from helpers.optim.rules import SGD
from helpers.random import seeded

METHODS = ["gradient descent", "heavy ball", "nesterov"]
ANCHORS = {"gradient descent": 0.980198, "heavy ball": 0.818182, "nesterov": 0.9}


def exact_radius(method: str, smallest: int, largest: int, curvature: float) -> mpmath.mpf:
    """The spectral radius at the tuned parameters, with 50 digits from start to end."""
    with mpmath.workdps(50):
        low, high = mpmath.sqrt(smallest), mpmath.sqrt(largest)
        ratio = (high - low) / (high + low)
        lr, beta = {
            "gradient descent": (2 / (low**2 + high**2), mpmath.mpf(0)),
            "heavy ball": (4 / (low + high) ** 2, ratio**2),
            "nesterov": (1 / high**2, ratio),
        }[method]
        shrink = 1 - lr * mpmath.mpf(curvature)
        if method == "nesterov":
            matrix = mpmath.matrix([[(1 + beta) * shrink, -beta * shrink], [1, 0]])
        else:
            matrix = mpmath.matrix([[shrink + beta, -beta], [1, 0]])
        eigenvalues = mpmath.eig(matrix, left=False, right=False)
        return max(abs(value) for value in eigenvalues)


def step_jacobian(rule: SGD, curvature: float) -> Tensor:
    """d(θ', θ)/d(θ, θ₋) of one real step; the velocity is (θ₋ - θ)/lr, at the same point."""

    def advance(pair: Tensor) -> Tensor:
        now, before = pair
        velocity = (before - now) / rule.lr
        return torch.stack([rule.step(now, curvature * now, velocity)[0], now])

    return torch.autograd.functional.jacobian(advance, torch.tensor([0.3, -0.7]))


@pytest.mark.equation("eq-gradient-heavy-ball", frozen="af988644")
@pytest.mark.parametrize("beta", [0.0, 0.4, 0.9])
@pytest.mark.parametrize("curvature", [0.5, 3.0, 20.0])
def test_heavy_ball_matrix_is_the_jacobian_of_the_step(beta: float, curvature: float) -> None:
    """The Jacobian of one real step, by automatic differentiation."""
    matrix = momentum_matrix(0.1, torch.tensor(curvature), momentum=beta)
    jacobian = step_jacobian(SGD(lr=0.1, momentum=beta), curvature)
    assert torch.allclose(matrix, jacobian, atol=1e-12)


@pytest.mark.parametrize("curvature", [0.5, 3.0, 11.0])
def test_nesterov_matrix_moves_the_points_that_the_rule_visits(curvature: float, seed: int) -> None:
    start = torch.randn(4, generator=seeded(seed))
    path = trajectory(
        SGD(0.1, momentum=0.7, nesterov=True), lambda x: curvature * x, start, steps=9
    )
    matrix = momentum_matrix(0.1, torch.tensor(curvature), momentum=0.7, nesterov=True)
    pairs = torch.stack([path[1:], path[:-1]], 1)  # (9, 2, 4): now and before
    assert torch.allclose(matrix @ pairs[:-1], pairs[1:], atol=1e-12)


@pytest.mark.equation("eq-gradient-rate", frozen="3737ab83")
@pytest.mark.equation("eq-gradient-heavy-ball-rate", frozen="497d89eb")
@pytest.mark.equation("eq-gradient-nesterov-rate", frozen="367dcc23")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("smallest", "largest"), [(1, 100), (2, 7), (3, 3000)])
def test_tuned_rates_to_1e_8(method: str, smallest: int, largest: int) -> None:
    """Eigenvalues computed with 50 digits by mpmath, over the whole spectrum."""
    rule, rate = tuned(method, float(smallest), float(largest))
    curvatures = torch.linspace(smallest, largest, 23)
    ours = momentum_radius(rule.lr, curvatures, momentum=rule.momentum, nesterov=rule.nesterov)
    exact = [float(exact_radius(method, smallest, largest, c)) for c in curvatures.tolist()]
    assert max(exact) == pytest.approx(rate, abs=1e-8)
    assert ours.max().item() == pytest.approx(rate, abs=1e-8)
    assert ours.tolist() == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_anchors(method: str) -> None:
    assert tuned(method, 1.0, 100.0)[1] == pytest.approx(ANCHORS[method], abs=5e-7)


@pytest.mark.parametrize("method", METHODS[:2])
def test_no_neighbour_of_the_tuned_parameters_is_faster(method: str, seed: int) -> None:
    rule, rate = tuned(method, 1.0, 50.0)
    curvatures = torch.linspace(1, 50, 400)[:, None]  # (curvature, 1)
    draws = seeded(seed)
    lr = rule.lr * (1 + 0.2 * torch.randn(1, 300, generator=draws))
    beta = rule.momentum * (1 + 0.2 * torch.randn(1, 300, generator=draws))
    beta = torch.where(beta < 1, beta, rule.momentum)
    worst = momentum_radius(lr, curvatures, momentum=beta).amax(0)
    assert (worst >= rate - 1e-9).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_rules_reach_their_rates(method: str) -> None:
    rule, rate = tuned(method, 1.0, 25.0)
    curvature = torch.tensor([1.0, 6.0, 25.0])
    path = trajectory(rule, lambda x: curvature * x, torch.ones(3), steps=400)
    error = path.norm(dim=1)
    # a double eigenvalue r gives t·r^t, so that the slope approaches log r like 1/t
    slope = math.log(error[400] / error[200]) / 200
    assert slope == pytest.approx(math.log(rate), abs=0.01)


@pytest.mark.equation("eq-gradient-threshold", frozen="930bf536")
@pytest.mark.parametrize("beta", [0.0, 0.6])
def test_the_threshold_is_sharp(beta: float) -> None:
    """Real runs two per cent below and above the threshold."""
    limit = 2 * (1 + beta) / 5.0
    below, above = (
        momentum_radius(limit * (1 + sign * 1e-6), torch.tensor(5.0), momentum=beta).item()
        for sign in (-1, 1)
    )
    assert below < 1 < above
    paths = [
        trajectory(SGD(limit * f, momentum=beta), lambda x: 5 * x, torch.ones(1), steps=400)
        for f in (0.98, 1.02)
    ]
    assert paths[0][-1].abs() < 0.1
    assert paths[1][-1].abs() > 10


def test_radius_agrees_with_a_general_eigenvalue_routine(seed: int) -> None:
    draws = seeded(seed)
    for nesterov in (False, True):
        for beta in (0.0, 0.3, 0.9):
            curvature = 30 * torch.rand(50, generator=draws)
            matrix = momentum_matrix(0.1, curvature, momentum=beta, nesterov=nesterov)
            general = torch.linalg.eigvals(matrix).abs().amax(-1)
            ours = momentum_radius(0.1, curvature, momentum=beta, nesterov=nesterov)
            assert torch.allclose(ours, general, atol=1e-6)  # eigvals is blunt near double roots


def test_radius_broadcasts_to_a_map() -> None:
    lr, beta = torch.linspace(0.1, 3, 4)[:, None], torch.linspace(0, 0.9, 5)
    grid = momentum_radius(lr, torch.tensor(1.0), momentum=beta)
    assert grid.shape == (4, 5)
    one = momentum_radius(lr[2].item(), torch.tensor(1.0), momentum=beta[3].item())
    assert grid[2, 3].item() == pytest.approx(one.item())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tuned("newton", 1.0, 2.0), "method must be one of 'gradient descent'"),
        (lambda: tuned("nesterov", 2.0, 1.0), r"smallest must lie in \(0, 1\), got 2.0"),
    ],
)
def test_bad_arguments(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
