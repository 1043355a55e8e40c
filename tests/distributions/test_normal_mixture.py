"""Mixtures of normal densities on the line, against torch's own and by quadrature."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, Normal

from helpers.distributions import NormalMixture
from helpers.random import seeded
from tests.statistics import assert_mean_close

K = 3


def numbers(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=seeded(seed))


def test_it_is_torchs_mixture(seed: int) -> None:
    """With the centres spread from −2 to 2 and log-deviations around −1."""
    raw, x = numbers(seed, 5, 3 * K, 2), numbers(seed + 1, 5, 2)
    logits, centres, log_std = raw.movedim(1, -1).chunk(3, -1)
    centres = centres + torch.tensor([-2.0, 0.0, 2.0])
    expected = MixtureSameFamily(Categorical(logits=logits), Normal(centres, (log_std - 1).exp()))
    law = NormalMixture(raw)
    torch.testing.assert_close(law.log_prob(x), expected.log_prob(x).sum(1))
    torch.testing.assert_close(law.mean, expected.mean)


def test_the_density_integrates_to_one(seed: int) -> None:
    x = torch.linspace(-60, 60, 100_001)
    raw = numbers(seed, 1, 3 * K)
    p = NormalMixture(raw.expand(len(x), -1)).log_prob(x).exp()
    assert abs(float(torch.trapezoid(p, x)) - 1) < 1e-6


def test_samples_have_the_density(seed: int) -> None:
    """The distribution function of 100,000 draws is uniform: its first powers' means are known to
    0.001 each; torch's own distribution function.
    """
    raw = numbers(seed, 1, 3 * K)
    drawn = NormalMixture(raw.expand(100_000, -1)).sample(seeded(seed))
    logits, centres, log_std = raw[0].chunk(3)
    parts = Normal(centres + torch.tensor([-2.0, 0.0, 2.0]), (log_std - 1).exp())
    u = (logits.softmax(0) * parts.cdf(drawn[:, None])).sum(1)
    assert_mean_close(torch.stack([u, u**2, u**3], 1), torch.tensor([1 / 2, 1 / 3, 1 / 4]))


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="raw must have 3K channels, got 4"):
        NormalMixture(torch.zeros(5, 4))
