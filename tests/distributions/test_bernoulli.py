"""Zeros and ones: normalised, drawn as often as they say, and no likelihood of grey values."""

from __future__ import annotations

import itertools

import torch

from helpers.distributions import Bernoulli
from helpers.random import seeded
from tests.statistics import assert_mean_close


def test_the_probabilities_sum_to_one(device: torch.device) -> None:
    x = torch.tensor(list(itertools.product([0.0, 1.0], repeat=3)), device=device)
    logits = 2 * torch.randn(1, 3, device=device)
    p = Bernoulli(logits.expand(8, -1)).log_prob(x).exp()
    torch.testing.assert_close(p.sum().item(), 1.0)
    torch.testing.assert_close(p @ x, Bernoulli(logits).mean[0])


def test_draws_follow_the_probabilities(device: torch.device, seed: int) -> None:
    p = Bernoulli(torch.randn(2, 3, device=device).expand(20_000, -1, -1))
    drawn = p.sample(seeded(seed, device))
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert_mean_close(drawn, p.mean[0])


def test_grey_values_make_no_likelihood() -> None:
    """The formula applied to grey values integrates to less than 1 over [0, 1]: no density."""
    grey = torch.linspace(0, 1, 1001)[:, None]
    density = Bernoulli(torch.full((1001, 1), 1.5)).log_prob(grey).exp()
    assert torch.trapezoid(density, grey[:, 0]) < 0.7
