"""The VAE's equations against quadrature and enumeration, on a model with 16 possible x."""

from __future__ import annotations

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.distributions import Bernoulli, Categorical, GaussianLikelihood
from helpers.models import VAE
from helpers.networks import MLP, ConvDecoder, ConvEncoder
from helpers.objectives import importance_weighted_bound
from helpers.training import fit, gradient_step
from tests.models.vae_toy import D, Densities, L, all_binary, rng, toy_vae, wide_posterior
from tests.printed import tex
from tests.statistics import assert_mean_close


class Table(nn.Module):
    """An encoder that ignores x and returns its parameter, one row for each example: gradients of
    a sum over examples are then one independent estimate a row.
    """

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.rows = nn.Parameter(rows)

    def forward(self, x: Tensor) -> Tensor:
        return self.rows


@pytest.mark.equation("eq-vae-marginal")
def test_the_marginal_likelihood_is_normalised_and_sampled(device: torch.device, seed: int) -> None:
    """Quadrature of ∫ p(x|z) p(z) dz over the latent plane: sums to 1 over all x, and the model's
    samples have these frequencies.
    """
    model, x = toy_vae(device), all_binary(device)
    exact = Densities(model, x)
    printed = tex("eq-vae-marginal", side=1)
    p = torch.stack([printed(exact.printed(row)) for row in range(16)])
    torch.testing.assert_close(p, exact.log_p.exp())
    torch.testing.assert_close(p.sum().item(), 1.0, atol=1e-9, rtol=0)
    drawn = model.sample(200_000, rng=rng(seed, device))
    codes = (drawn @ torch.tensor([8.0, 4.0, 2.0, 1.0], device=device)).long()
    assert_mean_close(F.one_hot(codes, 16).double(), p)


@pytest.mark.equation("eq-vae-elbo")
def test_elbo_terms_estimate_both_integrals(device: torch.device, seed: int) -> None:
    """Quadrature of E_q log p(x|z) and of KL(q‖p) over the latent plane."""
    model, x = toy_vae(device), all_binary(device)
    exact = Densities(model, x)
    n = 5_000
    with torch.no_grad():
        log_likelihood, kl = model.elbo_terms(x.repeat(n, 1), rng=rng(seed, device))
    assert_mean_close(log_likelihood.reshape(n, 16), exact.expected_log_likelihood)
    torch.testing.assert_close(kl[:16], exact.kl_to_prior, atol=1e-6, rtol=0)
    printed = tex("eq-vae-elbo")
    bound = torch.stack([printed(exact.printed(row)) for row in range(16)])
    torch.testing.assert_close(bound, exact.expected_log_likelihood - exact.kl_to_prior)
    assert_mean_close((log_likelihood - kl).reshape(n, 16), bound)
    assert (bound < exact.log_p).all()


@pytest.mark.equation("eq-vae-gap")
def test_the_gap_of_the_bound_is_the_kl_to_the_true_posterior(
    device: torch.device, seed: int
) -> None:
    """Quadrature of log p(x) and of KL(q(z|x)‖p(z|x)), each on its own."""
    model, x = toy_vae(device), all_binary(device)
    exact = Densities(model, x)
    assert exact.kl_to_posterior.mean() > 0.1  # a gap worth the name
    n = 5_000
    with torch.no_grad():
        log_likelihood, kl = model.elbo_terms(x.repeat(n, 1), rng=rng(seed, device))
    elbo = (log_likelihood - kl).reshape(n, 16)
    assert_mean_close(elbo, exact.log_p - exact.kl_to_posterior)
    gap, divergence = tex("eq-vae-gap", side=0), tex("eq-vae-gap", side=1)
    for row in range(16):
        names = exact.printed(row)
        expected = exact.kl_to_posterior[row]
        torch.testing.assert_close(divergence(names), expected)
        assert_mean_close(gap(names, ELBO=lambda _, row=row: elbo[:, row]), expected)


@pytest.mark.equation("eq-vae-posterior")
def test_the_posterior_is_the_encoders_normal_distribution(device: torch.device) -> None:
    """Quadrature of q(z|x): integral 1, mean mu, covariance diag exp log_var of the encoder."""
    model, x = toy_vae(device), all_binary(device)
    exact = Densities(model, x)
    q = exact.log_q.exp()  # (G, B)
    with torch.no_grad():
        output = model.encoder(x)
    mu, variance = output[:, :L], output[:, L:].exp()
    torch.testing.assert_close(exact.integral(q), torch.ones_like(q[0]), atol=1e-6, rtol=0)
    mean = exact.integral(q[..., None] * exact.z[:, None])  # (B, L)
    torch.testing.assert_close(mean, mu, atol=1e-6, rtol=0)
    centred = exact.z[:, None] - mu  # (G, B, L)
    outer = centred[..., :, None] * centred[..., None, :]
    covariance = exact.integral(q[..., None, None] * outer)
    torch.testing.assert_close(covariance, torch.diag_embed(variance), atol=1e-5, rtol=0)
    for row in range(16):
        printed = tex("eq-vae-posterior")(
            N_cal=lambda z, m, c: torch.distributions.MultivariateNormal(m, c).log_prob(z).exp(),
            x=row,
            z=exact.z,
            mu_varphi=mu.__getitem__,
            sigma_varphi=variance.sqrt().__getitem__,
        )
        torch.testing.assert_close(printed, q[:, row])


def linear_gaussian(device: torch.device, rows: Tensor) -> tuple[VAE, Tensor, Tensor]:
    """A VAE with a linear Gaussian decoder, its x, and the analytic gradient of E_q log p(x|z) in
    (mu, log_var): log p(x|z) is a polynomial of degree 2 in z.
    """
    std, features = 0.7, 3
    model = VAE(Table(rows), MLP(L, [], features), L, likelihood=GaussianLikelihood(std)).to(device)
    x = torch.randn(1, features, device=device)
    layer = model.decoder.layers[-1]
    assert isinstance(layer, nn.Linear)
    weight, bias = layer.weight.detach(), layer.bias.detach()
    mu, log_var = rows[0].chunk(2)
    grad_mu = (x[0] - weight @ mu - bias) @ weight / std**2
    grad_log_var = -0.5 * log_var.exp() * weight.square().sum(0) / std**2
    return model, x.expand(len(rows), -1), torch.cat([grad_mu, grad_log_var])


def draws(device: torch.device) -> Tensor:
    return torch.tensor([0.4, -0.9, -0.6, 0.5], device=device).repeat(20_000, 1)


@pytest.mark.equation("eq-vae-reparameterisation")
def test_reparameterised_gradients_are_unbiased(device: torch.device, seed: int) -> None:
    """The analytic gradient of E_q f for f of degree 2, from draws z = mu + std ⊙ eps."""
    model, x, expected = linear_gaussian(device, draws(device))
    log_likelihood, _ = model.elbo_terms(x, rng=rng(seed, device))
    (gradients,) = torch.autograd.grad(log_likelihood.sum(), [model.encoder.rows])
    assert_mean_close(gradients, expected)
    q = model.posterior(x)
    noise = torch.randn(q.mean.shape, generator=rng(seed, device), device=device)
    draw = tex("eq-vae-reparameterisation")
    z = draw(mu=q.mean, sigma=q.std, varepsilon=noise)
    torch.testing.assert_close(z, q.rsample(rng(seed, device)))

    def gradient(z: Tensor) -> Tensor:
        value = model.likelihood(z).log_prob(x).sum()
        return torch.autograd.grad(value, [model.encoder.rows])[0]

    estimate = tex("eq-vae-reparameterisation", statement=2)
    symbols = {"mu": q.mean, "sigma": q.std, "varepsilon": noise}
    found = estimate(symbols, nabla_varphi_f=gradient, E=lambda values: values)
    torch.testing.assert_close(found, gradients)


@pytest.mark.equation("eq-vae-score-function")
def test_score_function_gradients_are_unbiased_and_noisier(device: torch.device, seed: int) -> None:
    """The analytic gradient of E_q f for f of degree 2; the variance beside the other estimate."""
    model, x, expected = linear_gaussian(device, draws(device))
    q = model.posterior(x)
    with torch.no_grad():
        z = q.sample()
        value = model.likelihood(z).log_prob(x)
    (score,) = torch.autograd.grad((value * q.log_prob(z)).sum(), [model.encoder.rows])
    assert_mean_close(score, expected)
    (slope,) = torch.autograd.grad(model.posterior(x).log_prob(z).sum(), [model.encoder.rows])
    for column in range(2 * L):
        printed = tex("eq-vae-score-function")(
            z=z,
            f=lambda z: model.likelihood(z).log_prob(x),
            nabla_varphi_log_q_varphi=lambda _, column=column: slope[:, column],
            E=lambda values: values,
        )
        torch.testing.assert_close(printed, score[:, column])
    log_likelihood, _ = model.elbo_terms(x, rng=rng(seed, device))
    (gradients,) = torch.autograd.grad(log_likelihood.sum(), [model.encoder.rows])
    assert (score.var(0) > 2 * gradients.var(0)).all()


@pytest.mark.equation("eq-vae-beta")
@pytest.mark.parametrize("beta", [0.0, 1.0, 3.5])
def test_the_loss_is_reconstruction_plus_beta_kl(
    device: torch.device, seed: int, beta: float
) -> None:
    """Quadrature of both integrals for the value; a finite difference in beta for its KL."""
    model, x = toy_vae(device, beta=beta), all_binary(device)
    exact = Densities(model, x)
    terms = [model.loss(x, rng=rng(seed + i, device)) for i in range(400)]
    losses = torch.stack([term["loss"].detach() for term in terms])
    expected = (beta * exact.kl_to_prior - exact.expected_log_likelihood).mean()
    assert_mean_close(losses, expected)

    def loss(beta: float) -> Tensor:
        model.beta = beta
        return model.loss(x, rng=rng(seed, device))["loss"].detach()

    printed = tex("eq-vae-beta")
    rows = torch.stack([printed(exact.printed(row), beta=beta) for row in range(16)])
    torch.testing.assert_close(rows.mean(), expected)
    slope = (loss(beta + 0.5) - loss(beta)) / 0.5
    torch.testing.assert_close(slope, exact.kl_to_prior.mean(), atol=1e-6, rtol=0)
    torch.testing.assert_close(terms[0]["kl"], exact.kl_to_prior.mean(), atol=1e-6, rtol=0)
    with_terms = terms[0]["reconstruction"] + beta * terms[0]["kl"]
    torch.testing.assert_close(terms[0]["loss"].detach(), with_terms)


@pytest.mark.equation("eq-vae-iwae")
def test_importance_weights_have_mean_p(device: torch.device, seed: int) -> None:
    """Quadrature of p(x); the proposal is wider than the prior, so that the weights are bounded."""
    model, x = wide_posterior(toy_vae(device)), all_binary(device)
    with torch.no_grad():
        log_weights = model.log_weights(x, num_samples=20_000, rng=rng(seed, device))
    assert log_weights.shape == (20_000, 16)
    assert_mean_close(log_weights.exp(), Densities(model, x).log_p.exp())


@pytest.mark.equation("eq-vae-iwae")
def test_the_bound_is_the_log_of_the_mean_weight(device: torch.device, seed: int) -> None:
    """Densities of torch.distributions at the draws that the model uses, summed one by one."""
    model, x, k = toy_vae(device), all_binary(device)[5:6], 3
    q = model.posterior(x)
    with torch.no_grad():
        bound = model.log_prob_bound(x, num_samples=k, rng=rng(seed, device))
        z = q.mean + q.std * torch.randn(k, 1, L, generator=rng(seed, device), device=device)
        logits = model.decoder(z)
    normal = torch.distributions.Normal
    likelihood = torch.distributions.Bernoulli(logits=logits).log_prob(x).sum(-1).exp()
    prior, posterior = (
        normal(mean, std).log_prob(z).sum(-1).exp() for mean, std in ((0.0, 1.0), (q.mean, q.std))
    )
    printed = tex("eq-vae-iwae")(
        k=k,
        x="x",
        z=[0, 1, 2],
        p=lambda *given: prior[given[0], 0] if len(given) == 1 else likelihood[given[1], 0],
        q=lambda draw, _: posterior[draw, 0],
        E=lambda value: value,
    )
    torch.testing.assert_close(printed, bound[0])


@pytest.mark.equation("eq-vae-iwae")
def test_more_importance_samples_tighten_the_bound(device: torch.device, seed: int) -> None:
    """Quadrature of log p(x) above, and the bounds with k = 1, 5, 50 in this order below it."""
    torch.manual_seed(0)  # one model for all seeds: its bounds differ by more than the noise
    model, x = wide_posterior(toy_vae(device)), all_binary(device)
    log_p = Densities(model, x).log_p.mean()
    n, means, errors = 400, [], []
    for k in (1, 5, 50):
        generator = rng(seed, device)
        bound = model.log_prob_bound(x.repeat(n, 1), num_samples=k, rng=generator)
        rounds = bound.reshape(n, 16).mean(1)
        means.append(rounds.mean())
        errors.append(rounds.std() / math.sqrt(n))
    gaps = [log_p - mean for mean in means]
    assert gaps[0] > gaps[1] + 5 * (errors[0] + errors[1])
    assert gaps[1] > gaps[2] + 5 * (errors[1] + errors[2])
    assert gaps[2] > -5 * errors[2]
    many = model.log_prob_bound(x, num_samples=50_000, rng=rng(seed, device)).mean()
    torch.testing.assert_close(many, log_p, atol=0.02, rtol=0)


def test_the_iwae_loss_is_minus_the_bound_with_its_gradient(
    device: torch.device, seed: int
) -> None:
    model, x = toy_vae(device), all_binary(device)
    parameters = list(model.parameters())
    terms = model.loss(x, num_samples=6, rng=rng(seed, device))
    weights = model.log_weights(x, num_samples=6, rng=rng(seed, device))
    expected = -(weights.exp().mean(0).log()).mean()
    torch.testing.assert_close(terms["loss"], expected)
    gradients = torch.autograd.grad(terms["loss"], parameters)
    torch.testing.assert_close(gradients, torch.autograd.grad(expected, parameters))
    exact = Densities(model, x)
    rates = [model.loss(x, num_samples=7, rng=rng(seed + i, device))["kl"] for i in range(100)]
    assert_mean_close(torch.stack(rates), exact.kl_to_prior.mean())
    many = model.loss(x.repeat(300, 1), num_samples=7, rng=rng(seed, device))
    expected_reconstruction = -exact.expected_log_likelihood.mean()
    torch.testing.assert_close(many["reconstruction"], expected_reconstruction, atol=0.1, rtol=0)


def test_only_the_loss_carries_a_graph(device: torch.device) -> None:
    model, x = toy_vae(device), all_binary(device)
    for k in (1, 3):
        terms = model.loss(x, num_samples=k)
        assert {name for name, term in terms.items() if term.requires_grad} == {"loss"}
        assert all(term.shape == () for term in terms.values())
        terms["loss"].backward()
        assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())


@pytest.mark.parametrize("likelihood", ["bernoulli", "categorical", "gaussian"])
def test_elbo_terms_and_weights_are_their_distributions_log_probs(
    device: torch.device, seed: int, likelihood: str
) -> None:
    """Of images, for each likelihood; the two log densities of z by torch.distributions."""
    event, batch, k = (2, 3, 5), 4, 6
    make, outputs, x = {
        "bernoulli": (Bernoulli, event, torch.randint(2, (batch, *event)).double()),
        "categorical": (Categorical, (7, *event), torch.randint(7, (batch, *event))),
        "gaussian": (GaussianLikelihood(0.3, learned=True), event, torch.randn(batch, *event)),
    }[likelihood]
    networks = MLP(event, [8], 2 * L), MLP(L, [9], outputs)
    model, x = VAE(*networks, L, likelihood=make).to(device), x.to(device)
    q = model.posterior(x)
    eps = torch.randn(k, batch, L, generator=rng(seed, device), device=device)
    weights = model.log_weights(x, num_samples=k, rng=rng(seed, device))
    for row, noise in zip(weights, eps, strict=True):
        z = q.mean + q.std * noise
        log_q = torch.distributions.Normal(q.mean, q.std).log_prob(z).sum(1)
        log_prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
        torch.testing.assert_close(row, model.likelihood(z).log_prob(x) + log_prior - log_q)
    log_likelihood, kl = model.elbo_terms(x, rng=rng(seed, device))
    z = q.rsample(rng(seed, device))
    torch.testing.assert_close(log_likelihood, model.likelihood(z).log_prob(x))
    torch.testing.assert_close(kl, q.kl(model.prior()))


def test_the_encoder_sees_levels_in_the_unit_interval() -> None:
    seen = []
    encoder = MLP(3, [], 2 * L)
    encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model = VAE(encoder, MLP(L, [], (7, 3)), L, likelihood=Categorical)
    for dtype in (torch.uint8, torch.int32, torch.int64):
        model.posterior(torch.tensor([[0, 3, 6]], dtype=dtype))
        torch.testing.assert_close(seen.pop(), torch.tensor([[0.0, 0.5, 1.0]]))
    means = model.decode_mean(torch.zeros(1, L))
    torch.testing.assert_close(means, model.likelihood(torch.zeros(1, L)).mean / 6)


def test_convolutional_networks_fit_all_likelihoods(device: torch.device) -> None:
    image = (1, 8, 8)
    for likelihood, outputs in ((Bernoulli, None), (Categorical, 5), (GaussianLikelihood(), None)):
        decoder = ConvDecoder(L, (outputs, *image) if outputs else image, (6, 5))
        model = VAE(ConvEncoder(image, [4], 2 * L), decoder, L, likelihood=likelihood).to(device)
        drawn = model.sample(2)
        assert drawn.shape == (2, *image)
        assert model.log_prob_bound(drawn, num_samples=3).shape == (2,)
        assert model.reconstruct(drawn).shape == (2, *image)


@pytest.mark.parametrize("autocast", [False, True])
def test_half_precision_loses_no_nats(autocast: bool, seed: int) -> None:
    """The bound of a model in bfloat16 is that of its weights in double precision."""
    torch.manual_seed(seed)
    features = 64
    model = VAE(MLP(features, [16], 2 * L), MLP(L, [16], features), L).bfloat16().double()
    x = torch.randint(2, (200, features)).double()
    with torch.no_grad():
        exact = [term.mean() for term in model.elbo_terms(x, rng=rng(seed, x.device))]
        narrow = copy.deepcopy(model).float() if autocast else copy.deepcopy(model).bfloat16()
        x = x.float() if autocast else x.bfloat16()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            found = narrow.elbo_terms(x, rng=rng(seed, x.device))
            terms = narrow.loss(x, rng=rng(seed, x.device))
            weights = narrow.log_weights(x, num_samples=3, rng=rng(seed, x.device))
    assert all(value.dtype == torch.float32 for value in (*found, *terms.values(), weights))
    torch.testing.assert_close(found[0].mean().double(), exact[0], rtol=0.01, atol=0)
    torch.testing.assert_close(found[1].mean().double(), exact[1], rtol=0.05, atol=0)


def test_nothing_on_an_accelerator_is_read() -> None:
    """On the meta device, which has no values, the loss has its graph all the same."""
    kinds = [(Bernoulli, D, float), (Categorical, (7, D), int), (GaussianLikelihood(), D, float)]
    for likelihood, outputs, kind in kinds:
        model = VAE(MLP(D, [8], 2 * L), MLP(L, [8], outputs), L, likelihood=likelihood).to("meta")
        x = torch.zeros(5, D, device="meta", dtype=torch.float64 if kind is float else torch.int64)
        for k in (1, 3):
            model.loss(x, num_samples=k)["loss"].backward()


def test_the_type_comes_from_the_networks() -> None:
    networks = MLP(D, [8], 2 * L).float(), MLP(L, [8], D).float()
    model = VAE(*networks, L)
    assert model.sample(2).dtype == torch.float32
    assert model.prior().mean.dtype == torch.float32
    assert model.double().sample(2).dtype == torch.float64


def test_the_bound_is_the_same_for_any_chunk(device: torch.device, seed: int) -> None:
    model, x = toy_vae(device), all_binary(device)[:3]
    generator = rng(seed, device)
    chunks = [model.log_weights(x, num_samples=k, rng=generator) for k in (2, 2, 1)]
    expected = importance_weighted_bound(torch.cat(chunks))
    bound = model.log_prob_bound(x, num_samples=5, rng=rng(seed, device), chunk=7)
    torch.testing.assert_close(bound, expected)
    generator = rng(seed, device)
    parts = [model.log_weights(part, num_samples=1, rng=generator) for part in x.split(2)]
    bound = model.log_prob_bound(x, num_samples=1, rng=rng(seed, device), chunk=2)
    torch.testing.assert_close(bound, torch.cat(parts, 1)[0])
    assert not bound.requires_grad


def test_evaluation_ignores_dropout_and_training_does_not(seed: int) -> None:
    model = VAE(MLP(D, [8], 2 * L, dropout=0.5), MLP(L, [9], D, dropout=0.5), L)
    x = all_binary(torch.device("cpu"))

    def bound() -> Tensor:
        return model.log_prob_bound(x, num_samples=3, rng=rng(seed, x.device))

    torch.testing.assert_close(bound(), bound(), rtol=0, atol=0)
    torch.testing.assert_close(model.reconstruct(x), model.reconstruct(x), rtol=0, atol=0)
    assert model.training
    first, second = (model.loss(x, rng=rng(seed, x.device))["loss"] for _ in range(2))
    assert first != second


def test_samples_are_draws_and_means_are_means(device: torch.device, seed: int) -> None:
    model = toy_vae(device)
    drawn = model.sample(50, rng=rng(seed, device))
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    z = torch.randn(2, 3, 5, L, device=device)
    expected = model.likelihood(z.reshape(30, L)).mean.reshape(2, 3, 5, D)
    torch.testing.assert_close(model.decode_mean(z), expected)
    x = all_binary(device)
    with torch.no_grad():
        mu = model.encoder(x)[:, :L]
    torch.testing.assert_close(model.reconstruct(x), model.decode_mean(mu))


def test_samples_start_from_the_prior(device: torch.device, seed: int) -> None:
    """Through a linear decoder, x = W z + noise: its variance is that of W z plus the noise's."""
    model = VAE(MLP(3, [], 2 * L), MLP(L, [], 3), L, likelihood=GaussianLikelihood(0.1)).to(device)
    layer = model.decoder.layers[-1]
    drawn = model.sample(20_000, rng=rng(seed, device))
    expected = layer.weight.detach().square().sum(1) + 0.1**2
    assert_mean_close((drawn - layer.bias.detach()).square(), expected)


def test_learns_a_distribution_to_within_its_entropy(device: torch.device, seed: int) -> None:
    """Two patterns with probability ½: no model does better than log 2 nats on average."""
    torch.manual_seed(seed)
    encoder, decoder = MLP(D, [16], 2 * L), MLP(L, [16], D)
    model = VAE(encoder, decoder, L).to(device)
    x = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]], device=device)
    step = gradient_step(model, torch.optim.Adam(model.parameters(), 0.02))
    fit(step, [x.repeat(32, 1)] * 200, epochs=1, progress=False)
    nll = -Densities(model, x).log_p.mean()
    assert math.log(2) <= nll < math.log(2) + 0.4  # independent pixels: 4 log 2, 2.1 nats more


def zeros(*shape: int) -> Tensor:
    return torch.zeros(*shape, dtype=torch.float64)  # while tests are collected, float32 is default


INPUTS = [
    (zeros(5, 3), ValueError, r"x must have shape \(B, 4\), got \(5, 3\)"),
    (zeros(5, 2, 2) + 7, ValueError, r"x must have shape \(B, 4\), got \(5, 2, 2\)"),
    (zeros(5, 4).float(), TypeError, "x must have the model's type torch.float64, got"),
    (zeros(5, 4) + 0.5, ValueError, "x must hold only 0 and 1, got values from 0.5 to 0.5"),
    (zeros(5, 4) + 1.5, ValueError, r"x must lie in \[0, 1\], got values from 1.5 to 1.5"),
    (zeros(5, 4) + math.nan, ValueError, "x must be finite, got 20 NaN and 0 infinite"),
]


@pytest.mark.parametrize(("x", "error", "match"), INPUTS)
def test_bad_input(x: Tensor, error: type[Exception], match: str) -> None:
    model = toy_vae(torch.device("cpu"))
    for door in (model.loss, model.elbo_terms, model.posterior, model.reconstruct):
        with pytest.raises(error, match=match):
            door(x)
    for door in (model.log_weights, model.log_prob_bound):
        with pytest.raises(error, match=match):
            door(x, num_samples=2)


def test_bad_calls() -> None:
    model, x = toy_vae(torch.device("cpu")), all_binary(torch.device("cpu"))
    for call in (model.decode_mean, model.likelihood):
        with pytest.raises(ValueError, match=r"z must have shape \(.*, 2\), got \(5, 3\)"):
            call(torch.zeros(5, 3))
    with pytest.raises(ValueError, match="num_samples must be an integer of at least 1, got 0"):
        model.loss(x, num_samples=0)
    for sizes in ({"num_samples": 0}, {"num_samples": 2, "chunk": 0}):
        with pytest.raises(ValueError, match=f"{list(sizes)[-1]} must be an integer of at least 1"):
            model.log_prob_bound(x, **sizes)
    with pytest.raises(ValueError, match=r"beta must be 1 when num_samples > 1, got 0.5"):
        toy_vae(torch.device("cpu"), beta=0.5).loss(x, num_samples=2)
    with pytest.raises(ValueError, match=r"beta must be a number of at least 0, got -1.0"):
        toy_vae(torch.device("cpu"), beta=-1.0)
    short = VAE(MLP(D, [8], L), MLP(L, [8], D), L)
    with pytest.raises(ValueError, match=r"encoder's output must have shape \(16, 4\), got"):
        short.loss(x)
