"""Half precision does not reach a sum."""

from __future__ import annotations

import torch

from helpers.distributions import Bernoulli, Categorical, Gaussian, IsotropicGaussian
from helpers.distributions.support import widen


def test_wide_types_are_kept() -> None:
    for narrow, wide in (
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ):
        assert widen(torch.ones(1, dtype=narrow)).dtype == wide


def test_sums_over_pixels_are_in_single_precision() -> None:
    """1000 pixels whose parameters bfloat16 holds exactly: the sums lose nothing."""
    zeros = torch.zeros(2, 1000, dtype=torch.bfloat16)
    third = torch.full_like(zeros, 0.375)
    narrow = {
        Bernoulli(third).log_prob(zeros): Bernoulli(third.double()).log_prob(zeros.double()),
        Categorical(torch.stack([zeros, third], 1)).log_prob(zeros.long()): Categorical(
            torch.stack([zeros, third], 1).double()
        ).log_prob(zeros.long()),
    }
    for kind in (Gaussian, IsotropicGaussian):
        log_std = third if kind is Gaussian else third[0, 0]
        exact = kind(third.double(), log_std.double())
        narrow[kind(third, log_std).log_prob(zeros)] = exact.log_prob(zeros.double())
    prior = Gaussian(zeros, zeros)
    wide = Gaussian(third.double(), third.double()).kl(Gaussian(zeros.double(), zeros.double()))
    narrow[Gaussian(third, third).kl(prior)] = wide
    for found, expected in narrow.items():
        torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=0)
