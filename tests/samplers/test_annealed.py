"""Annealed importance sampling between two Gaussians, where everything is known."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from helpers.metrics import log_mean_exp
from helpers.random import normal, seeded
from helpers.samplers.annealed import annealed_log_weights
from tests.statistics import assert_mean_close

N, D, FIRST, LAST = 4000, 3, 1.0, 9.0
LOG_RATIO = D / 2 * math.log(FIRST / LAST)  # of the normalisers


def precision(beta: float) -> float:
    return (1 - beta) * FIRST + beta * LAST


def energy(x: Tensor, beta: float) -> Tensor:
    return precision(beta) * x.square().sum(1) / 2


def run(seed: int, betas: list[float], memory: float) -> Tensor:
    """Chains whose moves keep this share of where they were, and leave each Gaussian as it is."""
    rng = seeded(seed)

    def move(x: Tensor, beta: float) -> Tensor:
        fresh = normal(x.shape, x, rng) / math.sqrt(precision(beta))
        return memory * x + math.sqrt(1 - memory**2) * fresh

    start = torch.randn(N, D, generator=rng) / math.sqrt(precision(betas[0]))
    return annealed_log_weights(energy, move, start, betas)


@pytest.mark.parametrize("memory", [0.0, 0.6])
def test_weights_are_unbiased_from_either_end(memory: float, seed: int) -> None:
    betas = torch.linspace(0, 1, 21).tolist()
    assert_mean_close(run(seed, betas, memory).exp(), math.exp(LOG_RATIO))
    assert_mean_close(run(seed + 1, betas[::-1], memory).exp(), math.exp(-LOG_RATIO))


def test_mean_log_weights_in_closed_form(seed: int) -> None:
    """With independent moves: sums of expected energy differences, uneven betas."""
    betas = [0.0, 0.05, 0.2, 0.5, 1.0]
    for path in (betas, betas[::-1]):
        rates = [precision(beta) for beta in path]
        expected = sum(D / 2 * (a - b) / a for a, b in pairwise(rates))
        assert_mean_close(run(seed, path, 0.0), expected)


def test_both_ends_within_a_tenth_of_a_nat_and_around_the_truth(seed: int) -> None:
    """Even the means of single log-weights are on their own side, by five standard errors."""
    betas = [(k / 60) ** 1.5 for k in range(61)]
    for path, sign in ((betas, 1), (betas[::-1], -1)):
        log_w = run(seed, path, 0.3)
        below = sign * LOG_RATIO - log_w.mean()
        assert 5 * log_w.std() / math.sqrt(N) < below < 0.1
        estimate = log_mean_exp(log_w)
        assert abs(estimate.value - sign * LOG_RATIO) < 5 * estimate.standard_error < 0.1


def test_a_path_has_two_ends() -> None:
    with pytest.raises(ValueError, match="betas must have at least 2 entries, got 1"):
        annealed_log_weights(energy, lambda x, beta: x, torch.zeros(2, D), [0.0])
