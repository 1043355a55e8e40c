"""A VAE small enough to know everything about: 4 binary values, 2 latent dimensions."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn

from helpers.models import VAE
from helpers.networks import MLP

D, L = 4, 2


def rng(seed: int, device: torch.device) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def toy_vae(device: torch.device, *, beta: float = 1.0) -> VAE:
    """Weights follow the global generator. Far from initialisation, where KL ≈ 0 hides mistakes."""
    encoder = MLP(D, [8], 2 * L, activation=nn.Tanh)
    decoder = MLP(L, [9], D, activation=nn.Tanh)
    model = VAE(encoder, decoder, L, beta=beta).to(device)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1.2, 1.2)
        # the largest |mu| is 1.5 and the largest |log_var| is 1: the grid holds and resolves q
        limits = torch.tensor([1.5] * L + [1.0] * L, device=device)
        scale = limits / encoder(all_binary(device)).abs().amax(0)  # (2L,)
        encoder.layers[-1].weight.mul_(scale[:, None])
        encoder.layers[-1].bias.mul_(scale)
    return model


def wide_posterior(model: VAE) -> VAE:
    """The same model with q(z|x) = N(0, e I): wider than the prior, so importance weights are
    bounded and their standard error can be trusted.
    """
    last = model.encoder.layers[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor([0.0] * L + [1.0] * L))
    return model


def all_binary(device: torch.device) -> Tensor:
    """All 16 values of x."""
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=D)), device=device)


def latent_grid(device: torch.device) -> tuple[Tensor, float]:
    """Points (G, 2) over the latent plane, and the logarithm of one cell's area."""
    axis = torch.linspace(-12, 12, 161, device=device)
    return torch.cartesian_prod(axis, axis), 2 * math.log((axis[1] - axis[0]).item())


class Densities:
    """By quadrature over the latent plane, for each x: everything the bound is about."""

    @torch.no_grad()
    def __init__(self, model: VAE, x: Tensor) -> None:
        z, self.log_cell = latent_grid(x.device)
        pairs = z.repeat_interleave(len(x), 0), x.repeat(len(z), 1)  # (G·B, …)
        log_likelihood = model.likelihood(pairs[0]).log_prob(pairs[1])
        self.log_likelihood = log_likelihood.reshape(len(z), len(x))
        self.log_prior = model.prior().log_prob(z)[:, None]  # (G, 1)
        self.log_q = model.posterior(x).log_prob(z[:, None])  # (G, B)
        self.z = z

    def integral(self, values: Tensor) -> Tensor:
        return values.sum(0) * math.exp(self.log_cell)

    def printed(self, row: int) -> dict[str, Any]:
        """The symbols of the printed bounds for one x: densities look up the words x and z."""
        x, z = "x", "z"
        likelihood = self.log_likelihood[:, row].exp()
        prior, q = self.log_prior[:, 0].exp(), self.log_q[:, row].exp()
        p_x = self.log_p[row].exp()
        known = {(x,): p_x, (z,): prior, (x, z): likelihood, (z, x): likelihood * prior / p_x}
        return {
            "x": x,
            "z": z,
            "p": lambda *given: known[given],
            "q": lambda *given: {(z, x): q}[given],
            "int": self.integral,
            "E": lambda values: self.integral(q * values),
            "KL": lambda a, b: self.integral(a * (a / b).log()),
        }

    @property
    def log_p(self) -> Tensor:
        """Log p(x) = log ∫ p(x|z) p(z) dz, shape (B,)."""
        return torch.logsumexp(self.log_likelihood + self.log_prior, 0) + self.log_cell

    @property
    def expected_log_likelihood(self) -> Tensor:
        return self.integral(self.log_q.exp() * self.log_likelihood)

    @property
    def kl_to_prior(self) -> Tensor:
        return self.integral(self.log_q.exp() * (self.log_q - self.log_prior))

    @property
    def kl_to_posterior(self) -> Tensor:
        log_posterior = self.log_likelihood + self.log_prior - self.log_p
        return self.integral(self.log_q.exp() * (self.log_q - log_posterior))
