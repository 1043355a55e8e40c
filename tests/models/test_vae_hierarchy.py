"""Two levels of latent variables against quadrature over both, on a model with 16 possible x."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from helpers.distributions import Gaussian
from helpers.models import HierarchicalVAE, TwoLevels
from helpers.models.vae_hierarchy import product
from helpers.networks import MLP
from tests.models.vae_toy import D, all_binary, rng
from tests.printed import tex
from tests.statistics import assert_mean_close

CPU = torch.device("cpu")


def toy(device: torch.device) -> HierarchicalVAE:
    """One latent variable a level; weights follow the global generator, far from their start."""
    networks = MLP(D, [8], 4), MLP(1, [7], 2), MLP(2, [9], D)
    model = HierarchicalVAE(*networks, (1, 1)).to(device)
    with torch.no_grad():
        for network, limit in zip(networks, (1.0, 0.8, 1.5)):
            for parameter in network.parameters():
                parameter.uniform_(-limit, limit)
        # The largest |mu| and |log_var| are 1: the grid holds and resolves each q.
        last = networks[0].layers[-1]
        assert isinstance(last, nn.Linear)
        scale = model.encoder(all_binary(device)).abs().amax(0).reciprocal()
        last.weight.mul_(scale[:, None])
        last.bias.mul_(scale)
    return model


class Grid:
    """Everything by quadrature over the plane (z₂, z₁), with the densities of torch alone."""

    @torch.no_grad()
    def __init__(self, model: HierarchicalVAE, x: Tensor) -> None:
        axis = torch.linspace(-9, 9, 241, device=x.device)
        self.step = (axis[1] - axis[0]).item()
        self.axis, side = axis, len(axis)
        pair = torch.cartesian_prod(axis, axis)
        mu, log_var = model.top_down(axis[:, None]).unbind(-1)
        normal = torch.distributions.Normal
        low = normal(mu[:, None], (0.5 * log_var).exp()[:, None])
        self.p2 = normal(0.0, 1.0).log_prob(axis).exp()  # (G,)
        self.p1 = low.log_prob(axis).exp()  # (G, G): p(z1|z2), z2 by rows
        logits = model.decoder(pair)
        bernoulli = torch.distributions.Bernoulli(logits=logits)
        joint = [bernoulli.log_prob(row).sum(-1).exp().reshape(side, side) for row in x]
        self.likelihood = torch.stack(joint)  # (B, G, G)
        output = model.encoder(x)
        self.q2 = normal(output[:, :1], (0.5 * output[:, 1:2]).exp()).log_prob(axis).exp()
        evidence = normal(output[:, 2:3], (0.5 * output[:, 3:]).exp()).log_prob(axis).exp()
        q1 = self.p1 * evidence[:, None]  # Bayes' rule on the grid, not the product's formula
        self.q1 = q1 / (q1.sum(-1, keepdim=True) * self.step)  # (B, G, G)

    @property
    def log_p(self) -> Tensor:
        values = self.likelihood * self.p1 * self.p2[:, None]
        return (values.sum((1, 2)) * self.step**2).log()

    @property
    def expected_log_likelihood(self) -> Tensor:
        q = self.q1 * self.q2[..., None]
        return (q * self.likelihood.log()).sum((1, 2)) * self.step**2

    @property
    def kl_top(self) -> Tensor:
        return torch.xlogy(self.q2, self.q2 / self.p2).sum(1) * self.step

    @property
    def kl_low(self) -> Tensor:
        """KL(q(z₁|z₂, x)‖p(z₁|z₂)) for each x and z₂, (B, G)."""
        return torch.xlogy(self.q1, self.q1 / self.p1).nan_to_num().sum(-1) * self.step


def test_the_likelihood_is_normalised_and_the_bound_below_it(
    device: torch.device, seed: int
) -> None:
    """Quadrature of p(x), which sums to 1 over all x; the bounds with 1 and 5 draws in order."""
    model, x = toy(device), all_binary(device)
    log_p = Grid(model, x).log_p
    torch.testing.assert_close(log_p.exp().sum().item(), 1.0, atol=1e-6, rtol=0)
    n = 10_000
    with torch.no_grad():
        log_likelihood, kl = model.elbo_terms(x.repeat(n, 1), rng=rng(seed, device))
    elbo = (log_likelihood - kl).reshape(n, 16).mean(0)
    assert (elbo < log_p).all()
    five = model.log_prob_bound(x.repeat(n, 1), num_samples=5, rng=rng(seed, device))
    assert elbo.mean() < five.mean() < log_p.mean()


def test_importance_weights_have_mean_p(device: torch.device, seed: int) -> None:
    """Quadrature of p(x); q is wide, so that the standard error of the weights can be trusted."""
    model, x = toy(device), all_binary(device)
    last = model.encoder.layers[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor([0.1, 1.0, 0.3, 3.0]))
        weights = model.log_weights(x, num_samples=20_000, rng=rng(seed, device)).exp()
    assert_mean_close(weights, Grid(model, x).log_p.exp())


@pytest.mark.equation("eq-vae-hierarchy")
def test_the_bound_has_a_divergence_for_each_level(device: torch.device, seed: int) -> None:
    """Quadrature of all three terms over both levels, with Bayes' rule on the grid for q(z₁|z₂)."""
    model, x = toy(device), all_binary(device)
    exact, n = Grid(model, x), 5_000
    levels = model.kl_levels(x.repeat(n, 1), rng=rng(seed, device)).reshape(2, n, 16)
    torch.testing.assert_close(levels[0, 0], exact.kl_top, atol=1e-6, rtol=0)
    kl_low = (exact.q2 * exact.kl_low).sum(1) * exact.step
    assert kl_low.min() > 0.01
    assert_mean_close(levels[1], kl_low)
    with torch.no_grad():
        log_likelihood, kl = model.elbo_terms(x.repeat(n, 1), rng=rng(seed, device))
    elbo = exact.expected_log_likelihood - exact.kl_top - kl_low
    assert_mean_close((log_likelihood - kl).reshape(n, 16), elbo)
    for row in (0, 5, 11):
        names = hierarchy(exact, row)
        torch.testing.assert_close(tex("eq-vae-hierarchy")(names), elbo[row])


def hierarchy(exact: Grid, row: int) -> dict[str, Any]:
    """The symbols of the printed bound for one x: densities look up which values they are given."""
    known = {
        ("z2",): exact.p2,
        ("z1", "z2"): exact.p1,
        ("x", "z1", "z2"): exact.likelihood[row],
    }
    posterior = {("z2", "x"): exact.q2[row], ("z1", "z2", "x"): exact.q1[row]}

    def mean(values: Tensor) -> Tensor:
        """Under q(z|x) of values on the plane, under q(z₂|x) of values on the axis."""
        q2 = exact.q2[row]
        q = q2 if values.ndim == 1 else q2[:, None] * exact.q1[row]
        return (q * values).sum() * exact.step**values.ndim

    return {
        "x": "x",
        "z_1": "z1",
        "z_2": "z2",
        "p": lambda *given: known[given],
        "q": lambda *given: posterior[given],
        "E": mean,
        "KL": lambda a, b: torch.xlogy(a, a / b).nan_to_num().sum(-1) * exact.step,
    }


@pytest.mark.equation("eq-vae-ladder")
def test_evidence_and_prior_meet_by_bayes_rule(seed: int) -> None:
    """Quadrature of the normalised product of two normal densities: its mean and variance."""
    z = torch.linspace(-15, 15, 4001)
    generator = rng(seed, CPU)
    mean, log_std = 2 * torch.randn(2, 5, 1, generator=generator), torch.rand(2, 5, 1) - 0.5
    a, b = (Gaussian(m, s) for m, s in zip(mean, log_std))
    density = (-((z - mean) ** 2) / (2 * (2 * log_std).exp())).sum(0).exp()  # (5, G)
    density /= density.sum(1, keepdim=True)
    first = (density * z).sum(1, keepdim=True)
    second = (density * (z - first) ** 2).sum(1, keepdim=True)
    found = product(a, b)
    torch.testing.assert_close(found.mean, first, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.std**2, second, atol=1e-6, rtol=0)
    for row in range(5):
        names = {
            "mu_hat": a.mean[row],
            "sigma_hat": a.std[row],
            "mu_p": b.mean[row],
            "sigma_p": b.std[row],
        }
        variance = tex("eq-vae-ladder")(names)
        torch.testing.assert_close(variance, second[row])
        printed = tex("eq-vae-ladder", statement=1)(names, sigma=variance.sqrt())
        torch.testing.assert_close(printed, first[row])


def test_prior_and_posterior_are_densities_of_what_they_draw(seed: int) -> None:
    """Integral 1 by quadrature; the mean of draws; the most likely levels from the top down."""
    torch.manual_seed(seed)
    model, x = toy(CPU), all_binary(CPU)[6:7]
    exact = Grid(model, x)
    plane = torch.cartesian_prod(exact.axis, exact.axis)
    grids = {"prior": exact.p1 * exact.p2[:, None], "q": exact.q1[0] * exact.q2[0][:, None]}
    for density, two in zip(grids.values(), (model.prior(), model.posterior(x))):
        with torch.no_grad():
            found = two.log_prob(plane).exp().reshape(density.shape)
        torch.testing.assert_close(found, density, atol=1e-6, rtol=0)
        torch.testing.assert_close(found.sum().item() * exact.step**2, 1.0, atol=1e-5, rtol=0)
        expected = torch.stack([(density.sum(1 - i) * exact.axis).sum() for i in range(2)])
        rows = TwoLevels(
            Gaussian(*(v.expand(20_000, 1) for v in (two.top.mean, two.top.log_std))),
            model.top_down,
            two.evidence,
        )
        assert_mean_close(rows.sample(rng(seed, CPU)), expected * exact.step**2)


def test_without_use_of_the_top_it_is_a_vae_with_a_learned_prior(seed: int) -> None:
    """Where q(z₂|x) is the prior and nothing depends on z₂, the first part is 0."""
    model, x = toy(CPU), all_binary(CPU)
    last = model.encoder.layers[-1]
    with torch.no_grad():
        last.weight[:2] = 0
        last.bias[:2] = 0
    levels = model.kl_levels(x, rng=rng(seed, CPU))
    assert (levels[0] == 0).all()
    assert (levels[1] > 0).all()


def test_bad_calls() -> None:
    networks = MLP(D, [8], 6), MLP(1, [7], 2), MLP(2, [9], D)
    with pytest.raises(ValueError, match=r"latents\[1\] must be an integer of at least 1, got 0"):
        HierarchicalVAE(*networks, (1, 0))
    model = HierarchicalVAE(*networks, (1, 1))
    with pytest.raises(ValueError, match=r"encoder's output must have shape \(16, 4\), got"):
        model.loss(all_binary(CPU))
