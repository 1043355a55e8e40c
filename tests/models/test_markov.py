"""Markov chains of text against Witten–Bell smoothing written out with dictionaries."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from helpers.models.markov import MarkovChain
from helpers.random import seeded
from tests.statistics import assert_mean_close

V, T = 4, 60


def text(seed: int, length: int = T) -> Tensor:
    """Symbols in which the last but one matters; symbol 3 is rare."""
    g = seeded(seed)
    table = torch.rand(V, V, V, generator=g) ** 3 + torch.tensor([0.05, 0.05, 0.05, 0.0])
    x = [0, 1]
    for _ in range(length - 2):
        x.append(int(torch.multinomial(table[x[-2], x[-1]], 1, generator=g)))
    return torch.tensor(x)


def by_dictionary(x: list[int], history: tuple[int, ...], symbol: int, order: int) -> float:
    """p(symbol | history) from counts in dictionaries, by recursion from the longest history."""
    if order < 0:
        return 1.0 / V
    followers: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for t in range(order, len(x)):
        followers[tuple(x[t - order : t])][x[t]] += 1
    seen = followers[history[len(history) - order :]]
    shorter = by_dictionary(x, history, symbol, order - 1)
    if not seen:
        return shorter
    return (seen[symbol] + len(seen) * shorter) / (seen.total() + len(seen))


@pytest.mark.parametrize("order", [0, 1, 3])
def test_conditionals_are_those_of_dictionaries(order: int, seed: int) -> None:
    x, new = text(seed), torch.randint(V, (2, 6), generator=seeded(seed + 1))
    found = MarkovChain(V, order=order).fit(x).log_conditionals(new).exp()
    for b, t in itertools.product(range(2), range(6)):
        row = new[b].tolist()
        m = min(t, order)
        expected = by_dictionary(x.tolist(), tuple(row[t - m : t]), row[t], m)
        assert float(found[b, t]) == pytest.approx(expected)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(draw=st.integers(0, 10**6), order=st.integers(0, 5))
def test_probabilities_of_all_rows_sum_to_one(draw: int, order: int) -> None:
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    chain = MarkovChain(V, order=order).fit(text(draw, 20))
    every = torch.tensor(list(itertools.product(range(V), repeat=4)))
    assert float(chain.log_prob(every).exp().sum()) == pytest.approx(1.0, abs=1e-12)
    torch.set_default_dtype(previous)


def test_samples_occur_as_often_as_log_prob_says(seed: int) -> None:
    chain = MarkovChain(V, order=2).fit(text(seed))
    x = chain.sample(20_000, length=3, rng=seeded(seed + 1))
    every = torch.tensor(list(itertools.product(range(V), repeat=3)))
    p = chain.log_prob(every).exp()
    shares = torch.nn.functional.one_hot((x * torch.tensor([16, 4, 1])).sum(1), 64).double()
    assert_mean_close(shares[:, p > 0.002], p[p > 0.002])


def test_samples_continue_their_start(seed: int) -> None:
    chain = MarkovChain(V, order=2).fit(text(seed))
    start = torch.tensor([2, 0, 1])
    x = chain.sample(20_000, length=1, start=start, rng=seeded(seed + 1))
    assert torch.equal(x[:, :3], start.expand(20_000, 3))
    ends = torch.cat([start.expand(V, 3), torch.arange(V)[:, None]], 1)
    p = chain.log_conditionals(ends)[:, 3].exp()
    assert_mean_close(torch.nn.functional.one_hot(x[:, 3], V).double(), p)


def test_long_text_of_known_entropy(seed: int) -> None:
    """A chain that repeats with probability 0.9 has 0.325 nats a symbol: order 1 finds them."""
    stay = torch.rand(40_000, generator=seeded(seed)) < 0.9
    x = (~stay).long().cumsum(0) % 2
    entropy = -(0.9 * torch.tensor(0.9).log() + 0.1 * torch.tensor(0.1).log())
    half = 20_000
    chain = MarkovChain(2, order=1).fit(x[:half])
    nats = -chain.log_conditionals(x[None, half:])[0, 1:]
    assert_mean_close(nats, float(entropy), sigmas=6.0)  # one sigma more for the estimated tables


def test_same_generator_same_text_on_the_device(device: torch.device, seed: int) -> None:
    chain = MarkovChain(V, order=3).fit(text(seed).to(device))
    a = chain.sample(2, length=9, rng=seeded(seed, device))
    b = chain.sample(2, length=9, rng=seeded(seed, device))
    assert torch.equal(a, b)
    assert a.device.type == device.type
    assert torch.isfinite(chain.log_prob(a)).all()


def test_bad_arguments_are_named(seed: int) -> None:
    x = text(seed)
    with pytest.raises(RuntimeError, match="call fit first"):
        MarkovChain(V).log_prob(x[None])
    with pytest.raises(
        ValueError, match=r"order must keep .* below 2\*\*63, got 9: at most 8 with"
    ):
        MarkovChain(103, order=9)
    with pytest.raises(ValueError, match=r"x must have shape \(T,\) with T above the order 3"):
        MarkovChain(V, order=3).fit(x[:3])
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\], got values from 0 to"):
        MarkovChain(2).fit(x)
    with pytest.raises(ValueError, match=r"x must have shape \(B, T\), got \(60,\): add x\[None\]"):
        MarkovChain(V).fit(x).log_prob(x)
    with pytest.raises(TypeError, match="x must be an integer tensor"):
        MarkovChain(V).fit(x.double())
    with pytest.raises(ValueError, match="order must be an integer of at least 0, got -1"):
        MarkovChain(V, order=-1)
