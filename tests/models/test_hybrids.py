"""Losses of the hybrids against plain PyTorch, who gets a gradient, what the game constrains."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.distributions import GaussianLikelihood
from helpers.models import VAEGAN, AdversarialAutoencoder
from helpers.networks import MLP
from helpers.random import seeded
from tests.printed import tex
from tests.statistics import assert_mean_close

B, D, L, M = 6, 5, 3, 4


def autoencoder(device: torch.device | str = "cpu", std: float = 1.0) -> AdversarialAutoencoder:
    networks = MLP(D, [7], L), MLP(L, [8], D), MLP(L, [9], 1)
    likelihood = GaussianLikelihood(std, learned=True)
    return AdversarialAutoencoder(*networks, L, likelihood=likelihood).to(device)


def vaegan(device: torch.device | str = "cpu", **options: float) -> VAEGAN:
    networks = MLP(D, [7], 2 * L), MLP(L, [8], D), MLP(D, [9], M), MLP(M, [], 1)
    return VAEGAN(*networks, L, **options).to(device)


def binary_cross_entropy(logits: Tensor, label: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def moved(model: nn.Module, loss: Tensor) -> set[str]:
    """Names of the parts of which at least one parameter gets a gradient."""
    names = set()
    for name, part in model.named_children():
        own = list(part.parameters())
        if own:
            gradients = torch.autograd.grad(loss, own, retain_graph=True, allow_unused=True)
            if any(g is not None and bool(g.abs().sum() > 0) for g in gradients):
                names.add(name)
    return names


@pytest.mark.equation("eq-hybrids-autoencoder")
def test_reconstruction_is_a_normal_density(seed: int, device: torch.device) -> None:
    """torch.distributions.Normal, summed over the dimensions by hand."""
    model, x = autoencoder(device, std=0.3), torch.randn(B, D, device=device)
    normal = torch.distributions.Normal(model.decoder(model.encoder(x)), 0.3)
    expected = -sum(normal.log_prob(x)[:, d] for d in range(D)).mean()  # type: ignore[union-attr]
    loss = model.reconstruction_loss(x)["loss"]
    torch.testing.assert_close(loss, expected)
    assert moved(model, loss) == {"encoder", "decoder", "observation"}
    printed = tex("eq-hybrids-autoencoder")(
        {"I": torch.eye(D, device=device), "E_x": torch.mean},
        N_cal=lambda x, m, c: torch.distributions.MultivariateNormal(m, c).log_prob(x).exp(),
        f=model.encoder,
        g=model.decoder,
        s=0.3,
        x=x,
    )
    torch.testing.assert_close(printed, expected)


@pytest.mark.equation("eq-hybrids-latent-game")
def test_the_game_of_codes_is_a_classifier(seed: int, device: torch.device) -> None:
    """Binary cross-entropy of torch with the label 1 for draws of the prior and 0 for codes."""
    model, x = autoencoder(device), torch.randn(B, D, device=device)
    terms = model.discriminator_loss(x, rng=seeded(seed, device))
    z = torch.randn(B, L, generator=seeded(seed, device), device=device)
    prior, codes = model.discriminator(z), model.discriminator(model.encoder(x))
    expected = binary_cross_entropy(prior, 1) + binary_cross_entropy(codes, 0)
    torch.testing.assert_close(terms["loss"], expected)
    torch.testing.assert_close(terms["prior"], prior.mean().detach())
    torch.testing.assert_close(terms["codes"], codes.mean().detach())
    assert moved(model, terms["loss"]) == {"discriminator"}
    loss = model.encoder_loss(x)["loss"]
    torch.testing.assert_close(loss, binary_cross_entropy(codes, 1))
    names = {
        "D": lambda z: model.discriminator(z)[:, 0].sigmoid(),
        "E": torch.mean,
        "f": model.encoder,
        "p": lambda z: z,
        "x": x,
        "z": z,
    }
    printed = [tex("eq-hybrids-latent-game", statement=k)(names) for k in (0, 1)]
    torch.testing.assert_close(printed, [expected, binary_cross_entropy(codes, 1)])
    assert moved(model, loss) == {"encoder", "discriminator"}


def test_the_game_pushes_codes_towards_the_prior() -> None:
    """A linear encoder of a normal x can reach N(0, 1) exactly, and gets near in a short game."""
    torch.manual_seed(0)
    encoder = nn.Linear(1, 1)
    with torch.no_grad():
        encoder.weight.fill_(0.3)
        encoder.bias.fill_(1.5)
    networks = encoder, nn.Linear(1, 1), MLP(1, [32, 32], 1)
    model = AdversarialAutoencoder(*networks, 1, likelihood=GaussianLikelihood())
    players = [
        (model.discriminator_loss, torch.optim.Adam(model.discriminator.parameters(), 3e-3)),
        (model.encoder_loss, torch.optim.Adam(encoder.parameters(), 2e-2, betas=(0.5, 0.9))),
    ]
    tail = []
    for number in range(500):
        for loss, optimizer in players:
            optimizer.zero_grad()
            loss(torch.randn(256, 1))["loss"].backward()  # type: ignore[operator]
            optimizer.step()
        if number >= 300:
            tail.append([encoder.weight.abs().item(), encoder.bias.item()])
    scale, shift = torch.tensor(tail).mean(0).tolist()
    assert abs(scale - 1) < 0.2
    assert abs(shift) < 0.25


@pytest.mark.equation("eq-hybrids-similarity")
def test_similarity_is_a_normal_density_of_features(seed: int, device: torch.device) -> None:
    """torch.distributions.Normal over the features; its constant drops out against itself."""
    model = vaegan(device, feature_std=0.4)
    x, other = torch.randn(2, B, D, device=device)
    normal = torch.distributions.Normal(model.features(other), 0.4)
    best = torch.distributions.Normal(model.features(x), 0.4)
    expected = (best.log_prob(model.features(x)) - normal.log_prob(model.features(x))).sum(1)
    torch.testing.assert_close(model.similarity(x, other), expected)
    for row in range(B):
        printed = tex("eq-hybrids-similarity")(
            d=lambda v: model.features(v[None])[0], g=lambda z: z, s=0.4, x=x[row], z=other[row]
        )
        torch.testing.assert_close(printed, expected[row])
    assert (model.similarity(x, x) == 0).all()
    with pytest.raises(ValueError, match=r"other must have shape \(6, 5\), got \(1, 5\)"):
        model.similarity(x, other[:1])


@pytest.mark.equation("eq-hybrids-vaegan")
def test_the_three_losses_of_the_vaegan(seed: int, device: torch.device) -> None:
    """The print, with torch's KL of normal distributions and the judge's sigmoid."""
    model = vaegan(device, gamma=0.7, feature_std=0.5)
    x = torch.randn(B, D, device=device)
    mu, log_var = model.encoder(x).chunk(2, 1)
    posterior = torch.distributions.Normal(mu, (0.5 * log_var).exp())
    prior = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    rng = seeded(seed, device)
    eps, drawn = (torch.randn(B, L, generator=rng, device=device) for _ in range(2))
    z = mu + posterior.stddev * eps
    normal = torch.distributions.Normal(model.features(x), 0.5)
    best, found = (normal.log_prob(model.features(v)).sum(1) for v in (x, model.decoder(z)))
    names = {
        "D": lambda v: model.head(model.features(v))[:, 0].sigmoid(),
        "E": torch.mean,
        "KL": lambda q, p: torch.distributions.kl_divergence(q, p).sum(1),
        "S": lambda _: best - found,
        "g": model.decoder,
        "gamma": 0.7,
        "p": lambda _: prior,
        "q": lambda a, b: posterior if (a is z and b is x) else None,
        "x": x,
        "z": z,
        "z_p": drawn,
    }
    methods = {
        "encoder": {"encoder", "decoder", "features"},
        "discriminator": {"features", "head"},
        "decoder": {"encoder", "decoder", "features", "head"},
    }
    for statement, (name, reached) in enumerate(methods.items()):
        loss = getattr(model, f"{name}_loss")(x, rng=seeded(seed, device))["loss"]
        printed = tex("eq-hybrids-vaegan", statement=statement)(names)
        torch.testing.assert_close(loss, printed)
        assert moved(model, loss) == reached


def test_posterior_is_what_the_encoder_says(seed: int) -> None:
    model, x = vaegan(), torch.randn(B, D)
    posterior = model.posterior(x)
    generator = seeded(seed)
    drawn = torch.stack([posterior.sample(generator) for _ in range(4000)])
    mu, log_var = model.encoder(x).detach().chunk(2, 1)
    assert_mean_close(drawn, mu)
    assert_mean_close((drawn - mu).square(), log_var.exp())
    torch.testing.assert_close(model.reconstruct(x), model.decoder(mu).detach())


def test_autoencoder_reconstructs_its_codes() -> None:
    model, x = autoencoder(), torch.randn(B, D)
    torch.testing.assert_close(model.reconstruct(x), model.decoder(model.encode(x)).detach())
    assert model.encode(x).requires_grad
    assert not model.reconstruct(x).requires_grad
    z = model.latents(2, rng=seeded(4))
    torch.testing.assert_close(model.sample(2, rng=seeded(4)), model.decode_mean(z))


@pytest.mark.parametrize("make", [autoencoder, vaegan])
@pytest.mark.parametrize(
    ("x", "error", "match"),
    [
        (torch.zeros(2, D, dtype=torch.int64), TypeError, "x must be a floating-point tensor"),
        (torch.full((2, D), math.nan, dtype=torch.float64), ValueError, r"x must .*finite"),
        (torch.zeros(2, D + 1), ValueError, r"x must have shape \(B, 5\)"),
    ],
)
def test_bad_examples_are_refused(
    make: object, x: Tensor, error: type[Exception], match: str
) -> None:
    model = make()  # type: ignore[operator]
    for loss in (model.discriminator_loss, model.encoder_loss):
        with pytest.raises(error, match=match):
            loss(x)


def test_bad_options_and_networks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"gamma must be a number of at least 0"):
        vaegan(gamma=-0.1)
    with pytest.raises(ValueError, match=r"feature_std must be .*positive"):
        vaegan(feature_std=0.0)
    wide = VAEGAN(MLP(D, [], L), MLP(L, [], D), MLP(D, [], M), MLP(M, [], 2), L)
    with pytest.raises(ValueError, match=r"encoder's output must have shape \(2, 6\)"):
        wide.posterior(torch.zeros(2, D))
    other = VAEGAN(MLP(D, [], 2 * L), MLP(L, [], D), MLP(D, [], M), MLP(M, [], 2), L)
    with pytest.raises(ValueError, match=r"discriminator's output must have shape \(B, 1\)"):
        other.decoder_loss(torch.zeros(2, D))


@pytest.mark.parametrize("make", [autoencoder, vaegan])
def test_nothing_on_an_accelerator_is_read(make: object) -> None:
    """On the meta device, which has no values, each loss has its graph all the same."""
    model = make("meta")  # type: ignore[operator]
    for name in ("reconstruction_loss", "encoder_loss", "decoder_loss", "discriminator_loss"):
        if hasattr(model, name):
            getattr(model, name)(torch.zeros(4, D, device="meta"))["loss"].backward()
