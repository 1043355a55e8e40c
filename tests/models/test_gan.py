"""The game's losses against plain PyTorch, who moves, conditions, packing, truncation."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.models.gan import GAN
from helpers.networks import MLP, ConvDiscriminator, ConvGenerator, spectral_normalisation
from helpers.objectives import KINDS, gradient_penalty, r1_penalty
from helpers.random import seeded
from helpers.training import EMA, fit, players_step
from helpers.training.players import PlayersStep
from tests.printed import Printed, tex
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
    gan.discriminator_loss(x, r1=0.1, gradient_penalty=0.3)["loss"].backward()
    assert all(p.grad is None for p in gan.generator.parameters())
    assert all(p.grad is not None for p in gan.discriminator.parameters())
    gan.zero_grad()
    gan.generator_loss(B)["loss"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in gan.generator.parameters())
    assert all(p.grad is None for p in gan.discriminator.parameters())


def test_penalties_and_noise_enter_as_stated(seed: int) -> None:
    gan, x, noise = make(), torch.randn(B, D), 0.3
    options = {"r1": 0.7, "gradient_penalty": 1.5, "noise": noise}
    terms = gan.discriminator_loss(x, **options, rng=seeded(seed))
    g = seeded(seed)
    fake = gan.generator(torch.randn(B, L, generator=g)).detach()
    real = x + noise * torch.randn(B, D, generator=g)
    fake = fake + noise * torch.randn(B, D, generator=g)

    def judge(x: Tensor) -> Tensor:
        logits: Tensor = gan.discriminator(x)[:, 0]
        return logits

    penalty = 0.7 * r1_penalty(judge, real).mean()
    penalty = penalty + 1.5 * gradient_penalty(judge, real, fake, rng=g).mean()
    torch.testing.assert_close(terms["penalty"], penalty.detach())
    base = F.softplus(-judge(real)).mean() + F.softplus(judge(fake)).mean()
    torch.testing.assert_close(terms["loss"], base + penalty)
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
    *layers, last = gan.discriminator.layers
    printed = tex("eq-gan-conditional", statement=1)(
        W=last.weight,
        b=last.bias,
        h=nn.Sequential(*layers),
        x=x[0],
        y=y[0] + 1,  # counted from 1
    )
    torch.testing.assert_close(logits[0], printed)
    z = torch.randn(B, L)
    made = gan.decode(z, y)
    for i in range(B):
        one_hot = torch.zeros(K)
        one_hot[y[i]] = 1
        torch.testing.assert_close(made[i], gan.generator(torch.cat([z[i], one_hot])))
        printed = tex("eq-gan-conditional")(G=gan.generator, z=z[i], e_y=one_hot)
        torch.testing.assert_close(made[i], printed)
    asked = gan.sample(B, y=y, rng=seeded(seed))
    drawn = torch.randn(B, L, generator=seeded(seed))
    torch.testing.assert_close(asked, gan.decode(drawn, y))
    gan.discriminator_loss(x, y)["loss"].backward()
    gan.generator_loss(B, y)["loss"].backward()


@pytest.mark.equation("eq-gan-packing", frozen="edb5dee6")
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
    with pytest.raises(
        ValueError, match=r"x must hold a multiple of pack=3 .* 5: .*drop_last=True"
    ):
        gan.logits(x[:5])
    assert gan.discriminator_loss(x, r1=1.0)["penalty"] > 0


def test_truncated_latents_have_the_truncated_normal_density(seed: int) -> None:
    gan = GAN(nn.Linear(L, L, bias=False), MLP(L, [4], 1), L)
    nn.init.eye_(gan.generator.weight)
    n, c = 20_000, 0.8
    z = gan.sample(n, truncation=c, rng=seeded(seed))
    assert z.abs().max() <= c
    mass = math.erf(c / math.sqrt(2))
    density = math.exp(-(c**2) / 2) / math.sqrt(2 * math.pi)
    assert_mean_close(z.flatten(), 0.0)
    assert_mean_close(z.flatten().square(), 1 - 2 * c * density / mass)
    wide = gan.sample(n, truncation=30.0, rng=seeded(seed))
    torch.testing.assert_close(wide, gan.sample(n, rng=seeded(seed)), rtol=1e-4, atol=1e-4)


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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_samples_have_the_type_of_the_networks(dtype: torch.dtype) -> None:
    networks = MLP(L + K, [7], D).to(dtype), MLP(D, [8], K).to(dtype)
    gan, y = GAN(*networks, L, classes=K), torch.arange(B, dtype=torch.uint8) % K
    assert gan.sample(2).dtype == gan.latents(2).dtype == dtype
    x = gan.sample(B, y=y)
    torch.testing.assert_close(gan.logits(x, y), gan.logits(x, y.long()))
    assert gan.discriminator_loss(x, y, r1=1.0)["loss"].dtype == dtype
    assert gan.generator_loss(B, y)["loss"].dtype == dtype


BAD = [
    (lambda: make(classes=K, pack=2), ValueError, "pack must be 1 for a conditional GAN, got 2"),
    (lambda: make(kind="best"), ValueError, "kind must be one of 'minimax'"),
    (
        lambda: make(classes=K).generator_loss(B),
        TypeError,
        "y must be a torch.Tensor, got NoneType",
    ),
    (
        lambda: make().logits(torch.zeros(B, D), torch.zeros(B).long()),
        ValueError,
        r"y must lie in \[0, -1\], .*: the GAN has classes=0",
    ),
    (
        lambda: make(classes=K).sample(B, y=torch.full((B,), K)),
        ValueError,
        r"y must lie in \[0, 4\], got values from 5 to 5: the GAN has classes=5",
    ),
    (lambda: make().discriminator_loss(torch.zeros(0, D)), ValueError, "x must hold at least one"),
    (
        lambda: GAN(MLP(L, [4], D), MLP(D, [4], 2), L).logits(torch.zeros(B, D)),
        ValueError,
        r"discriminator's output must have shape \(6, 1\)",
    ),
    (
        lambda: make().discriminator_loss(torch.zeros(B, D).long()),
        TypeError,
        "x must be a floating",
    ),
]


@pytest.mark.parametrize(("call", "error", "match"), BAD)
def test_bad_input(call: Callable[[], object], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


# ---- the step of the game -----------------------------------------------------------------------


def step_of(gan: GAN, lr: float = 0.1, ema: EMA | None = None, **options: Any) -> PlayersStep:
    """Both losses as closures, as the chapter writes them."""
    first, second = (
        torch.optim.SGD(p.parameters(), lr) for p in (gan.discriminator, gan.generator)
    )
    rng = options.pop("rng", None)

    def judge(x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        return gan.discriminator_loss(x, y, rng=rng, **options)

    def deceive(x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        return gan.generator_loss(len(x), y, rng=rng)

    return players_step({"discriminator": (judge, first), "generator": (deceive, second)}, ema=ema)


def descend(weights: list[nn.Parameter], loss: Tensor, player: str, printed: Printed) -> None:
    """The printed update, with a rate of 0.2 and the gradient by autograd."""
    own, other = ("phi", "theta") if player == "D" else ("theta", "phi")
    for weight, gradient in zip(weights, torch.autograd.grad(loss, weights)):
        places = {own: weight.data, other: torch.zeros(())}

        def slope(phi: Tensor, theta: Tensor, g: Tensor = gradient) -> Tensor:
            assert (phi if player == "D" else theta).shape == g.shape
            return g

        weight.data = printed({**places, f"alpha_{player}": 0.2, f"nabla_{own}_L_{player}": slope})


@pytest.mark.equation("eq-gan-steps")
def test_one_step_by_hand(seed: int, device: torch.device) -> None:
    """Independent answer: both updates recomputed with autograd.grad, first D, then G."""
    gan, x = make(device), torch.randn(B, D, device=device)
    hand = copy.deepcopy(gan)
    terms = step_of(gan, 0.2, rng=seeded(seed, device))(x)
    rng = seeded(seed, device)
    z = torch.randn(B, L, generator=rng, device=device)
    weights = list(hand.discriminator.parameters())
    fake = hand.generator(z).detach()
    loss = -torch.sigmoid(hand.discriminator(x)).log().mean()
    loss = loss - (1 - torch.sigmoid(hand.discriminator(fake))).log().mean()
    torch.testing.assert_close(terms["discriminator"], loss.detach())
    descend(weights, loss, "D", tex("eq-gan-steps"))
    z = torch.randn(B, L, generator=rng, device=device)
    weights = list(hand.generator.parameters())
    loss = -torch.sigmoid(hand.discriminator(hand.generator(z))).log().mean()
    torch.testing.assert_close(terms["generator"], loss.detach())
    descend(weights, loss, "G", tex("eq-gan-steps", statement=1))
    for name, value in hand.state_dict().items():
        torch.testing.assert_close(gan.state_dict()[name], value)


@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_one_player_moves_and_the_other_is_bit_equal(player: str) -> None:
    generator = ConvGenerator(L, (1, 8, 8), (4, 3))  # batch normalisation has running statistics
    discriminator = spectral_normalisation(ConvDiscriminator((1, 8, 8), (4, 5)))  # and this too
    gan = GAN(generator, discriminator, L)
    step = step_of(gan)
    step.players = {player: step.players[player]}
    before = copy.deepcopy(gan.state_dict())
    step(torch.rand(B, 1, 8, 8))
    moved = {
        name for name, value in gan.state_dict().items() if not torch.equal(value, before[name])
    }
    assert moved
    assert all(name.startswith(player) for name in moved)


def test_terms_and_classes_and_the_average() -> None:
    gan = make(classes=K)
    ema = EMA(gan.generator, 0.75)
    start = ema.state_dict()
    terms = step_of(gan, ema=ema, r1=0.1)(torch.randn(B, D), torch.randint(K, (B,)))
    further = {f"discriminator {term}" for term in ("real", "fake", "penalty")}
    assert set(terms) == {"discriminator", "generator"} | further
    assert not any(term.requires_grad for term in terms.values())
    assert terms["discriminator penalty"] > 0
    for name, value in gan.generator.named_parameters():
        expected = 0.75 * start[name] + 0.25 * value.detach()
        torch.testing.assert_close(ema.state_dict()[name], expected)


def test_a_step_reads_no_value() -> None:
    """Tensors without values stand for those of an accelerator, whose queue a look would stall."""
    gan = make().to("meta")
    step = step_of(gan, ema=EMA(gan.generator, 0.9), r1=0.1, gradient_penalty=0.2, noise=0.3)
    assert step(torch.zeros(B, D, device="meta"))["generator"].device.type == "meta"


def test_the_same_seed_gives_the_same_samples(seed: int) -> None:
    samples = []
    for _ in range(2):
        torch.manual_seed(seed)
        gan, x = make(), torch.randn(B, D)
        step = step_of(gan, noise=0.1, rng=seeded(seed))
        before = torch.get_rng_state()
        for _ in range(3):
            step(x)
        samples.append(gan.sample(9, rng=seeded(seed)))
        assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(*samples)


def test_a_rest_of_one_example_is_named_with_its_remedy() -> None:
    """65 rows in batches of 64; batch normalisation or packing cannot use a rest of one."""
    x = torch.randn(65, D)
    normalised = nn.Sequential(nn.Linear(L, 6), nn.BatchNorm1d(6), nn.Linear(6, D))
    for gan in (GAN(normalised, MLP(D, [8], 1), L), make(pack=2)):
        with pytest.raises(ValueError, match=r"got 1: Batches\(…, drop_last=True\) leaves a small"):
            fit(step_of(gan), x.split(64), epochs=1, progress=False)
        fit(step_of(gan), x.split(64)[:-1], epochs=1, progress=False)
