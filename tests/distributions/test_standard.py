"""The fixed ends of a flow against scipy."""

from __future__ import annotations

import torch
from scipy import stats

from helpers.distributions import StandardNormal, StandardUniform
from helpers.random import seeded


def test_densities_are_scipys(seed: int) -> None:
    z = torch.rand(5, 2, 3, generator=seeded(seed))
    expected = torch.from_numpy(stats.norm.logpdf(z.numpy()).sum((1, 2)))
    torch.testing.assert_close(StandardNormal().log_prob(z), expected)
    assert torch.equal(StandardUniform().log_prob(z), torch.zeros(5))


def test_draws_have_these_laws(seed: int) -> None:
    for base, law in ((StandardNormal(), "norm"), (StandardUniform(), "uniform")):
        z = base.sample((4000, 2), torch.zeros(()), seeded(seed))
        assert stats.kstest(z.flatten().numpy(), law).pvalue > 1e-6
        low, high = base.support[1:]
        assert low <= z.min()
        assert z.max() <= high
