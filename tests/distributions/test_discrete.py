"""Zeros, ones and levels: normalised, equal to torch, drawn as often as they say."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.distributions import Bernoulli, Categorical
from helpers.random import seeded
from tests.printed import tex
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


B, V, EVENT = 4, 7, (2, 3, 5)


@pytest.mark.equation("eq-vae-categorical")
def test_the_likelihood_is_normalised(device: torch.device) -> None:
    """Enumeration of all 5³ images: Σ p(x|z) = 1, each the product of its softmax entries."""
    levels, places = 5, 3
    logits = 2 * torch.randn(1, levels, places, device=device)
    everything = list(itertools.product(range(levels), repeat=places))
    x = torch.tensor(everything, device=device)
    log_prob = Categorical(logits.expand(len(x), -1, -1)).log_prob(x)
    torch.testing.assert_close(log_prob.exp().sum().item(), 1.0)
    table = (logits[0].exp() / logits[0].exp().sum(0)).tolist()  # (levels, places)
    products = [math.prod(table[v][d] for d, v in enumerate(row)) for row in everything]
    torch.testing.assert_close(log_prob.exp(), torch.tensor(products, device=device))
    printed = tex("eq-vae-categorical")

    def ell(d: int, k: int) -> Callable[[None], Tensor]:
        return lambda z: logits[0, k, d - 1]

    for row in range(0, len(everything), 12):
        found = printed(D=places, K=levels, ell=ell, x=everything[row], z=None)
        torch.testing.assert_close(found, log_prob[row])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_log_prob_is_torchs_for_integers_of_any_width(
    device: torch.device, dtype: torch.dtype
) -> None:
    logits, x = torch.randn(B, V, *EVENT), torch.randint(V, (B, *EVENT))
    expected = torch.distributions.Categorical(logits=logits.movedim(1, -1)).log_prob(x)
    found = Categorical(logits.to(device)).log_prob(x.to(device, dtype))
    torch.testing.assert_close(found.cpu(), expected.sum((1, 2, 3)))


def test_draws_and_mean_follow_the_probabilities(device: torch.device, seed: int) -> None:
    logits = torch.randn(V, 2, 3, device=device)
    p = Categorical(logits.expand(20_000, -1, -1, -1))
    drawn = p.sample(seeded(seed, device))
    assert drawn.dtype == torch.int64
    assert_mean_close(F.one_hot(drawn, V).double(), logits.softmax(0).movedim(0, -1))
    mean = (logits.softmax(0) * torch.arange(V, device=device)[:, None, None]).sum(0)
    torch.testing.assert_close(p.mean[0], mean)
