"""The RBM against sums over all states of both layers, written out."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.models import RBM
from helpers.random import seeded
from tests.statistics import assert_mean_close

EVENT, H = (1, 3, 3), 4
SMALL = (2, 2)


def states(units: int, device: torch.device | str = "cpu") -> Tensor:
    return torch.cartesian_prod(*[torch.tensor([0.0, 1.0], device=device)] * units)


def rbm(
    event: tuple[int, ...] = EVENT,
    hidden: int = H,
    device: torch.device | str = "cpu",
    *,
    scale: float = 1.5,
    **options: int,
) -> RBM:
    """Weights far from the initial ones, and a base that is no biases' copy."""
    frequencies = 0.2 + 0.6 * torch.rand(event)
    model = RBM(event, hidden, frequencies=frequencies, **options).to(device)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-scale, scale)
    return model


class Exact:
    """Everything about a small RBM, from a table of all pairs of states."""

    def __init__(self, model: RBM) -> None:
        device = model.weight.device
        self.rows, self.h = states(len(model.weight), device), states(model.hidden, device)
        self.x = self.rows.reshape(-1, *model.event)
        self.energy = -(
            torch.einsum("xi,i->x", self.rows, model.visible_bias)[:, None]
            + torch.einsum("hj,j->h", self.h, model.hidden_bias)
            + torch.einsum("xi,ij,hj->xh", self.rows, model.weight, self.h)
        )  # (X, H)
        self.log_z = torch.logsumexp(-self.energy.flatten(), 0)
        self.log_p = torch.logsumexp(-self.energy, 1) - self.log_z  # (X,)
        given_x = (-self.energy).softmax(1)  # p(h | x)
        given_h = (-self.energy).softmax(0)  # p(x | h)
        self.transition = given_x @ given_h.T  # (X, X): from a row to a column

    def draw(self, n: int, seed: int) -> Tensor:
        weights = self.log_p.detach().exp().cpu()
        index = torch.multinomial(weights, n, replacement=True, generator=seeded(seed))
        return self.x[index.to(self.x.device)]


def shares(model: RBM, x: Tensor) -> Tensor:
    """One-hot rows of the states of a small model."""
    powers = 2.0 ** torch.arange(len(model.weight) - 1, -1, -1, device=x.device)
    return F.one_hot((x.flatten(1) @ powers).long(), 2 ** len(powers)).double()


def test_energies_and_normaliser_are_sums_over_all_states(device: torch.device) -> None:
    model = rbm(device=device)
    exact = Exact(model)
    pairs = model.joint_energy(exact.x.repeat_interleave(16, 0), exact.h.repeat(512, 1))
    torch.testing.assert_close(pairs.reshape(512, 16), exact.energy)
    free = model.free_energy(exact.x)
    torch.testing.assert_close(free, -torch.logsumexp(-exact.energy, 1))
    torch.testing.assert_close(model.log_normaliser(), exact.log_z.detach())
    total = (-free - model.log_normaliser()).exp().sum().item()
    assert total == pytest.approx(1, abs=1e-12)


def test_the_normaliser_sums_over_the_smaller_layer(device: torch.device) -> None:
    model = rbm(SMALL, 9, device)
    torch.testing.assert_close(model.log_normaliser(), Exact(model).log_z.detach())
    with pytest.raises(
        ValueError, match="smaller layer must have at most 16 units, got 17: see log_normaliser_b"
    ):
        RBM((17,), 17).log_normaliser()


@pytest.mark.parametrize("steps", [1, 3])
def test_gibbs_steps_follow_the_transition_matrix(
    steps: int, device: torch.device, seed: int
) -> None:
    """The transition matrix from the table of all pairs, from two different starts."""
    model = rbm(SMALL, 3, device, scale=1.2)
    exact = Exact(model)
    power = torch.linalg.matrix_power(exact.transition.detach(), steps)
    for row in (2, 13):
        start = exact.x[row].expand(100_000, *SMALL)
        drawn = model.gibbs(start, steps=steps, rng=seeded(seed, device))
        assert_mean_close(shares(model, drawn), power[row])
    assert torch.equal(model.gibbs(exact.x, steps=0), exact.x)


def test_samples_begin_with_the_frequencies_and_end_with_the_model(
    device: torch.device, seed: int
) -> None:
    model = rbm(SMALL, 3, device, scale=1.2)
    base = model.base.sigmoid().reshape(SMALL)
    assert_mean_close(model.sample(50_000, steps=0, rng=seeded(seed, device)), base)
    drawn = model.sample(100_000, steps=40, rng=seeded(seed + 1, device))
    assert_mean_close(shares(model, drawn), Exact(model).log_p.detach().exp())


def gradient(model: RBM, value: Tensor) -> Tensor:
    found = torch.autograd.grad(value, list(model.parameters()))
    return torch.cat([part.flatten() for part in found])


@pytest.mark.parametrize("steps", [1, 2])
def test_the_gradient_of_contrastive_divergence(
    steps: int, device: torch.device, seed: int
) -> None:
    """Its mean, from the exact distribution of x⁻ after k steps."""
    model = rbm(SMALL, 3, device, steps=steps)
    exact, rng = Exact(model), seeded(seed, device)
    seen = torch.tensor([1, 1, 6, 11, 15], device=device)
    terms = [model.loss(exact.x[seen], rng=rng) for _ in range(400)]
    found = torch.stack([gradient(model, t["loss"]) for t in terms])
    power = torch.linalg.matrix_power(exact.transition.detach(), steps)
    free = -exact.log_p - exact.log_z
    expected = (free[seen] - power[seen] @ free).mean()
    assert_mean_close(found, gradient(model, expected))
    assert_mean_close(torch.stack([t["loss"].detach() for t in terms]), expected.detach())
    torch.testing.assert_close(terms[0]["data_energy"], free[seen].mean().detach())
    difference = terms[0]["data_energy"] - terms[0]["model_energy"]
    torch.testing.assert_close(difference, terms[0]["loss"].detach())


def test_chains_from_the_model_give_the_gradient_of_the_likelihood(
    device: torch.device, seed: int
) -> None:
    """Autograd of −log p, normaliser and all."""
    model = rbm(SMALL, 3, device, scale=3.0, chains=50)
    exact, rng = Exact(model), seeded(seed, device)
    seen = torch.tensor([1, 6, 11], device=device).repeat(30)
    found = []
    for n in range(400):
        model.chains = exact.draw(50, 1000 * seed + n).flatten(1)
        found.append(gradient(model, model.loss(exact.x[seen], rng=rng)["loss"]))
    expected = gradient(model, -exact.log_p[seen].mean())
    assert_mean_close(torch.stack(found), expected)


def test_kept_chains_move_on_in_training_only(seed: int) -> None:
    model = rbm(chains=7, steps=2)
    before, x = model.chains.clone(), torch.ones(5, *EVENT)
    model.eval().loss(x)
    assert torch.equal(model.chains, before)
    model.train().loss(x, rng=seeded(seed))
    expected = model.gibbs(before.reshape(7, *EVENT), steps=2, rng=seeded(seed))
    assert torch.equal(model.chains, expected.flatten(1))


def test_training_starts_from_independent_units() -> None:
    p = torch.tensor([0.1, 0.5, 0.8])
    model = RBM((3,), 2, frequencies=p, chains=4)
    torch.testing.assert_close(model.visible_bias.data.sigmoid(), p)
    torch.testing.assert_close(model.base.sigmoid(), p)
    assert set(model.chains.unique().tolist()) <= {0.0, 1.0}


def test_annealing_brackets_the_exact_normaliser(device: torch.device, seed: int) -> None:
    """Enumeration of Z: both ends within 0.1 nats, and short paths on their own side of it."""
    model = rbm(device=device)
    exact = Exact(model)
    log_z = exact.log_z.item()
    start = exact.draw(1000, seed)
    ends = model.log_normaliser_bracket(start, temperatures=100, rng=seeded(seed, device))
    for end in ends:
        assert end.standard_error < 0.02
        assert abs(end.value - log_z) < 0.1
    ends = [
        model.log_normaliser_bracket(pair, temperatures=3, rng=seeded(seed + n, device))
        for n, pair in enumerate(exact.draw(800, seed + 1).split(2))
    ]
    values = torch.tensor([[lower.value, upper.value] for lower, upper in ends])
    error = values.std(0) / math.sqrt(len(values))
    low, high = (values.mean(0) - log_z) / error
    assert low < -5
    assert high > 5


def test_annealing_at_the_size_of_digits(seed: int) -> None:
    """64 pixels, 16 hidden units: enumeration of the hidden layer, which also draws the starts."""
    model = rbm((1, 8, 8), 16, scale=0.4)
    h = states(16)
    visible = model.visible_bias + h @ model.weight.T  # (2^16, 64)
    log_h = (h @ model.hidden_bias + F.softplus(visible).sum(1)).detach()
    log_z = torch.logsumexp(log_h, 0)
    index = torch.multinomial(log_h.softmax(0), 200, replacement=True, generator=seeded(seed))
    start = torch.bernoulli(visible[index].sigmoid(), generator=seeded(seed + 1))
    start = start.reshape(200, 1, 8, 8).detach()
    torch.testing.assert_close(model.log_normaliser(), log_z)
    lower, upper = model.log_normaliser_bracket(start, temperatures=400, rng=seeded(seed + 2))
    for end in (lower, upper):
        assert end.standard_error < 0.02
        assert abs(end.value - log_z.item()) < 0.1
    assert lower.value < upper.value + 5 * math.hypot(lower.standard_error, upper.standard_error)


def test_errors_name_the_argument() -> None:
    model = rbm()
    x = torch.ones(2, *EVENT)
    with pytest.raises(ValueError, match="steps must be an integer of at least 0, got -1"):
        model.gibbs(x, steps=-1)
    with pytest.raises(ValueError, match="temperatures must be an integer of at least 1, got 0"):
        model.log_normaliser_bracket(x, temperatures=0)
    with pytest.raises(ValueError, match=r"h must have shape \(2, 4\), got \(2, 3\)"):
        model.joint_energy(x, torch.ones(2, 3))
    with pytest.raises(ValueError, match=r"frequencies must lie in .*count one example more"):
        RBM((2,), 3, frequencies=torch.tensor([0.0, 0.5]))
    with pytest.raises(ValueError, match="x must hold only 0 and 1"):
        model.free_energy(x / 2)
