"""A density in its own units: the moments of its draws, its mass, its entropy."""

from __future__ import annotations

import pytest
import torch

from helpers.data.toy import IsotropicMixture, Standardised, TwoMoons
from helpers.random import seeded
from tests.statistics import assert_mean_close

LOPSIDED = IsotropicMixture(torch.tensor([[0.0, 1.0], [3.0, -1.0], [2.0, 7.0]]), std=0.8)


def test_draws_have_mean_zero_and_variance_one(seed: int) -> None:
    z = Standardised(LOPSIDED).sample(40_000, rng=seeded(seed))
    assert_mean_close(z, torch.zeros(2))
    assert_mean_close(z.square(), torch.ones(2))


def test_the_density_has_mass_one_and_its_entropy(seed: int) -> None:
    density = Standardised(LOPSIDED)
    left, right, bottom, top = density.limits
    x = torch.linspace(left, right, 400)
    y = torch.linspace(bottom, top, 400)
    log_p = density.log_prob(torch.cartesian_prod(x, y))
    area = (x[1] - x[0]) * (y[1] - y[0])
    assert (log_p.exp().sum() * area).item() == pytest.approx(1, abs=1e-6)
    entropy = -(log_p.exp() * log_p).sum() * area
    assert density.entropy() == pytest.approx(entropy.item(), abs=1e-5)
    assert_mean_close(-density.log_prob(density.sample(20_000, rng=seeded(seed))), entropy)


def test_two_moons_have_the_entropy_of_the_literature_of_this_book() -> None:
    """1.131 nats, computed apart from this code with other links and other draws."""
    assert Standardised(TwoMoons(0.05, links=1000)).entropy() == pytest.approx(1.131, abs=2e-3)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"z must have shape \(B, 2\), got \(4, 3\)"):
        Standardised(LOPSIDED).log_prob(torch.zeros(4, 3))
