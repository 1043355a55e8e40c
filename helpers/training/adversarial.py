r"""The step of a game between two networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from helpers.checks import check_at_least
from helpers.models.gan import GAN
from helpers.networks import frozen
from helpers.training.average import EMA

Schedule = float | Callable[[int], float]


class AdversarialStep:
    r"""Both players' updates for one batch: see `adversarial_step`, which makes it.

    It counts its calls, because schedules and intervals depend on them. `state_dict` and
    `load_state_dict` let a checkpoint keep the count.
    """

    def __init__(
        self,
        gan: GAN,
        discriminator_optimizer: torch.optim.Optimizer,
        generator_optimizer: torch.optim.Optimizer,
        *,
        discriminator_steps: int,
        penalty_every: int,
        penalties: Mapping[str, Schedule],
        noise: Schedule,
        ema: EMA | None,
        schedulers: tuple[torch.optim.lr_scheduler.LRScheduler, ...],
        rng: torch.Generator | None,
    ) -> None:
        self.gan = gan
        self.optimizers = discriminator_optimizer, generator_optimizer
        self.discriminator_steps, self.penalty_every = discriminator_steps, penalty_every
        self.penalties, self.noise = dict(penalties), noise
        self.ema, self.schedulers, self.generator = ema, schedulers, rng
        self.count = 0

    def __call__(self, x: Tensor, y: Tensor | None = None) -> dict[str, Tensor]:
        r"""One batch: the discriminator's updates, then one of the generator."""
        modes = [(part, part.training) for part in self.gan.modules()]
        self.gan.train()
        try:
            terms = self._discriminate(x, y)
            for _ in range(self.discriminator_steps - 1):
                terms = self._discriminate(x, y)
            loss = self._generate(x, y)
        finally:
            for part, training in modes:
                part.training = training
        for scheduler in self.schedulers:
            scheduler.step()
        if self.ema is not None:
            self.ema.update()
        self.count += 1
        named = {"real": terms["real"], "fake": terms["fake"], "penalty": terms["penalty"]}
        return {"discriminator": terms["loss"].detach(), "generator": loss, **named}

    def state_dict(self) -> dict[str, int]:
        r"""The number of calls so far."""
        return {"count": self.count}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        r"""Go on counting where another run stopped."""
        self.count = int(state["count"])

    def _discriminate(self, x: Tensor, y: Tensor | None) -> dict[str, Tensor]:
        penalties: dict[str, float] = {}
        if self.count % self.penalty_every == 0:  # as strong on average as in each step
            for name, weight in self.penalties.items():
                penalties[name] = self.penalty_every * _now(weight, self.count)
        noise = _now(self.noise, self.count)
        with frozen(self.gan.generator):
            terms = self.gan.discriminator_loss(x, y, noise=noise, rng=self.generator, **penalties)
            _update(self.optimizers[0], terms["loss"])
        return terms

    def _generate(self, x: Tensor, y: Tensor | None) -> Tensor:
        noise = _now(self.noise, self.count)
        with frozen(self.gan.discriminator):
            loss = self.gan.generator_loss(len(x), y, x=x, noise=noise, rng=self.generator)
            _update(self.optimizers[1], loss["loss"])
        return loss["loss"].detach()


def adversarial_step(
    gan: GAN,
    discriminator_optimizer: torch.optim.Optimizer,
    generator_optimizer: torch.optim.Optimizer,
    *,
    discriminator_steps: int = 1,
    r1: Schedule = 0.0,
    r2: Schedule = 0.0,
    gradient_penalty: Schedule = 0.0,
    penalty_every: int = 1,
    noise: Schedule = 0.0,
    ema: EMA | None = None,
    schedulers: tuple[torch.optim.lr_scheduler.LRScheduler, ...] = (),
    rng: torch.Generator | None = None,
) -> AdversarialStep:
    r"""The usual step of a GAN: the discriminator's update, then the generator's.

    While one player moves, the other is frozen: its parameters and buffers stay bit-equal. After
    the step, ``requires_grad`` and the modes of training and evaluation are as they were.

    Args:
        gan: has `discriminator_loss` and `generator_loss`.
        discriminator_optimizer: holds the discriminator's parameters only.
        generator_optimizer: holds the generator's; another learning rate gives two time scales.
        discriminator_steps: updates of the discriminator for each one of the generator, all on the
            same batch with fresh samples.
        r1: weight of the penalty at real examples.
        r2: weight of the penalty at generated examples.
        gradient_penalty: weight of the penalty between them.
        penalty_every: the penalties are computed in every so-manieth step, and multiplied by it.
        noise: standard deviation of the instance noise.
        ema: moving average of the generator's weights, ``EMA(gan.generator, decay)``.
        schedulers: stepped after each call.
        rng: draws everything.

    The three weights and the noise may be functions of the step's number, from 0.

    Returns:
        ``step(x)`` or ``step(x, y)``, which updates both players and returns detached terms:
        ``discriminator`` and ``rng``, the losses; ``real`` and ``fake``, the mean logits;
        ``penalty``.

    Raises:
        ValueError: a count below 1.

    >>> from helpers.networks import MLP
    >>> gan = GAN(MLP(3, [8], 2), MLP(2, [8], 1), latent=3)
    >>> optimizers = [torch.optim.Adam(p.parameters()) for p in (gan.discriminator, gan.generator)]
    >>> step = adversarial_step(gan, *optimizers, r1=0.1, noise=lambda step: 0.5 * 0.99**step)
    >>> sorted(step(torch.zeros(6, 2)))
    ['discriminator', 'fake', 'generator', 'penalty', 'real']

    Taught in: gan.
    """
    check_at_least("discriminator_steps", discriminator_steps, 1)
    check_at_least("penalty_every", penalty_every, 1)
    penalties: dict[str, Schedule] = {"r1": r1, "r2": r2, "gradient_penalty": gradient_penalty}
    return AdversarialStep(
        gan,
        discriminator_optimizer,
        generator_optimizer,
        discriminator_steps=discriminator_steps,
        penalty_every=penalty_every,
        penalties=penalties,
        noise=noise,
        ema=ema,
        schedulers=tuple(schedulers),
        rng=rng,
    )


def _update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    parameters: list[Any] = [p for group in optimizer.param_groups for p in group["params"]]
    for parameter in parameters:
        parameter.grad = None
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def _now(schedule: Schedule, step: int) -> float:
    return float(schedule(step)) if callable(schedule) else schedule
