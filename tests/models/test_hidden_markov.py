"""Hidden Markov models against the sum and the maximum over all paths of states."""

from __future__ import annotations

import itertools
import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from helpers.models.hidden_markov import HiddenMarkovModel
from helpers.random import seeded
from tests.statistics import assert_mean_close

K, V, T, B = 3, 4, 5, 2


@pytest.fixture
def model(seed: int) -> HiddenMarkovModel:
    return HiddenMarkovModel.random(K, V, rng=seeded(seed))


@pytest.fixture
def x(seed: int) -> Tensor:
    return torch.randint(V, (B, T), generator=seeded(seed + 1))


def paths(length: int = T) -> Tensor:
    return torch.tensor(list(itertools.product(range(K), repeat=length)))


def joint(model: HiddenMarkovModel, x: Tensor, path: list[int]) -> float:
    """p(x, z), factor by factor."""
    p = float(model.initial[path[0]])
    for j, k in pairwise(path):
        p *= float(model.transition[j, k])
    for k, symbol in zip(path, x.tolist()):
        p *= float(model.emission[k, symbol])
    return p


def joints(model: HiddenMarkovModel, x: Tensor) -> Tensor:
    """p(x, z) of one sequence and all K^T paths."""
    return torch.tensor([joint(model, x, path) for path in paths(len(x)).tolist()])


def test_filtered_states_and_next_symbols_by_all_paths(model: HiddenMarkovModel, x: Tensor) -> None:
    states, steps = model._forward(x)
    before = torch.ones(B)
    for t in range(1, T + 1):
        p = torch.stack([joints(model, row[:t]) for row in x])  # (B, K^t)
        last = torch.nn.functional.one_hot(paths(t)[:, -1], K).double()
        torch.testing.assert_close(states[:, t - 1].exp(), p @ last / p.sum(1, keepdim=True))
        torch.testing.assert_close(steps[:, t - 1].exp(), p.sum(1) / before)
        before = p.sum(1)
    assert torch.equal(model.log_conditionals(x), steps)


def test_likelihood_is_the_sum_over_all_paths(model: HiddenMarkovModel, x: Tensor) -> None:
    expected = torch.stack([joints(model, row).sum() for row in x]).log()
    torch.testing.assert_close(model.log_prob(x), expected)


def test_posteriors_are_shares_of_the_paths(model: HiddenMarkovModel, x: Tensor) -> None:
    single, pair = model.posterior(x)
    for b in range(B):
        p = joints(model, x[b])
        p = p / p.sum()
        for t, k in itertools.product(range(T), range(K)):
            here = paths()[:, t] == k
            assert float(single[b, t, k]) == pytest.approx(float(p[here].sum()))
            if t + 1 < T:
                for j in range(K):
                    then = here & (paths()[:, t + 1] == j)
                    assert float(pair[b, t, k, j]) == pytest.approx(float(p[then].sum()))


def test_viterbi_is_the_best_of_all_paths(model: HiddenMarkovModel, x: Tensor) -> None:
    found, score = model.viterbi(x)
    for b in range(B):
        p = joints(model, x[b])
        assert found[b].tolist() == paths()[p.argmax()].tolist()
        assert float(score[b]) == pytest.approx(float(p.max().log()))


def test_one_step_of_baum_welch_counts_over_all_paths(model: HiddenMarkovModel, x: Tensor) -> None:
    first, moves, emitted = torch.zeros(K), torch.zeros(K, K), torch.zeros(K, V)
    for row in x:
        p = joints(model, row)
        for weight, path in zip((p / p.sum()).tolist(), paths().tolist()):
            first[path[0]] += weight / B
            for j, k in pairwise(path):
                moves[j, k] += weight
            for k, symbol in zip(path, row.tolist()):
                emitted[k, symbol] += weight
    model.fit(x, max_steps=1)
    torch.testing.assert_close(model.initial, first)
    torch.testing.assert_close(model.transition, moves / moves.sum(1, keepdim=True))
    torch.testing.assert_close(model.emission, emitted / emitted.sum(1, keepdim=True))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(draw=st.integers(0, 10**6), states=st.integers(1, 4), length=st.integers(1, 9))
def test_baum_welch_never_lowers_the_likelihood(draw: int, states: int, length: int) -> None:
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    x = torch.randint(V, (4, length), generator=seeded(draw))
    model = HiddenMarkovModel.random(states, V, rng=seeded(draw + 1))
    model.fit(x, max_steps=15, tolerance=0.0)
    assert all(after >= before - 1e-11 for before, after in pairwise(model.history))
    torch.set_default_dtype(previous)


def test_samples_have_the_marginals_of_the_chain(model: HiddenMarkovModel, seed: int) -> None:
    symbols, states = model.sample_with_states(20_000, length=3, rng=seeded(seed))
    assert torch.equal(model.sample(20_000, length=3, rng=seeded(seed)), symbols)
    at_third = model.initial @ model.transition @ model.transition
    one_hot = torch.nn.functional.one_hot
    assert_mean_close(one_hot(states[:, 2], K).double(), at_third)
    assert_mean_close(one_hot(symbols[:, 2], V).double(), at_third @ model.emission)


def test_likelihoods_of_all_sequences_sum_to_one(model: HiddenMarkovModel) -> None:
    every = torch.tensor(list(itertools.product(range(V), repeat=4)))
    assert float(model.log_prob(every).exp().sum()) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.slow
def test_ten_thousand_symbols_in_single_precision(seed: int) -> None:
    """Posteriors sum to 1 and equal those of double precision; so do likelihood and path."""
    keep = torch.tensor([[0.98, 0.02], [0.04, 0.96]])
    dice = torch.tensor([[1 / 6] * 6, [0.1] * 5 + [0.5]])
    exact = HiddenMarkovModel(torch.tensor([0.5, 0.5]), keep, dice)
    casino = HiddenMarkovModel(torch.tensor([0.5, 0.5]), keep, dice).float()
    x, hidden = casino.sample_with_states(1, length=10_000, rng=seeded(seed))
    single, pair = casino.posterior(x)
    torch.testing.assert_close(single.sum(2), torch.ones(1, 10_000).float())
    torch.testing.assert_close(pair.sum(3), single[:, :-1], atol=1e-4, rtol=1e-4)
    assert float(casino.log_prob(x)) == pytest.approx(float(exact.log_prob(x)), rel=1e-6)
    torch.testing.assert_close(single.double(), exact.posterior(x)[0], atol=1e-4, rtol=0)
    (path, score), (expected, best) = casino.viterbi(x), exact.viterbi(x)
    assert (path == expected).double().mean() > 0.999
    assert float(score) == pytest.approx(float(best), rel=1e-6)
    assert (path == hidden).double().mean() > 0.7


def test_long_sequences_are_learnt_in_single_precision(seed: int) -> None:
    """EM climbs up to rounding, and its tables are accepted as a model's."""
    model = HiddenMarkovModel.random(K, V, rng=seeded(seed)).float()
    x = model.sample(2, length=2000, rng=seeded(seed))
    learner = HiddenMarkovModel.random(K, V, rng=seeded(seed + 1)).float()
    learner.fit(x, max_steps=3, tolerance=-1.0)
    assert len(learner.history) == 4
    assert all(after >= before - 1e-6 for before, after in pairwise(learner.history))
    HiddenMarkovModel(learner.initial, learner.transition, learner.emission)


def test_a_state_that_seemed_impossible_can_return() -> None:
    """After 4000 symbols against it, a state has a posterior far below the smallest float."""
    dice = torch.tensor([[0.9, 0.1, 0.0], [0.1, 0.1, 0.8]], dtype=torch.float32)
    model = HiddenMarkovModel(torch.tensor([0.5, 0.5]).float(), torch.eye(2).float(), dice)
    x = torch.tensor([[0] * 4000 + [2]])
    expected = math.log(0.5) + 4000 * math.log(0.1) + math.log(0.8)
    assert float(model.log_prob(x)) == pytest.approx(expected, rel=1e-4)
    torch.testing.assert_close(model.posterior(x)[0][0, 0], torch.tensor([0.0, 1.0]).float())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_narrow_integers_are_symbols(
    model: HiddenMarkovModel, x: Tensor, dtype: torch.dtype
) -> None:
    """As indices, a uint8 tensor would be a mask."""
    assert torch.equal(model.log_prob(x.to(dtype)), model.log_prob(x))
    assert torch.equal(model.viterbi(x.to(dtype))[0], model.viterbi(x)[0])
    assert torch.equal(model.posterior(x.to(dtype))[1], model.posterior(x)[1])
    model.fit(x[:1].to(dtype), max_steps=1)


def test_state_that_is_never_visited_keeps_its_rows(seed: int) -> None:
    """A state of probability zero stays as it is instead of dividing zero by zero."""
    transition = torch.tensor([[0.7, 0.3, 0.0], [0.4, 0.6, 0.0], [0.2, 0.3, 0.5]])
    emission = torch.tensor([[0.5, 0.5], [0.9, 0.1], [0.25, 0.75]])
    model = HiddenMarkovModel(torch.tensor([0.5, 0.5, 0.0]), transition, emission)
    x = torch.randint(2, (3, 7), generator=seeded(seed))
    two = HiddenMarkovModel(torch.tensor([0.5, 0.5]), transition[:2, :2], emission[:2])
    torch.testing.assert_close(model.log_prob(x), two.log_prob(x))
    model.fit(x, max_steps=4)
    assert model.transition[2].tolist() == [0.2, 0.3, 0.5]
    assert model.emission[2].tolist() == [0.25, 0.75]
    assert float(model.initial[2]) == 0.0


def test_impossible_sequence_is_minus_infinity_and_an_error_where_it_matters() -> None:
    coin = HiddenMarkovModel(torch.tensor([0.5, 0.5]), torch.eye(2), torch.eye(2))
    x = torch.tensor([[0, 0], [0, 1]])
    assert coin.log_prob(x).tolist() == pytest.approx([-0.6931471805599453, -torch.inf])
    for method in (coin.posterior, coin.viterbi, coin.fit):
        with pytest.raises(ValueError, match="got sequence 1, which no path of states can produce"):
            method(x)
    torch.testing.assert_close(coin.posterior(x[:1])[0], torch.tensor([[[1.0, 0.0]] * 2]))


def test_works_on_the_device(device: torch.device, seed: int) -> None:
    cpu = HiddenMarkovModel.random(K, V, rng=seeded(seed))
    tables = (t.to(device) for t in (cpu.initial, cpu.transition, cpu.emission))
    model = HiddenMarkovModel(*tables)
    x = model.sample(3, length=6, rng=seeded(seed, device))
    assert x.shape == (3, 6)
    assert model.fit(x, max_steps=2).transition.device.type == device.type
    torch.testing.assert_close(model.viterbi(x)[0].cpu().shape, torch.Size([3, 6]))


def test_bad_arguments_are_named(model: HiddenMarkovModel) -> None:
    half = torch.tensor([0.5, 0.5])
    with pytest.raises(ValueError, match=r"transition must have rows that sum to 1, got one off"):
        HiddenMarkovModel(half, 0.4 * torch.ones(2, 2), torch.eye(2))
    with pytest.raises(ValueError, match=r"transition must have shape \(2, 2\), got \(3, 3\)"):
        HiddenMarkovModel(half, torch.eye(3), torch.eye(2))
    with pytest.raises(ValueError, match=r"x must have shape \(B, T\), got \(5,\): add a batch"):
        model.log_prob(torch.zeros(5, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"x must lie in \[0, 3\]"):
        model.log_prob(torch.full((1, 2), V))
