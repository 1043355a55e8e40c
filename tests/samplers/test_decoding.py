"""Filters, ancestral sampling and beam search against enumeration of a three-letter alphabet."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from helpers.random import seeded
from helpers.samplers.decoding import (
    NextSymbol,
    State,
    ancestral,
    beam_search,
    nucleus,
    temperature,
    top_k,
)
from tests.statistics import assert_mean_close

V, T = 3, 4
EVERY = list(itertools.product(range(V), repeat=T))


def second_order(seed: int, device: torch.device | str = "cpu") -> tuple[Tensor, NextSymbol]:
    """The next letter depends on the last two; the state is the last but one."""
    table = 1.5 * torch.randn(V, V, V, generator=seeded(seed)).to(device)

    def step(token: Tensor, state: State) -> tuple[Tensor, State]:
        before = token.new_zeros(len(token)) if state is None else state[0]
        return table[before, token], (token,)

    return table, step


def chain_rule(table: Tensor, word: tuple[int, ...], first: int) -> float:
    """Log-probability of a word by a plain loop."""
    before, last, total = 0, first, 0.0
    for letter in word:
        row = [math.exp(float(value)) for value in table[before, last]]
        total += math.log(row[letter] / sum(row))
        before, last = last, letter
    return total


def kept(p: list[float], names: set[int]) -> list[float]:
    total = sum(p[v] for v in names)
    return [p[v] / total if v in names else 0.0 for v in range(len(p))]


def test_temperature_is_a_power_of_the_probabilities(seed: int) -> None:
    logits = torch.randn(2, 5, V, generator=seeded(seed))
    for value in (0.3, 1.0, 4.0):
        p = logits.softmax(-1) ** (1 / value)
        expected = p / p.sum(-1, keepdim=True)
        torch.testing.assert_close(temperature(logits, value).softmax(-1), expected)


def test_top_k_keeps_the_best_k_by_enumeration(seed: int) -> None:
    logits = torch.randn(6, 5, generator=seeded(seed))
    for k in range(1, 6):
        found = top_k(logits, k).softmax(-1)
        for row, p in zip(found.tolist(), logits.softmax(-1).tolist()):
            best = max(itertools.combinations(range(5), k), key=lambda s: sum(p[v] for v in s))
            assert row == pytest.approx(kept(p, set(best)))
    assert int(top_k(torch.zeros(2, 5), 3).isfinite().sum()) == 6  # ties: k all the same


def test_the_nucleus_is_the_smallest_set_by_enumeration(seed: int) -> None:
    logits = torch.randn(2, 4, 5, generator=seeded(seed))
    subsets = [s for n in range(1, 6) for s in itertools.combinations(range(5), n)]
    for share in (0.05, 0.5, 0.8, 0.97):
        found = nucleus(logits, share).softmax(-1)
        for row, p in zip(found.flatten(0, 1).tolist(), logits.softmax(-1).flatten(0, 1).tolist()):
            enough = [s for s in subsets if sum(p[v] for v in s) >= share]
            size = min(map(len, enough))
            best = max((s for s in enough if len(s) == size), key=lambda s: sum(p[v] for v in s))
            assert row == pytest.approx(kept(p, set(best)))
    assert torch.equal(nucleus(logits, 1.0), logits)


def test_filters_come_one_after_the_other(seed: int) -> None:
    logits = torch.randn(3, 5, generator=seeded(seed))
    both = top_k(temperature(logits, 0.5), 2)
    again = top_k(both, 3)  # symbols that are out stay out
    torch.testing.assert_close(again.softmax(-1), both.softmax(-1))
    torch.testing.assert_close(nucleus(both, 0.999999).softmax(-1), both.softmax(-1))


def test_words_are_drawn_as_often_as_the_chain_rule_says(seed: int) -> None:
    table, step = second_order(seed)
    n, first = 30_000, 1
    drawn = ancestral(step, torch.full((n,), first), length=T, rng=seeded(seed + 1))
    p = torch.tensor([chain_rule(table, word, first) for word in EVERY]).exp()
    place = (drawn * torch.tensor([27, 9, 3, 1])).sum(1)
    shares = torch.nn.functional.one_hot(place, V**T).double()
    likely = p > 0.002
    assert_mean_close(shares[:, likely], p[likely])
    assert_mean_close(shares[:, ~likely].sum(1), float(p[~likely].sum()))


def test_a_filter_acts_on_each_step_of_sampling(seed: int) -> None:
    table, step = second_order(seed)
    drawn = ancestral(step, torch.tensor([2, 0]), length=5, keep=lambda logits: top_k(logits, 1))
    for row, first in zip(drawn.tolist(), (2, 0)):
        before, last = 0, first
        for letter in row:
            assert letter == int(table[before, last].argmax())
            before, last = last, letter


def test_a_wide_beam_finds_the_exact_best(seed: int) -> None:
    table, step = second_order(seed)
    exact = sorted(((chain_rule(table, word, 2), word) for word in EVERY), reverse=True)
    for width in (V ** (T - 1), V**T, 1000):
        found, log_p = beam_search(step, torch.tensor([2]), length=T, width=width)
        best = exact[: min(width, V**T)]
        assert len(found) == len(best)
        assert float(log_p[0]) == pytest.approx(best[0][0])
        assert chain_rule(table, tuple(found[0].tolist()), 2) == pytest.approx(best[0][0])
        if width >= V**T:
            words = [tuple(row) for row in found.tolist()]  # some are exactly as probable
            assert sorted(words) == EVERY
            assert log_p.tolist() == pytest.approx([value for value, _ in best])
            assert log_p.tolist() == pytest.approx([chain_rule(table, w, 2) for w in words])
            assert float(log_p.exp().sum()) == pytest.approx(1.0)


def test_the_beam_keeps_the_best_prefixes_of_each_length(seed: int) -> None:
    table, step = second_order(seed)
    beams: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for _ in range(T):
        longer = [(*prefix, v) for _, prefix in beams for v in range(V)]
        beams = sorted(((chain_rule(table, w, 0), w) for w in longer), reverse=True)[:2]
    found, log_p = beam_search(step, torch.tensor([0]), length=T, width=2)
    assert {tuple(row) for row in found.tolist()} == {word for _, word in beams}
    assert log_p.tolist() == pytest.approx([value for value, _ in beams])


def test_width_one_is_greedy(seed: int) -> None:
    _, step = second_order(seed)
    found, _ = beam_search(step, torch.tensor([1]), length=T, width=1)
    greedy = ancestral(step, torch.tensor([1]), length=T, keep=lambda logits: top_k(logits, 1))
    assert torch.equal(found, greedy)


def test_impossible_letters_never_enter_the_beam() -> None:
    def step(token: Tensor, state: State) -> tuple[Tensor, State]:
        return torch.tensor([0.0, -math.inf, 0.5]).expand(len(token), V), state

    found, log_p = beam_search(step, torch.tensor([0]), length=2, width=9)
    assert found.shape == (4, 2)
    assert log_p.isfinite().all()
    assert not (found == 1).any()


def test_same_generator_same_letters_on_the_device(device: torch.device, seed: int) -> None:
    _, step = second_order(seed, device)
    start = torch.zeros(6, dtype=torch.int64, device=device)
    before = torch.random.get_rng_state()
    draws = [ancestral(step, start, length=7, rng=seeded(3, device)) for _ in range(2)]
    assert torch.equal(*draws)
    assert draws[0].device.type == device.type
    assert torch.equal(torch.random.get_rng_state(), before)
    found, _ = beam_search(step, start[:1], length=3, width=2)
    assert found.device.type == device.type


def test_nothing_follows_an_end(seed: int) -> None:
    """Drawn words stop; a beam counts each word once, with the probability of its symbols."""
    table, step = second_order(seed)
    drawn = ancestral(step, torch.ones(300, dtype=torch.int64), length=T, end=2, rng=seeded(seed))
    free = ancestral(step, torch.ones(300, dtype=torch.int64), length=T, rng=seeded(seed))
    over = (free == 2).cummax(1).values
    assert torch.equal(drawn, free.masked_fill(over, 2))
    found, log_p = beam_search(step, torch.tensor([1]), length=T, width=100, end=2)
    words = {tuple(row[: row.index(2) + 1] if 2 in row else row) for row in found.tolist()}
    assert len(words) == len(found)
    assert log_p.exp().sum().item() == pytest.approx(1.0)
    for row, value in zip(found.tolist(), log_p.tolist()):
        word = tuple(row[: row.index(2) + 1] if 2 in row else row)
        assert chain_rule(table, word, 1) == pytest.approx(value)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda z, s: temperature(z, 0.0), r"value must be a positive number, got .*top_k"),
        (lambda z, s: top_k(z, 4), "k must be at most the 3 symbols, got 4"),
        (lambda z, s: top_k(z, 0), "k must be an integer of at least 1, got 0"),
        (lambda z, s: nucleus(z, 1.5), r"p must lie in \(0, 1\], got 1.5"),
        (lambda z, s: nucleus(z, 0.0), r"p must lie in \(0, 1\], got 0"),
        (lambda z, s: ancestral(s, torch.tensor([0]), length=0), "length must be an integer"),
        (lambda z, s: beam_search(s, torch.tensor([0, 1]), length=1, width=1), "one search at a"),
        (lambda z, s: beam_search(s, torch.tensor([0]), length=1, width=0), "width must be an"),
    ],
)
def test_bad_arguments_are_named(call: Callable[..., object], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        call(torch.zeros(2, V), second_order(0)[1])
