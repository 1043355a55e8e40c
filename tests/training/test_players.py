"""A step of several players against the same updates written out."""

from __future__ import annotations

import copy

import pytest
import torch

from helpers.distributions import GaussianLikelihood
from helpers.models import AdversarialAutoencoder
from helpers.networks import MLP
from helpers.random import seeded
from helpers.training import players_step


def test_each_player_moves_its_own_parameters_in_turn(seed: int) -> None:
    """Gradient descent by hand, in order, on a copy."""
    torch.manual_seed(seed)
    model = AdversarialAutoencoder(
        MLP(4, [6], 2), MLP(2, [5], 4), MLP(2, [7], 1), 2, likelihood=GaussianLikelihood(0.8)
    )
    twin, x = copy.deepcopy(model), torch.randn(3, 4)

    def makers(m: AdversarialAutoencoder, rng: torch.Generator) -> dict[str, tuple]:  # type: ignore[type-arg]
        return {
            "reconstruction": (
                m.reconstruction_loss,
                [*m.encoder.parameters(), *m.decoder.parameters()],
                0.1,
            ),
            "discriminator": (
                lambda x: m.discriminator_loss(x, rng=rng),
                list(m.discriminator.parameters()),
                0.2,
            ),
            "encoder": (m.encoder_loss, list(m.encoder.parameters()), 0.3),
        }

    players = {
        name: (loss, torch.optim.SGD(own, lr))
        for name, (loss, own, lr) in makers(model, seeded(seed)).items()
    }
    terms = players_step(players)(x)
    for name, (loss, own, lr) in makers(twin, seeded(seed)).items():
        value = loss(x)["loss"]
        torch.testing.assert_close(terms[name], value.detach())
        gradients = torch.autograd.grad(value, own)
        with torch.no_grad():
            for parameter, gradient in zip(own, gradients):
                parameter -= lr * gradient
    for ours, theirs in zip(model.parameters(), twin.parameters()):
        torch.testing.assert_close(ours, theirs)
    assert set(terms) == {
        "reconstruction",
        "discriminator",
        "discriminator prior",
        "discriminator codes",
        "encoder",
    }
    assert not any(term.requires_grad for term in terms.values())


def test_no_gradient_is_left_on_the_others() -> None:
    a, b = (torch.nn.Parameter(torch.tensor(2.0)) for _ in range(2))
    step = players_step({"first": (lambda: {"loss": a * b}, torch.optim.SGD([a], 0.1))})
    step()
    assert b.grad is None
    assert b.item() == 2
    assert a.item() == pytest.approx(1.8)


def test_schedulers_run_after_each_call() -> None:
    a = torch.nn.Parameter(torch.tensor(1.0))
    optimizer = torch.optim.SGD([a], 1.0)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    step = players_step({"a": (lambda: {"loss": 1 * a}, optimizer)}, schedulers=(scheduler,))
    values = [step()["a"].item() for _ in range(3)]  # slope 1, steps 1, 1/2, 1/4
    assert values == [1.0, 0.0, -0.5]


def test_players_without_a_part_in_their_loss_are_refused() -> None:
    with pytest.raises(ValueError, match="players must hold at least one player"):
        players_step({})
    a, b = (torch.nn.Parameter(torch.ones(())) for _ in range(2))
    step = players_step({"blind": (lambda: {"loss": a * 1}, torch.optim.SGD([a, b], 0.1))})
    with pytest.raises(ValueError, match="player 'blind' must have a loss that depends on every"):
        step()
    assert a.item() == 1
