"""The energy model where p is known: a linear network moves the mean of a standard normal."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from helpers.models import EnergyModel
from helpers.networks import MLP
from helpers.random import seeded
from helpers.samplers import langevin
from tests.statistics import assert_mean_close

EVENT = (2, 3)


class Tilt(nn.Module):
    """E(x) = θ·x + ½‖x‖²: the density is N(−θ, I)."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.randn(EVENT))

    def forward(self, x: Tensor) -> Tensor:
        return (self.theta * x).flatten(1).sum(1)


def curved(device: torch.device | str = "cpu", **options: float) -> EnergyModel:
    network = MLP(EVENT, [7], 1, activation=nn.Tanh, dropout=0.2)
    model = EnergyModel(network, EVENT, **{"chains": 9, "steps": 3, "step_size": 0.2, **options})
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1, 1)
    return model.to(device)


def test_the_energy_is_the_networks_and_the_squares(device: torch.device) -> None:
    model, x = curved(device).eval(), torch.randn(5, *EVENT, device=device)
    squares = torch.stack([sum(v * v for v in row.flatten()) for row in x])
    torch.testing.assert_close(model.energy(x), model.network(x)[:, 0] + squares / 2)


def test_the_gradient_is_that_of_the_likelihood(seed: int) -> None:
    """The closed form x̄ + θ of a Gaussian's −∇log p, with chains that come from the model."""
    rng = seeded(seed)
    model = EnergyModel(Tilt(), EVENT, chains=20, steps=3, step_size=0.5, restart=0.0)
    theta = model.network.theta
    x = torch.randn(4, *EVENT)
    found = []
    for _ in range(1500):
        model.chains = -theta.data + torch.randn(20, *EVENT, generator=rng)
        terms = model.loss(x, rng=rng)
        found.append(torch.autograd.grad(terms["loss"], theta)[0])
    assert_mean_close(torch.stack(found), x.mean(0) + theta.data)


def test_samples_of_a_long_chain(seed: int) -> None:
    """The closed form of unadjusted chains: mean −θ, variance 1 / (1 − h/4)."""
    model = EnergyModel(Tilt(), EVENT, step_size=0.5)
    drawn = model.sample(20_000, steps=60, rng=seeded(seed))
    centred = drawn + model.network.theta.data
    assert_mean_close(centred, 0.0)
    assert_mean_close(centred.square(), 1 / (1 - 0.5 / 4))
    start = model.sample(20_000, steps=0, rng=seeded(seed))
    assert_mean_close(start, 0.0)
    assert_mean_close(start.square(), 1.0)


def test_chains_go_on_where_they_were_and_in_training_only(seed: int) -> None:
    model = curved(restart=0.0)
    x, before = torch.randn(9, *EVENT), model.chains.clone()
    model.eval().loss(x, rng=seeded(seed))
    assert torch.equal(model.chains, before)
    # such short steps stay near where they begin: no chain is mixed up or lost
    model.train().step_size = 1e-8
    model.loss(x, rng=seeded(seed))
    assert not torch.equal(model.chains, before)
    torch.testing.assert_close(model.chains, before, atol=1e-2, rtol=0)
    fewer = model.chains.clone()
    model.loss(x[:4], rng=seeded(seed))
    moved = (model.chains != fewer).flatten(1).any(1)
    assert moved.sum() == 4


def test_as_many_chains_begin_again_as_were_asked_for(seed: int) -> None:
    n = 4000
    model = EnergyModel(Tilt(), EVENT, chains=n, steps=1, step_size=1e-8, restart=0.3)
    model.chains += 100
    model.loss(torch.randn(n, *EVENT), rng=seeded(seed))
    again = (model.chains < 50).flatten(1)
    assert torch.equal(again.all(1), again.any(1))
    assert_mean_close(again.all(1).double(), 0.3)
    fresh = model.chains[again.all(1)]
    assert_mean_close(fresh, 0.0)
    assert_mean_close(fresh.square(), 1.0)


def test_the_terms_written_out(seed: int) -> None:
    """From the chains that a call leaves behind, with and without penalty."""
    x = torch.randn(9, *EVENT)
    for penalty in (0.0, 0.7):
        model = curved(penalty=penalty, restart=0.5)
        model.network.layers[2] = nn.Identity()  # no dropout
        terms = model.loss(x, rng=seeded(seed))
        data, negative = model.energy(x), model.energy(model.chains)
        squares = data.square().mean() + negative.square().mean()
        torch.testing.assert_close(terms["data_energy"], data.mean().detach())
        torch.testing.assert_close(terms["model_energy"], negative.mean().detach())
        torch.testing.assert_close(terms["loss"], data.mean() - negative.mean() + penalty * squares)


def test_draws_follow_langevin_without_dropout(seed: int) -> None:
    model = curved()
    noise = model.sample(5, steps=0, rng=seeded(seed))
    rng = seeded(seed)
    torch.randn(5, *EVENT, generator=rng)
    model.eval()
    expected = langevin(model.energy, noise, steps=4, step_size=0.2, rng=rng)
    model.train()
    torch.testing.assert_close(model.sample(5, steps=4, rng=seeded(seed)), expected)
    assert model.network.training


def test_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="x must have at most 9 examples, got 10: make a model wi"):
        curved().loss(torch.zeros(10, *EVENT))
    wide = EnergyModel(MLP(EVENT, [4], 2), EVENT)
    with pytest.raises(
        ValueError, match=r"network's output must have shape \(5, 1\), got \(5, 2\)"
    ):
        wide.energy(torch.zeros(5, *EVENT))
    for name, value in (("step_size", 0.0), ("restart", 1.5), ("penalty", -1.0)):
        with pytest.raises(ValueError, match=f"^{name} must"):
            EnergyModel(Tilt(), EVENT, **{name: value})
