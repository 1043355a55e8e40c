"""Probabilistic PCA against scipy and scikit-learn, and as the optimum of a linear VAE."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA
from torch import Tensor, nn

from helpers.distributions import GaussianLikelihood
from helpers.models import VAE, ProbabilisticPCA
from helpers.networks import MLP
from tests.models.vae_toy import rng
from tests.printed import tex
from tests.statistics import assert_mean_close

N, D, L = 60, 7, 3


def data(device: torch.device) -> Tensor:
    """Correlated, with 7 different variances, away from the origin."""
    scales = torch.linspace(0.3, 2.0, D, device=device)
    mixing = torch.randn(D, D, device=device)
    return (torch.randn(N, D, device=device) * scales) @ mixing + 3


def linear_vae(model: ProbabilisticPCA) -> VAE:
    """The VAE with the same p(x|z) and, as far as a diagonal q can, its exact posterior."""
    encoder, decoder = MLP(D, [], 2 * L), MLP(L, [], D)
    vae = VAE(encoder, decoder, L, likelihood=GaussianLikelihood(model.std.item()))
    into, out = encoder.layers[-1], decoder.layers[-1]
    assert isinstance(into, nn.Linear)
    assert isinstance(out, nn.Linear)
    with torch.no_grad():
        out.weight.copy_(model.weight)
        out.bias.copy_(model.bias)
        origin = model.posterior(torch.zeros(1, D, device=model.bias.device))
        inverse = origin.covariance_matrix[0] / model.std.square()  # M⁻¹
        into.weight.zero_()
        into.weight[:L] = (inverse @ model.weight.T).to(into.weight)
        into.bias[:L] = origin.mean[0]
        into.bias[L:] = origin.variance[0].log()
    return vae.to(model.bias.device)


@pytest.mark.equation("eq-vae-linear-marginal")
def test_the_marginal_of_the_linear_model_is_normal(device: torch.device, seed: int) -> None:
    """scipy's multivariate normal density N(b, W Wᵀ + σ² I), and the moments of draws."""
    model = ProbabilisticPCA(D, L).fit(data(device)).to(device)
    x = torch.randn(5, D, device=device) + 3
    weight, bias = model.weight.cpu().numpy(), model.bias.cpu().numpy()
    covariance = weight @ weight.T + model.std.item() ** 2 * np.eye(D)
    expected = multivariate_normal(bias, covariance).logpdf(x.cpu().numpy())
    torch.testing.assert_close(model.log_prob(x).cpu(), torch.as_tensor(expected))
    for row, log_p in zip(x.cpu().numpy(), model.log_prob(x).tolist()):
        printed = tex("eq-vae-linear-marginal")(
            N_cal=lambda v, mean, covariance: multivariate_normal(mean, covariance).pdf(v),
            x=row,
            b=bias,
            W=weight,
            s=model.std.item(),
            I=np.eye(D),
        )
        assert np.log(printed) == pytest.approx(log_p)
    drawn = linear_vae(model).sample(20_000, rng=rng(seed, device))
    assert_mean_close(drawn, model.bias)
    centred = drawn - model.bias
    products = centred[:, :, None] * centred[:, None, :]
    assert_mean_close(products, torch.as_tensor(covariance, device=device))


@pytest.mark.equation("eq-vae-linear-marginal")
def test_the_bound_of_the_linear_vae_is_its_log_likelihood(device: torch.device, seed: int) -> None:
    """scipy's density again: at the exact posterior every importance weight is p(x)."""
    x = data(device)
    model = ProbabilisticPCA(D, L).to(device).fit(x)
    vae = linear_vae(model)
    with torch.no_grad():
        weights = vae.log_weights(x, num_samples=4, rng=rng(seed, device))
    weight, bias = model.weight.cpu().numpy(), model.bias.cpu().numpy()
    covariance = weight @ weight.T + model.std.item() ** 2 * np.eye(D)
    expected = multivariate_normal(bias, covariance).logpdf(x.cpu().numpy())
    expected = torch.as_tensor(expected, device=device)
    torch.testing.assert_close(weights, expected.expand(4, N), rtol=1e-6, atol=1e-6)
    reconstruction, kl = vae.elbo_terms(x.repeat(500, 1), rng=rng(seed, device))
    assert_mean_close((reconstruction - kl).detach().reshape(500, N), expected)


@pytest.mark.equation("eq-vae-ppca")
def test_the_closed_form_is_the_maximum_of_the_likelihood(device: torch.device) -> None:
    """sklearn's PCA.score of the same data, and the gradient of the likelihood, which is zero."""
    x = data(device)
    model = ProbabilisticPCA(D, L).to(device).fit(x)
    # sklearn divides the covariance by N − 1; scaling the centred data makes up for it
    numbers = x.cpu().numpy()
    centred = (numbers - numbers.mean(0)) * np.sqrt((N - 1) / N)
    reference = PCA(L).fit(centred)
    torch.testing.assert_close(model.std.item() ** 2, float(reference.noise_variance_))
    levels = np.linalg.eigvalsh(np.cov(numbers.T, bias=True))[::-1]
    variance = tex("eq-vae-ppca", statement=1)({"lambda": levels.tolist()}, D=D, L=L)
    assert variance == pytest.approx(model.std.item() ** 2)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(L, L)))[0]
    weight = tex("eq-vae-ppca")(
        U_L=reference.components_.T,
        Lambda_L=np.diag(levels[:L]),
        s=np.sqrt(variance),
        I=np.eye(L),
        R=turn,
    )
    found = model.weight.cpu().numpy()
    np.testing.assert_allclose(weight @ weight.T, found @ found.T)
    np.testing.assert_allclose(abs(weight @ turn.T), abs(found))  # up to signs
    expected = reference.score_samples(numbers - numbers.mean(0)).mean()
    torch.testing.assert_close(model.log_prob(x).mean().item(), float(expected))
    names = ("weight", "bias", "std")
    free = [getattr(model, name).clone().requires_grad_() for name in names]
    moved = ProbabilisticPCA(D, L)
    for name, value in zip(names, free):
        delattr(moved, name)
        setattr(moved, name, value)
    for gradient in torch.autograd.grad(moved.log_prob(x).mean(), free):
        assert gradient.abs().max() < 1e-8


@pytest.mark.equation("eq-vae-ppca")
def test_a_trained_linear_vae_does_not_exceed_ppca(device: torch.device, seed: int) -> None:
    """The closed-form maximum, reached by gradient ascent on the bound from a random start."""
    x = data(device) / 4
    best = ProbabilisticPCA(D, L).to(device).fit(x).log_prob(x).mean()
    networks = MLP(D, [], 2 * L), MLP(L, [], D)
    vae = VAE(*networks, L, likelihood=GaussianLikelihood(learned=True)).to(device)
    last = vae.encoder.layers[-1]
    with torch.no_grad():
        last.weight[L:].zero_()
    optimizer = torch.optim.Adam(vae.parameters(), 0.03)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.03, total_steps=600)
    generator = rng(seed, device)
    for _ in range(600):
        optimizer.zero_grad()
        vae.loss(x.repeat(2, 1), rng=generator)["loss"].backward()
        optimizer.step()
        scheduler.step()
    log_p = linear_log_prob(vae, x)
    assert log_p <= best + 1e-9
    assert log_p > best - 0.3


def linear_log_prob(vae: VAE, x: Tensor) -> Tensor:
    layer = vae.decoder.layers[-1]
    std = vae.observation.log_std.exp()
    covariance = layer.weight @ layer.weight.T + std.square() * torch.eye(D, device=x.device)
    normal = torch.distributions.MultivariateNormal(layer.bias, covariance)
    return normal.log_prob(x).mean().detach()


def test_the_posterior_follows_bayes_rule(device: torch.device) -> None:
    model = ProbabilisticPCA(D, L).to(device).fit(data(device))
    x, z = torch.randn(5, D, device=device), torch.randn(5, L, device=device)
    with torch.no_grad():
        prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
        mean = z @ model.weight.T + model.bias
        likelihood = torch.distributions.Normal(mean, model.std).log_prob(x).sum(1)
    expected = likelihood + prior - model.log_prob(x)
    torch.testing.assert_close(model.posterior(x).log_prob(z), expected)


def test_samples_have_the_models_moments(device: torch.device, seed: int) -> None:
    model = ProbabilisticPCA(D, L).to(device).fit(data(device))
    drawn = model.sample(20_000, rng=rng(seed, device))
    assert_mean_close(drawn, model.bias)
    centred = drawn - model.bias
    eye = torch.eye(D, device=device)
    covariance = model.weight @ model.weight.T + model.std.square() * eye
    assert_mean_close(centred[:, :, None] * centred[:, None, :], covariance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_model_takes_on_the_type_of_the_data(device: torch.device, dtype: torch.dtype) -> None:
    x = data(device).to(dtype)
    model = ProbabilisticPCA(D, L).float().fit(x)
    assert {value.dtype for value in model.state_dict().values()} == {dtype}
    expected = ProbabilisticPCA(D, L).fit(x.double()).log_prob(x.double())
    torch.testing.assert_close(model.log_prob(x).double(), expected, rtol=1e-4, atol=1e-4)
    assert model.sample(2).dtype == dtype
    with pytest.raises(TypeError, match=f"x must have the model's type {dtype}"):
        model.log_prob(x.half())
    other = ProbabilisticPCA(D, L).to(device, dtype)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.log_prob(x), model.log_prob(x))


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="latent must lie below features = 3, got 3"):
        ProbabilisticPCA(3, 3)
    model = ProbabilisticPCA(D, L)
    with pytest.raises(ValueError, match=r"x must have shape \(B, 7\), got \(5, 6\)"):
        model.log_prob(torch.zeros(5, 6))
    with pytest.raises(ValueError, match="x must hold at least 2 examples, got 1"):
        model.fit(torch.zeros(1, D))
    flat = torch.randn(20, 2) @ torch.randn(2, D)
    with pytest.raises(ValueError, match="x must vary in more than latent = 3 directions"):
        model.fit(flat)
