"""Mini-batch noise against all subsets, the noise floor against a Lyapunov equation and chains."""

from __future__ import annotations

import itertools

import pytest
import scipy.linalg
import torch

from helpers.optim.noise import minibatch_variance, noise_floor
from helpers.optim.path import trajectory
from helpers.optim.quadratic import momentum_matrix
from helpers.optim.rules import SGD
from helpers.random import seeded
from tests.statistics import assert_mean_close


@pytest.mark.equation("eq-gradient-minibatch", frozen="8d248378")
@pytest.mark.parametrize("batch_size", [1, 2, 5, 7])
def test_minibatch_mean_and_variance_over_all_batches(batch_size: int, seed: int) -> None:
    """The mean and the variance over all possible batches, enumerated."""
    gradients = torch.randn(7, 3, generator=seeded(seed))
    batches = itertools.combinations(range(7), batch_size)
    means = torch.stack([gradients[list(batch)].mean(0) for batch in batches])
    assert torch.allclose(means.mean(0), gradients.mean(0), atol=1e-12)  # unbiased
    variance = minibatch_variance(gradients, batch_size)
    assert variance.shape == (3,)
    assert torch.allclose(variance, means.var(0, correction=0), atol=1e-12)


@pytest.mark.equation("eq-gradient-noise-floor", frozen="1dda3037")
@pytest.mark.parametrize(
    ("lr", "curvature", "std", "beta"),
    [(0.1, 1.0, 2.0, 0.0), (0.7, 2.0, 0.3, 0.0), (0.1, 3.0, 1.0, 0.9), (2.0, 1.5, 1.0, 0.6)],
)
def test_noise_floor_solves_the_lyapunov_equation(
    lr: float, curvature: float, std: float, beta: float
) -> None:
    """The discrete Lyapunov equation, solved by scipy."""
    # V = M V Mᵀ + (α σ)² e₁ e₁ᵀ for the pair (θ_t, θ_{t-1})
    matrix = momentum_matrix(lr, torch.tensor(curvature), momentum=beta).numpy()
    source = torch.diag(torch.tensor([(lr * std) ** 2, 0.0])).numpy()
    expected = scipy.linalg.solve_discrete_lyapunov(matrix, source)[0, 0]
    assert noise_floor(lr, curvature, std, momentum=beta) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("beta", [0.0, 0.8])
def test_noise_floor_of_real_chains(beta: float, seed: int) -> None:
    draws = seeded(seed)

    def noisy(x: torch.Tensor) -> torch.Tensor:
        return 2.0 * x + 0.5 * torch.randn(x.shape, generator=draws)

    chains = 4000  # independent, so that the standard error needs no correlation time
    path = trajectory(SGD(0.2, momentum=beta), noisy, torch.zeros(chains), steps=150)
    assert_mean_close(path[-1] ** 2, noise_floor(0.2, 2.0, 0.5, momentum=beta))


def test_noise_vanishes_with_the_step() -> None:
    assert noise_floor(1e-6, 1.0, 1.0) == pytest.approx(0.5e-6, rel=1e-5)
    assert noise_floor(0.1, 1.0, 0.0) == 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: noise_floor(2.0, 1.0, 1.0), r"lr must lie in \(0, 2\), got 2.0"),
        (lambda: noise_floor(4.0, 1.0, 1.0, momentum=0.5), r"lr must lie in \(0, 3\), got 4.0"),
        (lambda: minibatch_variance(torch.zeros(3), 1), r"per_example must have shape \(N, D\)"),
        (
            lambda: minibatch_variance(torch.zeros(3, 2), 4),
            r"batch_size must lie in \[1, 3\]",
        ),
    ],
)
def test_bad_arguments(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
