"""The mixture of logistics over bins against scipy and its own samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import logistic
from torch import Tensor

from helpers.distributions import LogisticMixture
from helpers.random import seeded
from helpers.signal import mu_law_edges
from tests.printed import tex
from tests.statistics import assert_mean_close

V = 16


def numbers(seed: int, batch: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    g = seeded(seed)
    mu, log_scale = torch.randn(batch, 3, generator=g) / 2, torch.randn(batch, 3, generator=g) - 2
    return mu, log_scale, torch.randn(batch, 3, generator=g)


@pytest.mark.equation("eq-speech-bins")
def test_the_mass_of_a_bin_is_a_difference_of_distribution_functions(seed: int) -> None:
    """scipy.stats.logistic, component by component; the masses of all bins sum to 1."""
    mu, log_scale, logits = numbers(seed)
    edges, codes = mu_law_edges(V), torch.arange(V)[:, None].expand(-1, 4)
    ours = LogisticMixture(mu, log_scale, logits, edges).log_prob(codes).exp()
    law = logistic(mu.numpy(), log_scale.exp().numpy())
    below = np.stack([law.cdf(b) for b in edges.tolist()])  # (V + 1, 4, 3)
    weights = (logits.exp() / logits.exp().sum(1, keepdim=True)).numpy()
    expected = (np.diff(below, axis=0) * weights).sum(-1)
    assert np.allclose(ours.numpy(), expected, atol=1e-12)
    for v in (0, 6, V - 1):
        printed = tex("eq-speech-bins")(
            K=3,
            v=v,
            b=lambda v: edges[int(v)].item(),
            m=mu[1].tolist(),
            s=log_scale[1].exp().tolist(),
            pi=weights[1].tolist(),
            sigma=lambda x: logistic.cdf(x),
        )
        assert printed == pytest.approx(expected[v, 1])
    assert torch.allclose(ours.sum(0), torch.ones(4))


def test_samples_have_the_probabilities_and_the_mean(device: torch.device, seed: int) -> None:
    """Shares of the bins against the masses; with fine bins, the closed form of the mean."""
    n = 20_000
    parts = [part.to(device).expand(n, -1) for part in numbers(seed, batch=1)]
    law = LogisticMixture(*parts, mu_law_edges(V).to(device))
    drawn = law.sample(rng=seeded(seed, device))
    assert drawn.shape == (n,)
    for v in range(V):
        mass = law.log_prob(torch.full((n,), v, device=device)).exp()[0]
        assert_mean_close((drawn == v).double(), mass)
    width = 1e-3
    inner = torch.arange(-20, 20, width, device=device)
    end = torch.tensor([torch.inf], device=device)
    fine = LogisticMixture(*parts, torch.cat([-end, inner, end]))
    middle = width * (fine.sample(rng=seeded(seed, device)) - 0.5) - 20
    assert_mean_close(middle, law.mean[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_raw_output_breaks_the_gradient(dtype: torch.dtype, seed: int) -> None:
    """Each number of the mixture at ±100, and all bins, the two without an end among them."""
    edges = mu_law_edges(V).to(dtype)
    codes = torch.arange(V)[:, None]
    for size in (100.0, -100.0):
        raw = torch.cat([torch.zeros(1, 9), size * torch.eye(9)]).to(dtype)  # (10, 9)
        raw.requires_grad_()
        log_p = LogisticMixture(*raw.chunk(3, 1), edges).log_prob(codes)  # (V, 10)
        (slope,) = torch.autograd.grad(log_p.sum(), raw)
        assert log_p.isfinite().all()
        assert slope.isfinite().all()


def test_far_bins_keep_a_finite_logarithm() -> None:
    one = torch.ones(1)
    found = LogisticMixture(0.9 * one, -6 * one, one, mu_law_edges()).log_prob(
        torch.tensor([0, 200])
    )
    assert torch.isfinite(found).all()
    assert (found < -50).all()
