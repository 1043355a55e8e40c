"""Observation models: normalised, equal to torch.distributions, drawn as often as they say."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from helpers.models.vae import VAE
from helpers.models.vae_observations import (
    BernoulliObservation,
    CategoricalObservation,
    GaussianObservation,
    Observation,
)
from helpers.networks import MLP, ConvDecoder, ConvEncoder
from tests.models.vae_toy import rng
from tests.statistics import assert_mean_close

V, EVENT, B, K, L = 7, (2, 3, 5), 4, 6, 3


class Constant(nn.Module):
    """A decoder that gives the same parameters for all z."""

    def __init__(self, parameters: Tensor) -> None:
        super().__init__()
        self.parameters_ = nn.Parameter(parameters)

    def forward(self, z: Tensor) -> Tensor:
        return self.parameters_.expand(len(z), *self.parameters_.shape)


def vae(likelihood: str, device: torch.device, **options: object) -> tuple[VAE, Tensor]:
    outputs = (V, *EVENT) if likelihood == "categorical" else EVENT
    networks = MLP(EVENT, [8], 2 * L), MLP(L, [9], outputs)
    model = VAE(*networks, L, likelihood=likelihood, num_levels=V, **options).to(device)
    x = {
        "bernoulli": torch.bernoulli(torch.full((B, *EVENT), 0.5, device=device)),
        "categorical": torch.randint(V, (B, *EVENT), device=device),
        "gaussian": torch.randn(B, *EVENT, device=device),
    }[likelihood]
    return model, x


LIKELIHOODS = [
    ("bernoulli", {}),
    ("categorical", {}),
    ("gaussian", {"std": 0.3}),
    ("gaussian", {"std": "learned"}),
]


@pytest.mark.parametrize(("likelihood", "options"), LIKELIHOODS)
def test_the_fast_path_is_the_distributions_log_prob(
    likelihood: str, options: dict[str, object], device: torch.device, seed: int
) -> None:
    model, x = vae(likelihood, device, **options)
    q = model.posterior(x)
    eps = torch.randn(K, B, L, generator=rng(seed, device), device=device)
    z = q.mean + q.stddev * eps
    distribution = model.likelihood(z)
    assert distribution.batch_shape == (K, B)
    assert distribution.event_shape == EVENT
    expected = distribution.log_prob(x) + model.prior().log_prob(z) - q.log_prob(z)
    weights = model.log_weights(x, num_samples=K, rng=rng(seed, device))
    torch.testing.assert_close(weights, expected)
    single = model.likelihood(z[0])
    assert single.batch_shape == (B,)
    torch.testing.assert_close(single.log_prob(x), distribution.log_prob(x)[0])
    assert model.likelihood(z[0, 0]).batch_shape == ()


@pytest.mark.equation("eq-vae-categorical")
def test_the_categorical_likelihood_is_normalised(device: torch.device) -> None:
    """Enumeration of all 5³ images: Σ p(x|z) = 1, each the product of its softmax entries."""
    levels, places = 5, 3
    logits = 2 * torch.randn(1, levels, places, device=device)
    everything = list(itertools.product(range(levels), repeat=places))
    x = torch.tensor(everything, device=device)
    model = CategoricalObservation(levels)
    log_prob = model.log_prob(logits.expand(len(x), -1, -1), x)
    torch.testing.assert_close(log_prob.exp().sum().item(), 1.0)
    table = (logits[0].exp() / logits[0].exp().sum(0)).tolist()  # (levels, places)
    products = [math.prod(table[v][d] for d, v in enumerate(row)) for row in everything]
    torch.testing.assert_close(log_prob.exp(), torch.tensor(products, device=device))


def test_the_bernoulli_likelihood_is_normalised(device: torch.device) -> None:
    x = torch.tensor(list(itertools.product([0.0, 1.0], repeat=3)), device=device)
    logits = 2 * torch.randn(1, 3, device=device)
    log_prob = BernoulliObservation().log_prob(logits.expand(len(x), -1), x)
    torch.testing.assert_close(log_prob.exp().sum().item(), 1.0)


def test_grey_values_make_no_likelihood() -> None:
    """The formula applied to grey values integrates to less than 1 over [0, 1]: no density."""
    logits = torch.tensor([[1.5]])
    grey = torch.linspace(0, 1, 1001)[:, None]
    observation = BernoulliObservation(allow_grey=True)
    density = observation.log_prob(logits.expand(1001, 1), grey).exp()
    assert torch.trapezoid(density, grey[:, 0]) < 0.7
    observation.check_values(grey)
    with pytest.raises(ValueError, match=r"x must hold only 0 and 1 .*: binarise it"):
        BernoulliObservation().check_values(grey)
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\], got values from 0 to 2"):
        observation.check_values(2 * grey)
    model = VAE(MLP(2, [], 4), MLP(2, [], 2), 2, allow_grey=True)
    x = torch.full((3, 2), 0.25)
    assert model.loss(x)["loss"].isfinite()
    assert model.likelihood(torch.zeros(3, 2)).log_prob(x).isfinite().all()


def test_the_gaussian_likelihood_integrates_to_one(device: torch.device) -> None:
    std = 0.4
    x = torch.linspace(-6, 6, 2001, device=device)[:, None]
    mu = torch.tensor([[0.7]], device=device).expand(2001, 1)
    density = GaussianObservation(std).to(device).log_prob(mu, x).exp()
    torch.testing.assert_close(torch.trapezoid(density, x[:, 0]).item(), 1.0)
    second = torch.trapezoid(density * (x[:, 0] - 0.7).square(), x[:, 0])
    torch.testing.assert_close(second.item(), std**2)


def test_a_learned_std_is_stationary_at_the_residuals_root_mean_square(
    device: torch.device,
) -> None:
    x = 3 * torch.randn(11, 4, device=device)
    model = GaussianObservation("learned").to(device)
    with torch.no_grad():
        model.log_std.copy_(x.square().mean().sqrt().log())
    (gradient,) = torch.autograd.grad(model.log_prob(torch.zeros_like(x), x).sum(), [model.log_std])
    assert gradient.abs() < 1e-9
    assert isinstance(model.log_std, nn.Parameter)
    assert not isinstance(GaussianObservation(0.5).log_std, nn.Parameter)


@pytest.mark.parametrize("likelihood", ["bernoulli", "categorical", "gaussian"])
def test_samples_and_means_follow_the_distribution(
    likelihood: str, device: torch.device, seed: int
) -> None:
    event, n = (2, 3), 20_000
    shape = (V, *event) if likelihood == "categorical" else event
    parameters = torch.randn(shape, device=device)
    options = {"likelihood": likelihood, "num_levels": V, "std": 0.3}
    model = VAE(MLP(event, [], 2), Constant(parameters), 1, **options).to(device)
    drawn = model.sample(n, rng=rng(seed, device))
    assert drawn.shape == (n, *event)
    z = torch.zeros(1, device=device)
    distribution = model.likelihood(z)
    if likelihood == "categorical":
        assert drawn.dtype == torch.int64
        frequencies = torch.nn.functional.one_hot(drawn, V).double()
        assert_mean_close(frequencies, parameters.softmax(0).movedim(0, -1))
        mean = (parameters.softmax(0) * torch.arange(V, device=device)[:, None, None]).sum(0)
        torch.testing.assert_close(model.decode_mean(z), mean / (V - 1))
    else:
        assert_mean_close(drawn, distribution.mean)
        variance = (drawn - distribution.mean).square()
        assert_mean_close(variance, distribution.variance)
        torch.testing.assert_close(model.decode_mean(z), distribution.mean)


def test_the_encoder_sees_levels_in_the_unit_interval() -> None:
    x = torch.tensor([[0, 3, V - 1]])
    seen = CategoricalObservation(V).encoder_input(x, torch.float64)
    torch.testing.assert_close(seen, torch.tensor([[0.0, 0.5, 1.0]]))


def test_convolutional_networks_fit_all_likelihoods(device: torch.device) -> None:
    image = (1, 8, 8)
    for likelihood, outputs in (
        ("bernoulli", image),
        ("categorical", (V, *image)),
        ("gaussian", image),
    ):
        decoder = ConvDecoder(L, outputs, (6, 5))
        model = VAE(ConvEncoder(image, [4], 2 * L), decoder, L, likelihood=likelihood, num_levels=V)
        drawn = model.to(device).sample(2)
        assert drawn.shape == (2, *image)
        assert model.log_prob_bound(drawn, num_samples=3).shape == (2,)
        assert model.reconstruct(drawn).shape == (2, *image)


BAD = [
    (CategoricalObservation(3), torch.tensor([[0, 3]]), ValueError, r"x must lie in \[0, 2\], got"),
    (CategoricalObservation(3), torch.tensor([[-1, 2]]), ValueError, "got values from -1 to 2"),
    (CategoricalObservation(3), torch.tensor([[0.0]]), TypeError, "x must be an integer tensor"),
    (CategoricalObservation(3), torch.tensor([[1]]).int(), TypeError, "x must be an int64 tensor"),
    (GaussianObservation(1.0), torch.tensor([[math.inf]]), ValueError, "0 NaN and 1 infinite"),
    (GaussianObservation(1.0), torch.tensor([[1]]), TypeError, "x must be a floating-point tensor"),
]


@pytest.mark.parametrize(("observation", "x", "error", "match"), BAD)
def test_bad_values(
    observation: Observation, x: Tensor, error: type[Exception], match: str
) -> None:
    def door() -> None:
        observation.check_type(x)
        observation.check_values(x)

    with pytest.raises(error, match=match):
        door()
