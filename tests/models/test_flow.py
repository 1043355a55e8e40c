"""Flows against quadrature on the plane, the autograd Jacobian, and their own samples."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from scipy import stats
from torch import Tensor

from helpers.distributions import StandardUniform
from helpers.models import Flow
from helpers.networks import (
    MADE,
    MLP,
    ActNorm,
    Coupling,
    Invertible,
    InvertibleLinear,
    LinearSpline,
    MaskedAutoregressive,
    RationalQuadraticSpline,
)
from helpers.random import seeded
from tests.networks.layers import check_layer, randomise

FIRST = torch.tensor([True, False])


def affine(condition: int = 0) -> Flow:
    layers = [Coupling(MLP(1 + condition, [9], 2, activation=torch.nn.Tanh), m) for m in masks()]
    return odd(Flow([ActNorm(2), InvertibleLinear(2), *layers], (2,), condition=condition))


def spline() -> Flow:
    g = RationalQuadraticSpline(4, bound=2.5)
    layers = [Coupling(MLP(1, [9], g.size, activation=torch.nn.Tanh), m, g) for m in masks()]
    return odd(Flow(layers, (2,)))


def autoregressive() -> Flow:
    orders = ([0, 1], [1, 0])
    networks = [MADE(2, [9], 2, order=o, activation=torch.nn.Tanh) for o in orders]
    return odd(Flow([MaskedAutoregressive(network) for network in networks], (2,)))


def cube() -> Flow:
    g = LinearSpline(5)
    layers = [Coupling(MLP(1, [9], g.size, activation=torch.nn.Tanh), m, g) for m in masks()]
    return odd(Flow(layers, (2,), base=StandardUniform()))


def masks() -> list[Tensor]:
    return [FIRST, ~FIRST]


def odd(flow: Flow) -> Flow:
    randomise(flow, 0.4)
    return flow


REAL = [affine, spline, autoregressive]


def plane(low: float, high: float, points: int) -> tuple[Tensor, float]:
    """The middles of the cells of a square grid, and the area of a cell."""
    width = (high - low) / points
    ticks = low + width * (torch.arange(points) + 0.5)
    return torch.cartesian_prod(ticks, ticks), width**2


@pytest.mark.parametrize("make", [*REAL, cube])
def test_the_density_integrates_to_one(make: Callable[[], Flow], seed: int) -> None:
    flow = make()
    sides = {cube: (0, 1, 500), spline: (-6.5, 6.5, 650)}
    x, area = plane(*sides.get(make, (-14, 14, 700)))
    with torch.no_grad():
        total = sum(part.exp().sum() for part in map(flow.log_prob, x.split(100_000))) * area
    assert float(total) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("make", [*REAL, cube])
def test_change_of_variables(make: Callable[[], Flow], seed: int) -> None:
    """log p(x) = log p₀(z) + slogdet of the autograd Jacobian; the inverse undoes the flow."""
    flow, x = make(), torch.rand(5, 2, generator=seeded(seed))
    check_layer(flow.chain, x)
    z, log_det = flow(x)
    expected = torch.zeros(5)
    if make is not cube:
        expected = torch.distributions.Normal(0, 1).log_prob(z).sum(1)
    torch.testing.assert_close(flow.log_prob(x), expected + log_det)
    back, log_det_back = flow.inverse(z.detach())
    torch.testing.assert_close(back, x, atol=1e-6, rtol=0)
    torch.testing.assert_close(log_det_back, -log_det)


@pytest.mark.parametrize("make", [*REAL, cube])
def test_samples_have_the_density(make: Callable[[], Flow], seed: int) -> None:
    """Counts in the cells of a grid against quadrature: a chi-square that sees 2 % of the mass.

    With 40,000 draws and 36 cells, 800 draws in wrong cells raise the statistic by more than
    80 = 800² / 40,000 · 5 in its standard deviation of 8.
    """
    flow, n, side = make(), 40_000, 6
    low, high = (0.0, 1.0) if make is cube else (-3.0, 3.0)
    x, area = plane(low, high, 60 * side)
    with torch.no_grad():
        p = (flow.log_prob(x).exp() * area).reshape(side, 60, side, 60).sum((1, 3)).flatten()
    drawn = flow.sample(n, rng=seeded(seed))
    place = ((drawn - low) / (high - low) * side).floor().long()
    inside = ((place >= 0) & (place < side)).all(1)
    counts = torch.bincount(place[inside] @ torch.tensor([side, 1]), minlength=side**2)
    counts = torch.cat([counts, (~inside).sum()[None]]).double()
    p = torch.cat([p, (1 - p.sum()).clamp_min(0)[None]])
    many = n * p > 20
    observed = torch.cat([counts[many], counts[~many].sum()[None]])
    expected = n * torch.cat([p[many], p[~many].sum()[None]])
    statistic = ((observed - expected).square() / expected.clamp_min(1)).sum().item()
    assert stats.chi2.sf(statistic, len(observed) - 1) > 1e-6


def test_dropout_is_for_training_only(seed: int) -> None:
    flow = Flow([Coupling(MLP(1, [9], 2, dropout=0.5), m) for m in masks()], (2,))
    x = torch.randn(5, 2)
    assert flow.loss(x)["loss"] != flow.loss(x)["loss"]
    assert torch.equal(flow.log_prob(x), flow.log_prob(x))
    torch.testing.assert_close(flow.eval().loss(x)["loss"], -flow.log_prob(x).mean())


def test_a_conditional_density_integrates_to_one_for_each_condition(seed: int) -> None:
    flow = affine(condition=3)
    x, area = plane(-14, 14, 700)
    for _ in range(2):
        condition = torch.randn(1, 3).expand(len(x), 3)
        with torch.no_grad():
            total = flow.log_prob(x, condition).exp().sum().item() * area
        assert total == pytest.approx(1, abs=1e-4)


def test_a_conditional_sample_follows_its_own_row(seed: int) -> None:
    flow, condition = affine(condition=3), torch.randn(4, 3)
    drawn = flow.sample(4, rng=seeded(seed), condition=condition)
    z = flow.base.sample((4, 2), torch.zeros(()), seeded(seed))
    torch.testing.assert_close(flow(drawn, condition)[0], z)


def test_the_first_batch_standardises_what_each_layer_of_scales_gets(seed: int) -> None:
    layers: list[Invertible] = [InvertibleLinear(2), ActNorm(2), Coupling(MLP(1, [5], 2), FIRST)]
    flow = Flow([*layers, ActNorm(2)], (2,))
    randomise(flow, 0.4)
    x = 3 + 2 * torch.randn(50, 2, generator=seeded(seed))
    flow.initialise(x)
    z, _ = flow(x)
    torch.testing.assert_close(z.mean(0), torch.zeros(2), atol=1e-9, rtol=0)
    torch.testing.assert_close(z.std(0, correction=0), torch.ones(2))
    middle = layers[1](layers[0](x)[0])[0]
    torch.testing.assert_close(middle.std(0, correction=0), torch.ones(2))


def test_an_autoregressive_model_is_a_flow(seed: int) -> None:
    """One masked layer on the unit cube: its density is the product of its own conditionals."""
    g = LinearSpline(3)
    network = MADE(3, [20], g.size)
    flow = odd(Flow([MaskedAutoregressive(network, g)], (3,), base=StandardUniform()))
    x = torch.rand(6, 3, generator=seeded(seed))
    p = network(x).softmax(-1)  # (B, D, bins)
    chosen = p.gather(-1, (3 * x).long()[..., None])[..., 0]
    torch.testing.assert_close(flow.log_prob(x), (3 * chosen).log().sum(1))


def test_bad_arguments_are_named() -> None:
    flow = affine(condition=3)
    with pytest.raises(TypeError, match=r"condition must be a torch.Tensor, got NoneType"):
        flow.log_prob(torch.zeros(4, 2))
    with pytest.raises(ValueError, match=r"condition must have shape \(4, 3\), got \(5, 3\)"):
        flow.log_prob(torch.zeros(4, 2), torch.zeros(5, 3))
    with pytest.raises(ValueError, match=r"condition must have shape \(4, 0\), got \(4, 3\)"):
        spline().log_prob(torch.zeros(4, 2), torch.zeros(4, 3))
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\], got values from 0 to 2"):
        cube().log_prob(torch.tensor([[0.0, 2.0]]))
    with pytest.raises(ValueError, match=r"z must have shape \(B, 2\), got \(4, 3\)"):
        spline().inverse(torch.zeros(4, 3))
