"""A step of several players against the same updates written out."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from helpers.networks import MLP
from helpers.training import EMA, players_step

Game = dict[str, tuple[Callable[[Tensor], dict[str, Tensor]], list[Tensor], float]]


def autoencoder(parts: nn.ModuleList) -> Game:
    """Losses, own parameters and rates of three players; the encoder belongs to two of them."""
    encoder, decoder, judge = parts

    def reconstruction(x: Tensor) -> dict[str, Tensor]:
        return {"loss": (decoder(encoder(x)) - x).square().sum()}

    def discriminator(x: Tensor) -> dict[str, Tensor]:
        logits = judge(encoder(x))
        return {"loss": nn.functional.softplus(logits).mean(), "codes": logits.detach().mean()}

    def fooling(x: Tensor) -> dict[str, Tensor]:
        return {"loss": -judge(encoder(x)).mean()}

    return {
        "reconstruction": (reconstruction, [*encoder.parameters(), *decoder.parameters()], 0.01),
        "discriminator": (discriminator, list(judge.parameters()), 0.2),
        "encoder": (fooling, list(encoder.parameters()), 0.3),
    }


def test_each_player_moves_its_own_parameters_in_turn() -> None:
    """Gradient descent by hand, in order, on a copy."""
    parts = nn.ModuleList([MLP(4, [6], 2), MLP(2, [5], 4), MLP(2, [7], 1)])
    twin, x = copy.deepcopy(parts), torch.randn(3, 4)
    game = autoencoder(parts)
    step = players_step(
        {name: (loss, torch.optim.SGD(own, lr)) for name, (loss, own, lr) in game.items()}
    )
    terms = step(x)
    for name, (loss, own, lr) in autoencoder(twin).items():
        value = loss(x)["loss"]
        torch.testing.assert_close(terms[name], value.detach())
        gradients = torch.autograd.grad(value, own)
        with torch.no_grad():
            for parameter, gradient in zip(own, gradients):
                parameter -= lr * gradient
    for ours, theirs in zip(parts.parameters(), twin.parameters()):
        torch.testing.assert_close(ours, theirs)
    assert set(terms) == {*game, "discriminator codes"}
    assert not any(term.requires_grad for term in terms.values())


def test_no_gradient_is_left_on_the_others_and_a_fixed_weight_stays() -> None:
    a, b, fixed = (nn.Parameter(torch.tensor(2.0)) for _ in range(3))
    fixed.requires_grad_(False)
    optimizer = torch.optim.SGD([a, fixed], 0.1)
    step = players_step({"first": (lambda: {"loss": a * b * fixed}, optimizer)})
    step()
    assert b.grad is None
    assert (b.item(), fixed.item()) == (2, 2)
    assert a.item() == pytest.approx(1.6)


def test_schedulers_average_and_count_follow_each_call() -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.ones_(layer.weight)
    optimizer, ema = torch.optim.SGD(layer.parameters(), 1.0), EMA(layer, 0.5)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    counts = []

    def loss() -> dict[str, Tensor]:
        counts.append(step.count)
        return {"loss": layer.weight.sum()}

    step = players_step({"a": (loss, optimizer)}, schedulers=(scheduler,), ema=ema)
    values = [step()["a"].item() for _ in range(3)]  # slope 1, steps 1, 1/2, 1/4
    assert values == [1.0, 0.0, -0.5]
    assert ema.state_dict()["weight"].item() == -0.375  # 1, 1/2, 0, -3/8
    assert counts == [0, 1, 2]
    other = players_step({"a": (loss, optimizer)})
    other.load_state_dict(step.state_dict())
    assert other.count == 3


def test_players_without_a_part_in_their_loss_are_refused() -> None:
    a, b = (nn.Parameter(torch.ones(())) for _ in range(2))
    step = players_step({"blind": (lambda: {"loss": a * 1}, torch.optim.SGD([a, b], 0.1))})
    with pytest.raises(ValueError, match="player 'blind' must have a loss that depends on every"):
        step()
    assert a.item() == 1
