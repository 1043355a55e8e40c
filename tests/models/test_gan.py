"""The game's losses against plain PyTorch, who gets a gradient, conditions, packing, truncation."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.models.gan import GAN
from helpers.networks import MLP, ConvDiscriminator, ConvGenerator, frozen, spectral_normalisation
from helpers.objectives.adversarial import KINDS
from helpers.objectives.gradient_penalties import gradient_penalty, r1_penalty
from helpers.random import seeded
from tests.statistics import assert_mean_close

B, D, L, K = 6, 4, 3, 5


def make(device: torch.device | str = "cpu", **options: object) -> GAN:
    classes = int(options.get("classes", 0))  # type: ignore[call-overload]
    pack = int(options.get("pack", 1))  # type: ignore[call-overload]
    networks = MLP(L + classes, [7], D), MLP(D * pack, [8], max(1, classes))
    return GAN(*networks, latent=L, **options).to(device)  # type: ignore[arg-type]


def test_the_losses_are_those_of_plain_torch(seed: int, device: torch.device) -> None:
    gan, x = make(device), torch.randn(B, D, device=device)
    terms = gan.discriminator_loss(x, rng=seeded(seed, device))
    z = torch.randn(B, L, generator=seeded(seed, device), device=device)
    real, fake = gan.discriminator(x)[:, 0], gan.discriminator(gan.generator(z))[:, 0]
    expected = F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
    expected = expected + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    torch.testing.assert_close(terms["loss"], expected)
    torch.testing.assert_close(terms["real"], real.mean().detach())
    torch.testing.assert_close(terms["fake"], fake.mean().detach())
    assert terms["penalty"] == 0
    loss = gan.generator_loss(B, rng=seeded(seed, device))["loss"]
    expected = F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_who_gets_a_gradient(kind: str) -> None:
    gan, x = make(kind=kind), torch.randn(B, D)
    gan.discriminator_loss(x, r1=0.1, r2=0.2, gradient_penalty=0.3)["loss"].backward()
    assert all(p.grad is None for p in gan.generator.parameters())
    assert all(p.grad is not None for p in gan.discriminator.parameters())
    gan.zero_grad()
    gan.generator_loss(B, x=x)["loss"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in gan.generator.parameters())


def test_penalties_and_noise_enter_as_stated(seed: int) -> None:
    gan, x, noise = make(), torch.randn(B, D), 0.3
    options = {"r1": 0.7, "r2": 0.4, "gradient_penalty": 1.5, "noise": noise}
    terms = gan.discriminator_loss(x, **options, rng=seeded(seed))
    g = seeded(seed)
    fake = gan.generator(torch.randn(B, L, generator=g)).detach()
    real = x + noise * torch.randn(B, D, generator=g)
    fake = fake + noise * torch.randn(B, D, generator=g)

    def judge(x: Tensor) -> Tensor:
        logits: Tensor = gan.discriminator(x)[:, 0]
        return logits

    penalty = 0.7 * r1_penalty(judge, real).mean() + 0.4 * r1_penalty(judge, fake).mean()
    between = gradient_penalty(judge, real, fake, rng=g).mean()
    torch.testing.assert_close(terms["penalty"], (penalty + 1.5 * between).detach())
    base = F.softplus(-judge(real)).mean() + F.softplus(judge(fake)).mean()
    torch.testing.assert_close(terms["loss"], base + penalty + 1.5 * between)
    g = seeded(seed)
    blurred = gan.generator(torch.randn(B, L, generator=g)) + noise * torch.randn(B, D, generator=g)
    loss = gan.generator_loss(B, noise=noise, rng=seeded(seed))["loss"]
    torch.testing.assert_close(loss, F.softplus(-judge(blurred)).mean())


@pytest.mark.equation("eq-gan-conditional")
def test_the_class_chooses_input_and_logit(seed: int) -> None:
    """Independent answer: one-hot rows and columns picked one example at a time."""
    gan = make(classes=K)
    x, y = torch.randn(B, D), torch.randint(K, (B,), generator=seeded(seed))
    logits = gan.logits(x, y)
    outputs = gan.discriminator(x)
    for i in range(B):
        torch.testing.assert_close(logits[i], outputs[i, y[i]])
    z = torch.randn(B, L)
    made = gan.generate(z, y)
    for i in range(B):
        one_hot = torch.zeros(K)
        one_hot[y[i]] = 1
        torch.testing.assert_close(made[i], gan.generator(torch.cat([z[i], one_hot])))
    asked = gan.sample(B, y=y, rng=seeded(seed))
    drawn = torch.randn(B, L, generator=seeded(seed))
    torch.testing.assert_close(asked, gan.decode(drawn, y))
    gan.discriminator_loss(x, y)["loss"].backward()
    gan.generator_loss(B, y)["loss"].backward()


@pytest.mark.equation("eq-gan-packing")
def test_packed_examples_are_judged_together() -> None:
    """Independent answer: neighbours joined by hand, m at a time."""
    gan, x = make(pack=3), torch.randn(B, D)
    logits = gan.logits(x)
    assert logits.shape == (2,)
    joined = torch.stack([torch.cat([x[0], x[1], x[2]]), torch.cat([x[3], x[4], x[5]])])
    torch.testing.assert_close(logits, gan.discriminator(joined)[:, 0])
    images = GAN(ConvGenerator(L, (1, 8, 8), (4, 3)), ConvDiscriminator((2, 8, 8), (4,)), L, pack=2)
    pictures = torch.randn(4, 1, 8, 8)
    pairs = torch.stack(
        [torch.cat([pictures[0], pictures[1]]), torch.cat([pictures[2], pictures[3]])]
    )
    torch.testing.assert_close(images.logits(pictures), images.discriminator(pairs)[:, 0])
    with pytest.raises(ValueError, match="x must hold a multiple of pack=3 examples, got 5"):
        gan.logits(x[:5])
    assert gan.discriminator_loss(x, r1=1.0)["penalty"] > 0


def test_truncated_latents_have_the_truncated_normal_density(seed: int) -> None:
    gan = GAN(nn.Identity(), MLP(L, [4], 1), L)
    n, c = 20_000, 0.8
    z = gan.sample(n, truncation=c, rng=seeded(seed))
    assert z.abs().max() <= c
    mass = math.erf(c / math.sqrt(2))
    density = math.exp(-(c**2) / 2) / math.sqrt(2 * math.pi)
    assert_mean_close(z.flatten(), 0.0)
    assert_mean_close(z.flatten().square(), 1 - 2 * c * density / mass)
    wide = gan.sample(n, truncation=30.0, rng=seeded(seed))
    torch.testing.assert_close(wide, gan.sample(n, rng=seeded(seed)), rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="truncation must be a number of at least"):
        gan.sample(2, truncation=0.0)


def test_there_is_no_likelihood_and_no_single_loss() -> None:
    gan = make()
    assert not hasattr(gan, "log_prob")
    assert not hasattr(gan, "loss")


def test_samples_are_drawn_in_evaluation_mode(seed: int) -> None:
    network = ConvGenerator(L, (1, 8, 8), (4, 3))
    gan = GAN(network, ConvDiscriminator((1, 8, 8), (4,)), L)
    before = {name: value.clone() for name, value in gan.state_dict().items()}
    one = gan.sample(5, rng=seeded(seed))
    torch.testing.assert_close(one[:1], gan.decode(torch.randn(5, L, generator=seeded(seed))[:1]))
    assert gan.training
    assert all(torch.equal(value, gan.state_dict()[name]) for name, value in before.items())
    assert one.min() >= 0
    assert one.max() <= 1


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="pack must be 1 for a conditional GAN, got 2"):
        make(classes=K, pack=2)
    with pytest.raises(ValueError, match="kind must be one of"):
        make(kind="best")
    gan, conditional, x = make(), make(classes=K), torch.zeros(B, D)
    with pytest.raises(ValueError, match="y must hold classes 0 to 4, got None"):
        conditional.logits(x)
    with pytest.raises(ValueError, match=r"y must lie in \[0, 4\], got values from 5 to 5"):
        conditional.logits(x, torch.full((B,), 5))
    with pytest.raises(ValueError, match=r"y must have shape \(6,\), got \(2,\)"):
        conditional.logits(x, torch.zeros(2, dtype=torch.long))
    with pytest.raises(TypeError, match="y must be an integer tensor"):
        conditional.sample(B, y=torch.zeros(B))
    with pytest.raises(ValueError, match="y must be left out, got classes: the GAN has classes=0"):
        gan.logits(x, torch.zeros(B, dtype=torch.long))
    with pytest.raises(ValueError, match="r1 must be a number of at least 0, got -1"):
        gan.discriminator_loss(x, r1=-1.0)
    with pytest.raises(ValueError, match="x must hold at least one example"):
        gan.discriminator_loss(x[:0])
    with pytest.raises(TypeError, match="x must be a floating-point tensor"):
        gan.discriminator_loss(x.long())
    with pytest.raises(ValueError, match=r"z must have shape \(B, 3\), got \(6, 4\)"):
        gan.generate(x)
    wrong = GAN(MLP(L, [4], D), MLP(D, [4], 2), L)
    with pytest.raises(ValueError, match=r"discriminator's output must have shape \(6, 1\)"):
        wrong.logits(x)


# ---- the networks -----------------------------------------------------------------------------


def test_resolution_doubles_up_to_the_image() -> None:
    network = ConvGenerator(L, (1, 16, 8), (6, 5, 4))
    shapes = []
    for layer in network.layers:
        layer.register_forward_hook(lambda layer, x, y: shapes.append(tuple(y.shape[-2:])))
    network(torch.zeros(2, L))
    sides = [shape for i, shape in enumerate(shapes[1:]) if i == 0 or shape != shapes[i]]
    assert sides == [(4, 2), (8, 4), (16, 8)]
    pointwise = [layer for layer in network.layers if isinstance(layer, nn.ReLU | nn.BatchNorm2d)]
    assert len(pointwise) == 6
    assert not [
        layer
        for layer in ConvGenerator(L, (1, 8, 8), (4, 3), batch_norm=False).modules()
        if isinstance(layer, nn.BatchNorm2d)
    ]


def test_bad_networks() -> None:
    with pytest.raises(ValueError, match=r"image must have sides divisible by 4, got \(1, 6, 8\)"):
        ConvGenerator(L, (1, 6, 8), (4, 4, 4))
    with pytest.raises(ValueError, match="channels must leave at least one pixel"):
        ConvDiscriminator((1, 4, 4), (4, 4, 4))
    with pytest.raises(ValueError, match=r"x must have shape \(B, 1, 8, 8\)"):
        ConvDiscriminator((1, 8, 8), (4,))(torch.zeros(2, 1, 4, 4))
    with pytest.raises(ValueError, match=r"z must have shape \(B, 3\)"):
        ConvGenerator(L, (1, 8, 8), (4,))(torch.zeros(2, 4))


@pytest.mark.equation("eq-gan-spectral")
def test_spectral_normalisation_by_singular_values(seed: int) -> None:
    """Independent answer: singular values by torch.linalg, and slopes between random points."""
    network = spectral_normalisation(MLP(D, [9, 8], 1))
    for _ in range(200):
        network(torch.zeros(2, D))
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1, abs=1e-6)
    network.eval()
    a, b = 3 * torch.randn(2, 500, D)
    slope = (network(a) - network(b))[:, 0].abs() / (a - b).norm(dim=1)
    assert slope.max() <= 1 + 1e-6


def test_a_frozen_network_passes_gradients_and_keeps_everything() -> None:
    network = nn.Sequential(spectral_normalisation(nn.Linear(3, 4)), nn.BatchNorm1d(4))
    network[1].weight.requires_grad_(False)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    needs = [p.requires_grad for p in network.parameters()]
    x = torch.randn(5, 3, requires_grad=True)
    with frozen(network):
        assert not any(p.requires_grad for p in network.parameters())
        network(x).square().sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert all(p.grad is None for p in network.parameters())
    assert needs == [p.requires_grad for p in network.parameters()]
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in before.items())
