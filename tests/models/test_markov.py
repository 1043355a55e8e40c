"""Markov chains of text against Witten–Bell smoothing written out with dictionaries."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from helpers.data.text import pad, split, with_end
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
    chain = MarkovChain(V, order=3).to(device).fit(text(seed).to(device))
    a = chain.sample(2, length=9, rng=seeded(seed, device))
    b = chain.sample(2, length=9, rng=seeded(seed, device))
    assert torch.equal(a, b)
    assert a.device.type == device.type
    assert torch.isfinite(chain.log_prob(a)).all()


def some_rows(seed: int) -> list[list[int]]:
    g = seeded(seed)
    sizes = torch.randint(6, (30,), generator=g).tolist()
    return [text(seed + k, 9)[:n].tolist() for k, n in enumerate(sizes)]


@pytest.mark.parametrize("order", [0, 1, 3])
def test_rows_are_counted_from_their_start_to_their_end(order: int, seed: int) -> None:
    """A stream of the rows, each with ends before and behind it, counted by dictionaries."""
    rows, new = some_rows(seed), [[], [2], [1, 0, 3, 1, 2]]
    chain = MarkovChain(V, order=order, end=True).fit(pad(rows))
    seen: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for row in rows:
        line = [V] * order + row + [V]
        for t in range(order, len(line)):
            for m in range(order + 1):
                seen[tuple(line[t - m : t])][line[t]] += 1

    def p(history: tuple[int, ...], symbol: int, m: int) -> float:
        shorter = p(history, symbol, m - 1) if m else 1 / (V + 1)
        found = seen[history[len(history) - m :]]
        return (found[symbol] + len(found) * shorter) / (found.total() + len(found) or 1)

    found = chain.log_conditionals(pad(new)).exp()
    for b, row in enumerate(new):
        line = [V] * order + row + [V]
        for t in range(len(row) + 1):
            history = tuple(line[t : t + order])
            m = max(k for k in range(order + 1) if not k or seen[history[order - k :]])
            assert float(found[b, t]) == pytest.approx(p(history, line[order + t], m))
        assert (found[b, len(row) + 1 :] == 1).all()


@pytest.mark.parametrize("order", [0, 2])
def test_rows_of_all_lengths_sum_to_one(order: int, seed: int) -> None:
    """Enumeration: all rows of up to four symbols, and all beginnings of five."""
    chain = MarkovChain(V, order=order, end=True).fit(pad(some_rows(seed)))
    rows = [list(x) for n in range(5) for x in itertools.product(range(V), repeat=n)]
    p = float(chain.log_prob(pad(rows)).exp().sum())
    beginnings = torch.tensor(list(itertools.product(range(V), repeat=5)))
    rest = float(chain.log_conditionals(beginnings)[:, :5].sum(1).exp().sum())
    assert p < 1
    assert p + rest == pytest.approx(1.0, abs=1e-12)


def test_samples_of_rows_stop_as_often_as_log_prob_says(seed: int) -> None:
    chain = MarkovChain(V, order=2, end=True).fit(pad(some_rows(seed)))
    drawn = chain.sample(20_000, length=3, rng=seeded(seed + 1))
    rows = [list(x) for n in range(3) for x in itertools.product(range(V), repeat=n)]
    p = chain.log_prob(pad(rows)).exp()
    wanted = torch.nn.functional.pad(pad(rows), (0, 1), value=-1)
    shares = (drawn[:, None] == wanted).all(2).double()
    assert_mean_close(shares[:, p > 0.002], p[p > 0.002])


def test_rows_without_ends_are_not_counted_across_borders() -> None:
    chain = MarkovChain(2, order=1).fit(torch.tensor([[0, 0, 0], [1, 1, 1]]))
    p = chain.log_conditionals(torch.tensor([[0, 1], [0, 0]])).exp()[:, 1]
    assert p[0] < 0.2  # 0 was never followed by 1; joined up it was, once
    joined = MarkovChain(2, order=1).fit(torch.tensor([0, 0, 0, 1, 1, 1]))
    assert joined.log_conditionals(torch.tensor([[0, 1]])).exp()[0, 1] > p[0]


def test_words_as_rows_beat_words_in_a_stream(seed: int) -> None:
    """Each word counts its own beginning and end, which a stream blurs."""
    g = seeded(seed)
    places = [torch.randint(9, (n,), generator=g) for n in torch.randint(1, 4, (800,)).tolist()]
    syllables = ["ba", "ko", "ri", "stu", "ing", "e", "la", "pu", "ten"]
    words = ["".join(syllables[i] for i in row.tolist()) for row in places]
    data = split(words, "words")
    size, newline = len(data.alphabet), data.alphabet.index("\n")
    held_out = data.rows(data.validation)
    rows = MarkovChain(size, end=True).fit(data.rows(data.train))
    stream = MarkovChain(size).fit(data.encode(data.train))
    lines = [row[row >= 0] for row in with_end(held_out, newline)]
    in_stream = -sum(stream.log_prob(line[None]).item() for line in lines) / len(lines)
    assert -rows.log_prob(held_out).mean().item() < in_stream - 0.3


def test_a_constant_weight_is_additive_smoothing(seed: int) -> None:
    """Order 0 with weight V: Laplace's rule. Weight 0: the relative frequencies."""
    x = text(seed)
    counts = torch.bincount(x, minlength=V)
    each = torch.arange(V)[:, None]
    laplace = MarkovChain(V, order=0, smoothing=V).fit(x).log_prob(each).exp()
    torch.testing.assert_close(laplace, (counts + 1) / (T + V))
    plain = MarkovChain(V, order=1, smoothing=0.0).fit(x)
    after = plain.log_conditionals(torch.cat([torch.zeros_like(each), each], 1)).exp()[:, 1]
    pairs = torch.stack([((x[:-1] == 0) & (x[1:] == v)).sum() for v in range(V)])
    torch.testing.assert_close(after, pairs / pairs.sum())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_symbols_of_any_integer_type(dtype: torch.dtype, seed: int) -> None:
    x, new = text(seed), text(seed + 1)[None]
    chain, same = MarkovChain(V).fit(x), MarkovChain(V).fit(x.to(dtype))
    assert torch.equal(same.log_prob(new.to(dtype)), chain.log_prob(new))


@pytest.mark.parametrize("end", [False, True])
def test_a_fresh_chain_takes_the_saved_counts(end: bool, seed: int) -> None:
    x = pad(some_rows(seed)) if end else text(seed)
    chain, fresh = MarkovChain(V, order=2, end=end).fit(x), MarkovChain(V, order=2, end=end)
    fresh.load_state_dict(chain.state_dict())
    new = text(seed + 1)[None]
    assert torch.equal(fresh.log_prob(new), chain.log_prob(new))
    assert chain.float().log_prob(new).dtype == torch.float32
    torch.testing.assert_close(chain.log_prob(new).double(), fresh.log_prob(new))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: MarkovChain(V).log_prob(x[None]), RuntimeError, "call fit first"),
        (lambda x: MarkovChain(103, order=9), ValueError, r"order must keep 103 .* below 2\*\*63"),
        (lambda x: MarkovChain(V).fit(x[:3]), ValueError, "x must be longer than the order 3"),
        (lambda x: MarkovChain(2).fit(x), ValueError, r"x must lie in \[0, 1\], got values from 0"),
        (lambda x: MarkovChain(V).fit(x).log_prob(x), ValueError, r"x must have shape \(B, T\)"),
        (lambda x: MarkovChain(V).fit(x.double()), TypeError, "x must be an integer tensor"),
    ],
)
def test_bad_arguments_are_named(
    call: Callable[[Tensor], object], error: type[Exception], match: str, seed: int
) -> None:
    with pytest.raises(error, match=match):
        call(text(seed))
