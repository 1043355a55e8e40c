"""The latent space of a VAE whose encoder and decoder are linear, so that all is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from helpers.distributions import Gaussian, GaussianLikelihood
from helpers.models import (
    VAE,
    active_units,
    interpolate,
    kl_per_dimension,
    latent_traversal,
)
from helpers.networks import MLP
from tests.printed import tex

D, L, B, S = 6, 3, 5, 4


def linear_vae(device: torch.device) -> VAE:
    return VAE(MLP(D, [], 2 * L), MLP(L, [], D), L, likelihood=GaussianLikelihood()).to(device)


def encode(model: VAE, x: Tensor) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        mu, log_var = model.encoder(x).chunk(2, -1)
    return mu, log_var


def test_interpolation_is_the_straight_line_of_a_linear_decoder(device: torch.device) -> None:
    model = linear_vae(device)
    x0, x1 = torch.randn(2, B, D, device=device)
    path = interpolate(model, x0, x1, S)
    assert path.shape == (B, S, D)
    ends = model.reconstruct(x0), model.reconstruct(x1)
    for i in range(S):
        s = i / (S - 1)
        torch.testing.assert_close(path[:, i], (1 - s) * ends[0] + s * ends[1])


def test_a_traversal_moves_one_dimension(device: torch.device) -> None:
    model = linear_vae(device)
    x, values = torch.randn(1, D, device=device), torch.tensor([-2.0, 0.5, 1.0, 3.0])
    moved = latent_traversal(model, x, values, dimensions=[2, 0])
    assert moved.shape == (2, S, D)
    mu, _ = encode(model, x)
    for row, dimension in enumerate([2, 0]):
        for column, value in enumerate(values.tolist()):
            z = mu.clone()
            z[0, dimension] = value
            torch.testing.assert_close(moved[row, column], model.decode_mean(z)[0])
    everything = latent_traversal(model, x, values)
    assert everything.shape == (L, S, D)
    torch.testing.assert_close(everything[[2, 0]], moved)


@pytest.mark.equation("eq-vae-active-units")
def test_active_units_are_the_variances_of_the_posterior_means(device: torch.device) -> None:
    """The exact variance aᵀ Cov a of a linear encoder's means; a collapsed dimension has 0."""
    model = linear_vae(device)
    layer = model.encoder.layers[-1]
    with torch.no_grad():
        layer.weight[1] = 0  # dimension 1 ignores x: collapsed
    x = torch.randn(40, D, device=device)
    variance = active_units(model, x)
    covariance = torch.cov(x.T)
    a = layer.weight[:L].detach()
    torch.testing.assert_close(variance, torch.einsum("ld,de,le->l", a, covariance, a))
    mu, log_var = encode(model, x)
    points = torch.stack([mu - (log_var / 2).exp(), mu + (log_var / 2).exp()])  # of mean mu
    printed = tex("eq-vae-active-units")
    for j in range(1, L + 1):
        z = points.unbind(-1)  # one table of draws and examples for each dimension
        found = printed(j=j, z=z, E=lambda values: values.mean(0), Var=torch.var)
        torch.testing.assert_close(found, variance[j - 1])
    assert (variance > 0.01).tolist() == [True, False, True]


def test_kl_per_dimension_sums_to_the_kl(device: torch.device) -> None:
    model, x = linear_vae(device), torch.randn(B, D, device=device)
    kl = kl_per_dimension(model, x)
    assert kl.shape == (B, L)
    mu, log_var = encode(model, x)
    torch.testing.assert_close(kl.sum(1), Gaussian(mu, log_var / 2).kl(model.prior()))
    expected = 0.5 * (mu.square() + log_var.exp() - 1 - log_var)
    torch.testing.assert_close(kl, expected)


def test_nothing_is_changed_and_dropout_is_off() -> None:
    model = VAE(MLP(D, [7], 2 * L, dropout=0.5), MLP(L, [7], D, dropout=0.5), L)
    x = torch.ones(2, D)
    for call in (
        lambda: interpolate(model, x, 1 - x, 3),
        lambda: latent_traversal(model, x[:1], torch.zeros(2)),
        lambda: active_units(model, x),
        lambda: kl_per_dimension(model, x),
    ):
        state = torch.get_rng_state()
        first, second = call(), call()
        torch.testing.assert_close(first, second, rtol=0, atol=0)
        assert not first.requires_grad
        assert torch.equal(state, torch.get_rng_state())
        assert model.training


def test_bad_input() -> None:
    model = linear_vae(torch.device("cpu"))
    x = torch.zeros(2, D)
    with pytest.raises(ValueError, match="steps must be an integer of at least 2, got 1"):
        interpolate(model, x, x, 1)
    with pytest.raises(ValueError, match=r"x1 must have shape \(2, 6\), got \(1, 6\)"):
        interpolate(model, x, x[:1], 3)
    with pytest.raises(ValueError, match="x must hold one example, got 2"):
        latent_traversal(model, x, torch.zeros(4))
    with pytest.raises(ValueError, match="x must hold at least 2 examples, got 1"):
        active_units(model, x[:1])
