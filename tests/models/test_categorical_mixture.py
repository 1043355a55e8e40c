"""Categorical mixtures: monotone objective, exact sums, scikit-learn's naive Bayes."""

from __future__ import annotations

import itertools
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.naive_bayes import CategoricalNB
from torch import Tensor

from helpers.models.categorical_mixture import CategoricalMixture
from helpers.models.independent import IndependentCategorical
from helpers.random import seeded
from tests.statistics import assert_mean_close

N, D, V, K = 40, 4, 3, 2


def data(seed: int, n: int = N) -> Tensor:
    """Two overlapping kinds of examples, (n, D) levels."""
    g = seeded(seed)
    tables = torch.rand(2, D, V, generator=g) ** 2 + 0.02
    kind = torch.randint(2, (n,), generator=g)
    return torch.multinomial(tables[kind].flatten(0, 1), 1, generator=g).reshape(n, D)


def every_example() -> Tensor:
    return torch.tensor(list(itertools.product(range(V), repeat=D)))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    data_seed=st.integers(0, 10**6),
    components=st.integers(1, 5),
    smoothing=st.sampled_from([0.0, 0.01, 0.5, 3.0]),
    prior_examples=st.sampled_from([0.0, 2.0, 30.0]),
)
def test_em_never_lowers_the_objective(
    data_seed: int, components: int, smoothing: float, prior_examples: float
) -> None:
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    x, g = data(data_seed), seeded(data_seed)
    r = torch.rand(N, components, generator=g) ** 4 + 1e-3
    mixture = CategoricalMixture(
        components, V, smoothing=smoothing, prior_examples=prior_examples
    ).start(x, r / r.sum(1, keepdim=True))
    history = [mixture._expect(x)[1]]
    for _ in range(12):
        mixture.em_step(x)
        history.append(mixture._expect(x)[1])
    assert all(after >= before - 1e-10 for before, after in pairwise(history))
    torch.set_default_dtype(previous)


def test_objective_is_likelihood_plus_log_prior_written_out(seed: int) -> None:
    x = data(seed)
    mixture = CategoricalMixture(K, V, smoothing=0.7, prior_examples=5.0)
    mixture.fit(x, max_steps=3, rng=seeded(seed))
    total = 0.0
    for row in x.tolist():
        terms = [
            float(mixture.weights[k])
            * torch.stack([mixture.log_table[k, i, v].exp() for i, v in enumerate(row)]).prod()
            for k in range(K)
        ]
        total += float(sum(terms).log())
    for k, i, v in itertools.product(range(K), range(D), range(V)):
        pseudo = 0.7 + 5.0 * float((x[:, i] == v).double().mean())
        total += pseudo * float(mixture.log_table[k, i, v])
    assert mixture._expect(x)[1] == pytest.approx(total / N)


def test_probabilities_of_all_examples_sum_to_one(seed: int) -> None:
    mixture = CategoricalMixture(3, V, smoothing=0.2).fit(data(seed), rng=seeded(seed))
    assert float(mixture.log_prob(every_example()).exp().sum()) == pytest.approx(1.0, abs=1e-12)


def test_samples_occur_as_often_as_log_prob_says(seed: int) -> None:
    mixture = CategoricalMixture(K, V, smoothing=0.2).fit(data(seed), rng=seeded(seed))
    x = mixture.sample(20_000, rng=seeded(seed + 1))
    place = V ** torch.arange(D - 1, -1, -1)
    shares = torch.nn.functional.one_hot((x * place).sum(1), V**D).double()
    likely = mixture.log_prob(every_example()).exp()
    assert_mean_close(shares[:, likely > 0.002], likely[likely > 0.002])


def test_samples_of_one_component_follow_its_table(seed: int) -> None:
    mixture = CategoricalMixture(K, V, smoothing=0.2).fit(data(seed), rng=seeded(seed))
    x = mixture.sample(5_000, rng=seeded(seed + 1), component=1)
    assert_mean_close(
        torch.nn.functional.one_hot(x, V).double().flatten(1), mixture.log_table[1].exp().flatten()
    )


def test_naive_bayes_is_a_mixture_started_from_the_labels(seed: int) -> None:
    x = data(seed)
    y = torch.arange(N) % 3
    mixture = CategoricalMixture(3, V, smoothing=0.4).start(x, torch.eye(3)[y])
    reference = CategoricalNB(alpha=0.4, min_categories=V).fit(x.numpy(), y.numpy())
    torch.testing.assert_close(
        mixture.log_joint(x).softmax(1), torch.as_tensor(reference.predict_proba(x.numpy()))
    )
    joint = torch.as_tensor(reference.predict_joint_log_proba(x.numpy()))
    torch.testing.assert_close(mixture.log_joint(x), joint)


def test_one_component_is_the_model_of_independent_variables(seed: int) -> None:
    x = data(seed)
    mixture = CategoricalMixture(1, V, smoothing=0.3).fit(x)
    independent = IndependentCategorical((D,), V, smoothing=0.3).fit(x)
    torch.testing.assert_close(mixture.log_prob(x), independent.log_prob(x).to(torch.float64))


def test_one_em_step_by_hand() -> None:
    """Two coins, three tosses each: the textbook numbers, worked out with fractions."""
    x = torch.tensor([[1, 1], [1, 0], [0, 0]])
    mixture = CategoricalMixture(2, 2, smoothing=0.0).start(x, torch.full((3, 2), 0.5))
    mixture.log_table = torch.tensor([[[0.25, 0.75]] * 2, [[0.5, 0.5]] * 2]).log()
    mixture.em_step(x)
    r = [(9 / 16) / (9 / 16 + 1 / 4), (3 / 16) / (3 / 16 + 1 / 4), (1 / 16) / (1 / 16 + 1 / 4)]
    assert float(mixture.weights[0]) == pytest.approx(sum(r) / 3)
    assert float(mixture.log_table[0, 0, 1].exp()) == pytest.approx((r[0] + r[1]) / sum(r))
    assert float(mixture.log_table[0, 1, 1].exp()) == pytest.approx(r[0] / sum(r))


def test_empty_component_keeps_its_table_and_gets_weight_zero(seed: int) -> None:
    x = data(seed)
    r = torch.zeros(N, 3)
    r[:, 0], r[:, 2] = 0.25, 0.75
    mixture = CategoricalMixture(3, V, smoothing=0.0).start(x, r)
    mixture.em_step(x)
    assert float(mixture.weights[1]) == 0.0
    torch.testing.assert_close(mixture.log_table[1].exp(), torch.full((D, V), 1 / V))
    pair = CategoricalMixture(2, V, smoothing=0.0).start(x, r[:, [0, 2]])
    pair.em_step(x)
    torch.testing.assert_close(mixture.log_prob(x), pair.log_prob(x))


def test_same_generator_same_result_and_global_state_untouched(seed: int) -> None:
    x = data(seed)
    state = torch.get_rng_state()
    a = CategoricalMixture(K, V).fit(x, rng=seeded(seed))
    b = CategoricalMixture(K, V).fit(x, rng=seeded(seed))
    assert torch.equal(a.log_table, b.log_table)
    assert torch.equal(a.sample(7, rng=seeded(3)), b.sample(7, rng=seeded(3)))
    assert torch.equal(torch.get_rng_state(), state)


def test_images_keep_their_shape_and_device(device: torch.device, seed: int) -> None:
    x = data(seed).reshape(N, 1, 2, 2).to(device)
    mixture = CategoricalMixture(K, V).fit(x, rng=seeded(seed, device))
    sample = mixture.sample(5, rng=seeded(seed, device))
    assert sample.shape == (5, 1, 2, 2)
    assert sample.device.type == device.type
    assert mixture.log_prob(sample).shape == (5,)


def test_impossible_example_has_minus_infinity() -> None:
    x = torch.tensor([[0, 0], [0, 0], [1, 1]])
    mixture = CategoricalMixture(2, 3, smoothing=0.0).start(x, torch.eye(2)[[0, 0, 1]])
    unseen = torch.tensor([[2, 2], [0, 0]])
    assert mixture.log_prob(unseen)[0] == -torch.inf


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_narrow_integers_are_levels(dtype: torch.dtype, seed: int) -> None:
    """As indices, a uint8 tensor would be a mask."""
    x = data(seed) + 190
    a, b = (CategoricalMixture(K, 200).fit(y, rng=seeded(seed)) for y in (x, x.to(dtype)))
    torch.testing.assert_close(b.log_prob(x.to(dtype)), a.log_prob(x), rtol=0, atol=0)
    torch.testing.assert_close(b.log_joint(x.to(dtype)), a.log_joint(x))


def test_single_precision_fits_as_double_does(seed: int) -> None:
    x = data(seed)
    single = CategoricalMixture(K, V).float().fit(x, max_steps=5, rng=seeded(seed))
    double = CategoricalMixture(K, V).start(x, torch.ones(N, K) / K)
    double.load_state_dict(single.state_dict())
    torch.testing.assert_close(single.log_prob(x).double(), double.log_prob(x), rtol=1e-5, atol=0)
    assert single.log_prob(x[:1]).dtype == torch.float32


def test_one_example_is_enough_for_one_component() -> None:
    mixture = CategoricalMixture(1, V, smoothing=0.0).fit(torch.tensor([[2, 0]]))
    assert mixture.sample(3).tolist() == [[2, 0]] * 3


def test_bad_arguments_are_named() -> None:
    x = torch.tensor([[0, 1], [1, 0], [1, 1]])
    mixture = CategoricalMixture(2, 2, smoothing=0.0)
    with pytest.raises(RuntimeError, match="CategoricalMixture has no parameters yet: call fit"):
        mixture.log_prob(x)
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\], got values from 0 to 5"):
        mixture.fit(x * 5)
    with pytest.raises(ValueError, match=r"len\(x\) must be an integer of at least 2, got 1"):
        mixture.fit(x[:1])
    with pytest.raises(ValueError, match=r"responsibilities must have shape \(3, 2\)"):
        mixture.start(x, torch.ones(3, 4))
    mixture.start(x, torch.eye(2)[torch.tensor([0, 1, 1])])
    with pytest.raises(ValueError, match=r"x must have shape \(B, 2\), got \(3, 1\)"):
        mixture.log_prob(x[:, :1])
