"""Hidden Markov models against the sum and the maximum over all paths of states."""

from __future__ import annotations

import itertools
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


def paths() -> Tensor:
    return torch.tensor(list(itertools.product(range(K), repeat=T)))


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
    return torch.tensor([joint(model, x, path) for path in paths().tolist()])


def test_likelihood_is_the_sum_over_all_paths(model: HiddenMarkovModel, x: Tensor) -> None:
    expected = torch.stack([joints(model, row).sum() for row in x]).log()
    torch.testing.assert_close(model.log_prob(x), expected)


def test_forward_and_backward_agree_at_every_time(model: HiddenMarkovModel, x: Tensor) -> None:
    total = (model.log_forward(x) + model.log_backward(x)).logsumexp(2)  # (B, T)
    torch.testing.assert_close(total, model.log_prob(x)[:, None].expand(B, T))


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
    model.em_step(x)
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
    symbols, states = model.sample(20_000, length=3, rng=seeded(seed))
    at_third = model.initial @ model.transition @ model.transition
    one_hot = torch.nn.functional.one_hot
    assert_mean_close(one_hot(states[:, 2], K).double(), at_third)
    assert_mean_close(one_hot(symbols[:, 2], V).double(), at_third @ model.emission)


def test_likelihoods_of_all_sequences_sum_to_one(model: HiddenMarkovModel) -> None:
    every = torch.tensor(list(itertools.product(range(V), repeat=4)))
    assert float(model.log_prob(every).exp().sum()) == pytest.approx(1.0, abs=1e-12)


def test_long_sequences_neither_underflow_nor_overflow(seed: int) -> None:
    model = HiddenMarkovModel.random(K, V, rng=seeded(seed))
    x, _ = model.sample(1, length=2000, rng=seeded(seed))
    assert torch.isfinite(model.log_prob(x)).all()
    single, _ = model.posterior(x)
    torch.testing.assert_close(single.sum(2), torch.ones(1, 2000))


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
    x, z = model.sample(3, length=6, rng=seeded(seed, device))
    assert x.shape == z.shape == (3, 6)
    assert model.fit(x, max_steps=2).transition.device.type == device.type
    torch.testing.assert_close(model.viterbi(x)[0].cpu().shape, torch.Size([3, 6]))


def test_bad_arguments_are_named(model: HiddenMarkovModel) -> None:
    half = torch.tensor([0.5, 0.5])
    with pytest.raises(
        ValueError, match=r"transition must have rows that sum to 1, got a sum of 2"
    ):
        HiddenMarkovModel(half, torch.ones(2, 2), torch.eye(2))
    with pytest.raises(ValueError, match=r"emission must lie in \[0, 1\], got values from -1 to 1"):
        HiddenMarkovModel(half, torch.eye(2), torch.tensor([[-1.0, 1.0], [1.0, 0.0]]))
    with pytest.raises(ValueError, match=r"transition must have shape \(2, 2\), got \(3, 3\)"):
        HiddenMarkovModel(half, torch.eye(3), torch.eye(2))
    with pytest.raises(ValueError, match=r"x must have shape \(B, T\), got \(5,\): add a batch"):
        model.log_prob(torch.zeros(5, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"x must lie in \[0, 3\]"):
        model.log_prob(torch.full((1, 2), V))
    with pytest.raises(TypeError, match="x must be an integer tensor"):
        model.log_prob(torch.zeros(1, 2))
    with pytest.raises(TypeError, match="initial must be a floating-point tensor"):
        HiddenMarkovModel(torch.tensor([1, 0]), torch.eye(2), torch.eye(2))
