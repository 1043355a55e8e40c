"""The VAE chapter's own lines: the prior that is fitted afterwards, and free bits."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn
from torch.distributions import MultivariateNormal

from benchmarks.record import RESULTS
from helpers.models import GaussianMixture
from helpers.random import seeded
from tests.chapters.cells import BOOK, imported, run_cells
from tests.models.vae_toy import Densities, L, all_binary, toy_vae
from tests.printed import tex
from tests.statistics import assert_mean_close


def fitted_mixture(seed: int) -> GaussianMixture:
    codes = torch.randn(60, L, generator=seeded(seed))
    codes[:25] = 0.6 * codes[:25] + torch.tensor([1.5, -0.7])
    return GaussianMixture(2, prior_examples=2.0).fit(codes, rng=seeded(seed))


def normal(z: torch.Tensor, mean: torch.Tensor, covariance: torch.Tensor) -> torch.Tensor:
    return MultivariateNormal(mean, covariance).log_prob(z).exp()


@pytest.mark.equation("eq-vae-mixture-prior")
def test_the_fitted_prior_is_a_mixture_of_normal_densities(seed: int) -> None:
    """The density that the package fits, and its integral over the plane, which is 1."""
    mixture = fitted_mixture(seed)
    exact = Densities(toy_vae(torch.device("cpu")), all_binary(torch.device("cpu"))[:1])
    density = tex("eq-vae-mixture-prior", statement=1)(
        {"C": 2, "z": exact.z, "pi": mixture.weights, "N_cal": normal},
        m=list(mixture.means),
        S=list(mixture.covariances),
    )
    torch.testing.assert_close(density, mixture.log_prob(exact.z).exp())
    torch.testing.assert_close(exact.integral(density), torch.tensor(1.0), atol=1e-4, rtol=0)


@pytest.mark.equation("eq-vae-mixture-prior")
def test_the_bound_moves_by_the_ratio_of_the_priors(seed: int) -> None:
    """Quadrature of E_q log p(x|z) − KL(q‖p_λ), and the chapter's cell at k = 1."""
    model, x = toy_vae(torch.device("cpu")), all_binary(torch.device("cpu"))
    exact, mixture = Densities(model, x), fitted_mixture(seed)
    log_new = mixture.log_prob(exact.z)
    bounds = []
    for row in range(16):
        names = exact.printed(row)
        printed = tex("eq-vae-mixture-prior")(
            names | {"p_lambda": {"z": log_new.exp()}.__getitem__},
            ELBO=lambda _, row=row: exact.expected_log_likelihood[row] - exact.kl_to_prior[row],
        )
        q = exact.log_q[:, row]
        direct = exact.log_likelihood[:, row] + log_new - q
        torch.testing.assert_close(printed, exact.integral(q.exp() * direct))
        bounds.append(printed)
    names = imported("models/vae") | {
        "levels": {"test": x},
        "seed": seed,
        "device": "cpu",
        "bound_draws": 500,
    }
    cells = run_cells("models/vae", ["prior-measure"], **names)
    repeats = []
    for repeat in range(200):
        cells["seed"] = 1000 * seed + repeat
        repeats.append(cells["nats_with"](mixture, model, 1))
    assert_mean_close(-torch.tensor(repeats).double(), torch.stack(bounds).double().mean())


@pytest.mark.equation("eq-vae-free-bits")
def test_the_chapters_free_bits_are_the_printed_loss(seed: int) -> None:
    """The printed loss at the draws of the cell; one coordinate is below λ and one above."""
    cells = run_cells("models/vae", ["free-bits"], **imported("models/vae"))
    toy = toy_vae(torch.device("cpu"))
    last = toy.encoder.layers[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight[[0, 2]] *= 0.05
        last.bias[[0, 2]] *= 0.05
    model, x = cells["FreeBits"](toy.encoder, toy.decoder, L), all_binary(torch.device("cpu"))
    q = model.posterior(x)
    standard = torch.distributions.Normal(torch.zeros_like(q.mean), 1.0)
    kl = torch.distributions.kl_divergence(
        torch.distributions.Normal(q.mean, q.std), standard
    )  # (16, L)
    assert kl[:, 0].mean() < model.free < kl[:, 1].mean()
    log_lik = model.likelihood(q.rsample(seeded(seed))).log_prob(x)
    printed = tex("eq-vae-free-bits")(
        {"lambda": model.free, "max": lambda a, b: max(a, b)},
        B=16,
        L=L,
        x=list(range(16)),
        z="z",
        p=lambda n, _: log_lik[n].exp(),
        E=lambda value: value,
        KL=[lambda n, j=j: kl[n, j] for j in range(L)],
    )
    torch.testing.assert_close(model.loss(x, rng=seeded(seed))["loss"], printed)


def test_the_recorded_run_is_told_as_it_was() -> None:
    result = json.loads((RESULTS / "mnist_pictures_vae.json").read_text(encoding="utf-8"))
    notebook = (BOOK / "models/vae.ipynb").read_text(encoding="utf-8")
    figures, many = result["figures"], result["figures"]["importance_weighted"]
    for words in (
        f"{result['epochs']} passes in {figures['training_cpu_seconds']} CPU seconds",
        f"{figures['elbo']['nats']:.1f} nats with one draw",
        f"{many['nats']:.1f} ± {many['standard_error']:.1f} with {result['importance_samples']}",
    ):
        assert words in notebook
