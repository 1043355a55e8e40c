"""The game's step: who moves, what comes back, schedules, resuming, and stopping in time."""

from __future__ import annotations

import copy
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from helpers.data.batches import Batches
from helpers.models.gan import GAN
from helpers.networks import MLP, ConvDiscriminator, ConvGenerator, spectral_normalisation
from helpers.training import (
    EMA,
    AdversarialStep,
    adversarial_step,
    fit,
    keep_checkpoint,
    load_checkpoint,
)

B, D, L = 6, 4, 3


def make(seed: int = 0, **options: Any) -> tuple[GAN, AdversarialStep]:
    torch.manual_seed(seed)
    gan = GAN(MLP(L, [7], D), MLP(D, [8], 1), L, kind=options.pop("kind", "non-saturating"))
    return gan, step_of(gan, **options)


def step_of(gan: GAN, lr: float = 0.1, **options: Any) -> AdversarialStep:
    optimizers = [torch.optim.SGD(p.parameters(), lr) for p in (gan.discriminator, gan.generator)]
    return adversarial_step(gan, *optimizers, **options)


def state(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def equal(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, two[name]) for name, value in one.items())


@pytest.mark.equation("eq-gan-steps")
def test_one_step_by_hand(seed: int, device: torch.device) -> None:
    """Independent answer: both updates recomputed with autograd.grad, first D, then G."""
    gan, _ = make(seed)
    gan = gan.to(device)
    x = torch.randn(B, D, device=device)
    hand = copy.deepcopy(gan)
    step = step_of(gan, 0.2, rng=torch.Generator(device).manual_seed(seed))
    terms = step(x)
    rng = torch.Generator(device).manual_seed(seed)
    z = torch.randn(B, L, generator=rng, device=device)
    weights = list(hand.discriminator.parameters())
    fake = hand.generator(z).detach()
    loss = -torch.sigmoid(hand.discriminator(x)).log().mean()
    loss = loss - (1 - torch.sigmoid(hand.discriminator(fake))).log().mean()
    torch.testing.assert_close(terms["discriminator"], loss.detach())
    for weight, gradient in zip(weights, torch.autograd.grad(loss, weights)):
        weight.data -= 0.2 * gradient
    z = torch.randn(B, L, generator=rng, device=device)
    weights = list(hand.generator.parameters())
    loss = -torch.sigmoid(hand.discriminator(hand.generator(z))).log().mean()
    torch.testing.assert_close(terms["generator"], loss.detach())
    for weight, gradient in zip(weights, torch.autograd.grad(loss, weights)):
        weight.data -= 0.2 * gradient
    for name, value in hand.state_dict().items():
        torch.testing.assert_close(gan.state_dict()[name], value)


@pytest.mark.parametrize("player", [0, 1])
def test_one_player_moves_and_the_other_is_bit_equal(player: int, seed: int) -> None:
    torch.manual_seed(seed)
    generator = ConvGenerator(L, (1, 8, 8), (4, 3))  # batch normalisation has running statistics
    discriminator = spectral_normalisation(ConvDiscriminator((1, 8, 8), (4, 5)))  # and this too
    gan = GAN(generator, discriminator, L)
    step = step_of(gan)
    x = torch.rand(B, 1, 8, 8)
    before = state(discriminator), state(generator)
    if player == 0:
        step._discriminate(x, None)
        assert equal(before[1], state(generator))
        assert not equal(before[0], state(discriminator))
        assert all(p.grad is None for p in generator.parameters())
    else:
        step._generate(x, None)
        assert equal(before[0], state(discriminator))
        assert not equal(before[1], state(generator))
        assert all(p.grad is None for p in discriminator.parameters())


@pytest.mark.parametrize("training", [True, False])
def test_modes_and_requires_grad_come_back(training: bool) -> None:
    gan, step = make()
    gan.train(training)
    kept = next(gan.generator.parameters()).requires_grad_(False)
    value = kept.detach().clone()
    needs = [p.requires_grad for p in gan.parameters()]
    step(torch.randn(B, D))
    assert needs == [p.requires_grad for p in gan.parameters()]
    assert all(part.training is training for part in gan.modules())
    assert torch.equal(kept, value)
    with pytest.raises(ValueError, match="x must have shape"):
        step(torch.randn(B, D + 1))
    assert needs == [p.requires_grad for p in gan.parameters()]
    assert all(part.training is training for part in gan.modules())


def test_schedules_intervals_and_repeated_steps() -> None:
    gan, step = make(r1=lambda k: 0.5 + k, r2=2.0, penalty_every=3, noise=lambda k: 0.1 * k)
    seen: list[dict[str, float]] = []
    inner, outer = gan.discriminator_loss, gan.generator_loss
    noises = []

    def spy(x: Tensor, y: Tensor | None, **options: Any) -> dict[str, Tensor]:
        seen.append({k: v for k, v in options.items() if k != "rng"})
        return inner(x, y, **options)

    def other(n: int, y: Tensor | None, **options: Any) -> dict[str, Tensor]:
        noises.append(options["noise"])
        return outer(n, y, **options)

    gan.discriminator_loss, gan.generator_loss = spy, other  # type: ignore[method-assign]
    step.discriminator_steps = 2
    for _ in range(4):
        step(torch.randn(B, D))
    first = {"noise": 0.0, "r1": 1.5, "r2": 6.0, "gradient_penalty": 0.0}
    fourth = {"noise": pytest.approx(0.3), "r1": 10.5, "r2": 6.0, "gradient_penalty": 0.0}
    assert seen[:2] == [first] * 2
    assert [set(options) for options in seen[2:6]] == [{"noise"}] * 4
    assert seen[6:] == [fourth] * 2
    assert noises == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_the_average_follows_the_generator_and_schedulers_step() -> None:
    gan, _ = make()
    ema = EMA(gan.generator, 0.75)
    start = ema.state_dict()
    optimizers = [torch.optim.SGD(p.parameters(), 0.1) for p in (gan.discriminator, gan.generator)]
    schedulers = tuple(torch.optim.lr_scheduler.ExponentialLR(o, 0.5) for o in optimizers)
    step = adversarial_step(gan, *optimizers, ema=ema, schedulers=schedulers)
    step(torch.randn(B, D))
    for name, value in gan.generator.named_parameters():
        expected = 0.75 * start[name] + 0.25 * value.detach()
        torch.testing.assert_close(ema.state_dict()[name], expected)
    assert [o.param_groups[0]["lr"] for o in optimizers] == [0.05, 0.05]


def test_two_time_scales() -> None:
    gan, _ = make()
    before = state(gan.generator), state(gan.discriminator)
    slow = torch.optim.SGD(gan.generator.parameters(), 0.0)
    adversarial_step(gan, torch.optim.SGD(gan.discriminator.parameters(), 0.1), slow)(
        torch.randn(B, D)
    )
    assert equal(before[0], state(gan.generator))
    assert not equal(before[1], state(gan.discriminator))


def test_terms_are_detached_and_classes_are_passed_on(seed: int) -> None:
    torch.manual_seed(seed)
    gan = GAN(MLP(L + 5, [7], D), MLP(D, [8], 5), L, classes=5, kind="relativistic")
    terms = step_of(gan, r1=0.1)(torch.randn(B, D), torch.randint(5, (B,)))
    assert set(terms) == {"discriminator", "generator", "real", "fake", "penalty"}
    assert not any(term.requires_grad for term in terms.values())
    assert terms["penalty"] > 0


def test_the_same_seed_gives_the_same_samples(seed: int) -> None:
    samples = []
    for _ in range(2):
        gan, step = make(seed, noise=0.1, rng=torch.Generator().manual_seed(seed))
        x = torch.randn(B, D, generator=torch.Generator().manual_seed(seed))
        before = torch.get_rng_state()
        for _ in range(3):
            step(x)
        samples.append(gan.sample(9, rng=torch.Generator().manual_seed(seed)))
        assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(*samples)


# ---- stopping and going on ----------------------------------------------------------------------


class Run:
    """A game with everything that has a state."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.gan = GAN(MLP(L, [7], D), MLP(D, [8], 1), L)
        parts = self.gan.discriminator, self.gan.generator
        self.optimizers = [torch.optim.Adam(p.parameters(), 0.01, betas=(0.0, 0.9)) for p in parts]
        self.ema = EMA(self.gan.generator, 0.9)
        self.rng = torch.Generator().manual_seed(seed)
        data = torch.randn(20, D, generator=torch.Generator().manual_seed(seed))
        self.batches = Batches(data, batch_size=8, rng=self.rng)
        self.step = adversarial_step(
            self.gan,
            *self.optimizers,
            r1=0.1,
            penalty_every=4,
            noise=lambda k: 0.5 * 0.9**k,
            ema=self.ema,
            rng=self.rng,
        )

    @property
    def state(self) -> dict[str, Any]:
        first, second = self.optimizers
        names = {"gan": self.gan, "ema": self.ema, "step": self.step, "rng": self.rng}
        return {**names, "first": first, "second": second}


PROGRAM = """
import os, sys, torch
from tests.training.test_adversarial import Run
from helpers.training import fit, keep_checkpoint
torch.set_default_dtype(torch.float64)
run = Run(int(sys.argv[2]))
def die(epoch, means):
    if epoch == 2:
        os.kill(os.getpid(), 9)
def late(x):
    return run.step(x)
fit(late, run.batches, epochs=9, progress=False,
    callbacks=[die, keep_checkpoint(sys.argv[1], **run.state)])
"""


def test_a_killed_run_goes_on_bit_identically(tmp_path: Path, seed: int) -> None:
    whole = Run(seed)
    expected = fit(whole.step, whole.batches, epochs=5, progress=False)
    path = tmp_path / "last.pt"
    killed = subprocess.run([sys.executable, "-c", PROGRAM, str(path), str(seed)], check=False)
    assert killed.returncode == -9
    again = Run(seed + 1)
    again.batches = Batches(*whole.batches.tensors, batch_size=8, rng=again.rng)
    plain = load_checkpoint(path, **again.state)
    assert plain == {"epoch": 2}
    history = fit(again.step, again.batches, epochs=3, progress=False)
    assert history == {name: values[2:] for name, values in expected.items()}
    assert equal(state(whole.gan), state(again.gan))
    assert equal(whole.ema.state_dict(), again.ema.state_dict())


def test_divergence_names_step_and_term_and_keeps_the_last_good_state(tmp_path: Path) -> None:
    run, path = Run(0), tmp_path / "good.pt"
    keep = keep_checkpoint(path, **run.state)
    fit(run.step, run.batches, epochs=2, progress=False, callbacks=[keep])
    good = state(run.gan)
    run.optimizers[0].param_groups[0]["lr"] = 1e200
    message = r"(discriminator|generator|fake|real|penalty) became (nan|-?inf|.*e\+\d+) in step \d"
    with pytest.raises(FloatingPointError, match=message):
        fit(run.step, run.batches, epochs=3, progress=False, callbacks=[keep], limit=1e6)
    other = Run(1)
    assert load_checkpoint(path, **other.state)["epoch"] == 2
    assert equal(good, state(other.gan))


@pytest.mark.parametrize(("limit", "stops"), [(2.5, True), (3.5, False)])
def test_a_term_beyond_the_limit_stops(limit: float, stops: bool) -> None:
    batches = [torch.ones(1), torch.full((1,), -3.0)]

    def run() -> None:
        fit(lambda x: {"loss": x.sum()}, batches, epochs=1, progress=False, limit=limit)

    if not stops:
        run()
        return
    with pytest.raises(FloatingPointError, match=r"loss became -3.0 in step 1 of epoch 0"):
        run()


def test_broken_weights_are_not_saved(tmp_path: Path) -> None:
    layer, path = nn.Linear(2, 1), tmp_path / "good.pt"
    keep = keep_checkpoint(path, model=layer, notes=["a", 1.0])
    keep(0, {})
    layer.bias.data.fill_(math.nan)
    with pytest.raises(FloatingPointError, match=r"model.bias is not finite after epoch 1"):
        keep(1, {})
    saved = load_checkpoint(path)
    assert saved["epoch"] == 1
    assert saved["model"]["bias"].isfinite().all()


def test_bad_counts_are_named() -> None:
    for name in ("discriminator_steps", "penalty_every"):
        with pytest.raises(ValueError, match=f"{name} must be an integer of at least 1, got 0"):
            make(**{name: 0})
