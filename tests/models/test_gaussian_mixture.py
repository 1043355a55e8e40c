"""Gaussian mixtures against scikit-learn, and what they do when a component collapses."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import mixture as sklearn_mixture
from torch import Tensor
from torch.distributions import MultivariateNormal

from helpers.models.gaussian_mixture import GaussianMixture
from helpers.random import seeded
from tests.statistics import assert_mean_close

N, D, K = 60, 3, 2


def data(seed: int) -> Tensor:
    g = seeded(seed)
    x = torch.randn(N, D, generator=g, dtype=torch.float64)
    x[: N // 3] = 0.5 * x[: N // 3] + torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64)
    return x


def soft_start(seed: int, components: int) -> Tensor:
    r = torch.rand(N, components, generator=seeded(seed), dtype=torch.float64) ** 3 + 0.01
    return r / r.sum(1, keepdim=True)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    data_seed=st.integers(0, 10**6),
    components=st.integers(1, 4),
    prior=st.sampled_from([0.0, 0.3, 5.0]),
    variance=st.sampled_from([0.01, 1.0]),
)
def test_em_never_lowers_the_objective(
    data_seed: int, components: int, prior: float, variance: float
) -> None:
    x = data(data_seed)
    mixture = GaussianMixture(components, prior_examples=prior, prior_variance=variance).double()
    mixture.start(x, soft_start(data_seed, components))
    history = [mixture._expect(x)[1]]
    for _ in range(15):
        mixture.em_step(x)
        history.append(mixture._expect(x)[1])
    assert all(after >= before - 1e-9 for before, after in pairwise(history))


def test_same_start_same_path_as_scikit_learn(seed: int) -> None:
    x = data(seed)
    ours = GaussianMixture(K).start(x, soft_start(seed, K))
    reference = sklearn_mixture.GaussianMixture(
        K,
        reg_covar=0.0,
        max_iter=12,
        tol=0.0,
        weights_init=ours.weights.numpy(),
        means_init=ours.means.numpy(),
        precisions_init=torch.linalg.inv(ours.covariances).numpy(),
    )
    for _ in range(12):
        ours.em_step(x)
    with pytest.warns(UserWarning, match="did not converge"):
        reference.fit(x.numpy())
    torch.testing.assert_close(ours.weights, torch.as_tensor(reference.weights_))
    torch.testing.assert_close(ours.means, torch.as_tensor(reference.means_))
    torch.testing.assert_close(ours.covariances, torch.as_tensor(reference.covariances_))
    torch.testing.assert_close(ours.log_prob(x), torch.as_tensor(reference.score_samples(x)))


def test_objective_holds_the_prior_written_out(seed: int) -> None:
    x = data(seed)
    mixture = GaussianMixture(K, prior_examples=1.5, prior_variance=0.2)
    mixture.start(x, soft_start(seed, K))
    prior = sum(
        -0.75 * (torch.logdet(c) + 0.2 * torch.trace(torch.linalg.inv(c)))
        for c in mixture.covariances
    )
    expected = (mixture.log_prob(x).sum() + prior) / N
    assert mixture._expect(x)[1] == pytest.approx(float(expected))


def test_prior_adds_pseudo_examples_to_the_covariance(seed: int) -> None:
    x = data(seed)
    mixture = GaussianMixture(1, prior_examples=4.0, prior_variance=0.5).fit(x)
    scatter = (x - x.mean(0)).T @ (x - x.mean(0))
    expected = (scatter + 4.0 * 0.5 * torch.eye(D)) / (N + 4.0)
    torch.testing.assert_close(mixture.covariances[0], expected)


def test_log_prob_is_that_of_torch_distributions(seed: int) -> None:
    x = data(seed)
    mixture = GaussianMixture(K).start(x, soft_start(seed, K))
    parts = [
        MultivariateNormal(m, c).log_prob(x) for m, c in zip(mixture.means, mixture.covariances)
    ]
    expected = (mixture.weights.log() + torch.stack(parts, 1)).logsumexp(1)
    torch.testing.assert_close(mixture.log_prob(x), expected)


def test_moments_of_samples(seed: int) -> None:
    x = data(seed)
    mixture = GaussianMixture(K).start(x, soft_start(seed, K))
    for _ in range(5):
        mixture.em_step(x)
    draws = mixture.sample(20_000, rng=seeded(seed + 1))
    assert_mean_close(draws, x.mean(0))  # an M-step keeps the mean and the covariance of the data
    products = (draws - x.mean(0))[:, :, None] * (draws - x.mean(0))[:, None]
    assert_mean_close(products, (x - x.mean(0)).T @ (x - x.mean(0)) / N)
    one = mixture.sample(5_000, rng=seeded(seed + 2), component=1)
    assert_mean_close(one, mixture.means[1])


def test_collapse_on_a_point_is_an_error_and_the_prior_repairs_it(seed: int) -> None:
    x = data(seed)
    r = torch.zeros(N, K, dtype=torch.float64)
    r[:, 0], r[0] = 1.0, torch.tensor([0.0, 1.0])
    with pytest.raises(
        ValueError,
        match=r"regular covariance, got a singular one for component 1 \(examples: 1\): set",
    ):
        GaussianMixture(K).start(x, r)
    mixture = GaussianMixture(K, prior_examples=1.0, prior_variance=0.25).start(x, r)
    torch.testing.assert_close(mixture.covariances[1], 0.125 * torch.eye(D))


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e6])
def test_data_in_a_plane_are_singular_in_any_unit_and_others_in_none(
    unit: float, seed: int
) -> None:
    x = data(seed) * unit
    GaussianMixture(1).fit(x)
    x[:, 2] = x[:, 0]
    with pytest.raises(ValueError, match=r"singular one for component 0 \(examples: 60\)"):
        GaussianMixture(1).fit(x)


@pytest.mark.parametrize("prior", [0.0, 2.0])
def test_empty_component_keeps_its_mean_and_does_no_harm(prior: float, seed: int) -> None:
    x = data(seed)
    r = torch.cat([soft_start(seed, K), torch.zeros(N, 1)], 1)
    mixture = GaussianMixture(K + 1, prior_examples=prior, prior_variance=0.7).start(x, r)
    pair = GaussianMixture(K, prior_examples=prior, prior_variance=0.7)
    pair.start(x, soft_start(seed, K))
    for _ in range(3):
        mixture.em_step(x)
        pair.em_step(x)
    assert float(mixture.weights[K]) == 0.0
    torch.testing.assert_close(mixture.means[K], x.mean(0))
    torch.testing.assert_close(mixture.log_prob(x), pair.log_prob(x))
    if prior:
        torch.testing.assert_close(mixture.covariances[K], 0.7 * torch.eye(D))


def test_fit_finds_two_clear_groups(device: torch.device, seed: int) -> None:
    g = seeded(seed)
    x = torch.randn(300, 2, generator=g, dtype=torch.float64) * 0.5
    x[:100] += 4.0
    mixture = GaussianMixture(2).fit(x.to(device), rng=seeded(seed, device))
    smallest = int(mixture.weights.argmin())
    assert float(mixture.weights[smallest]) == pytest.approx(1 / 3, abs=1e-3)
    torch.testing.assert_close(mixture.means[smallest].cpu(), x[:100].mean(0), atol=1e-2, rtol=0)
    assert mixture.sample(5, rng=seeded(1, device)).device.type == device.type


@pytest.mark.parametrize(("dtype", "shift"), [(torch.float32, 1e5), (torch.float64, 1e12)])
def test_a_shift_of_the_data_changes_nothing(dtype: torch.dtype, shift: float, seed: int) -> None:
    """Two clusters on a grid of eighths, which these shifts do not round."""
    g = seeded(seed)
    x = torch.randn(300, 2, generator=g) + 4.0 * (torch.arange(300) % 2)[:, None]
    x = ((8 * x).round() / 8).to(dtype)
    here = GaussianMixture(2).to(dtype).fit(x, rng=seeded(seed))
    there = GaussianMixture(2).to(dtype).fit(x + shift, rng=seeded(seed))
    torch.testing.assert_close(there.log_prob(x + shift), here.log_prob(x), atol=2e-2, rtol=1e-2)
    torch.testing.assert_close(there.covariances, here.covariances, atol=1e-2, rtol=1e-2)
    assert there.history[-1] == pytest.approx(here.history[-1], abs=1e-3)


def test_one_example_and_images_are_examples(seed: int) -> None:
    x = data(seed)[:, :, None]
    mixture = GaussianMixture(1, prior_examples=1.0).fit(x[:1])
    torch.testing.assert_close(mixture.means[0], x[0])
    assert mixture.sample(4).shape == (4, D, 1)
    assert mixture.log_prob(x[:1]).shape == (1,)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (lambda x: x.long(), TypeError, "x must be a floating-point tensor"),
        (lambda x: x.float(), TypeError, "x must have the model's type torch.float64"),
        (lambda x: x / 0.0, ValueError, "x must be finite"),
    ],
)
def test_bad_examples_are_named(
    change: Callable[[Tensor], Tensor], error: type[Exception], match: str, seed: int
) -> None:
    with pytest.raises(error, match=match):
        GaussianMixture(1).fit(change(data(seed)))
