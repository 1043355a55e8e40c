"""The small models of the map, against quadrature, autograd and Gaussian closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
from torch import Tensor, nn
from torch.distributions import Normal

from helpers.networks import MLP
from helpers.random import seeded
from tests.chapters.cells import run_cells
from tests.statistics import assert_mean_close

PAGE = "concepts/map_of_model_families"
STD = 0.7  # of the one-dimensional Gaussian data that have closed forms


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    """The chapter's cells, without training: `train` does nothing."""
    known = run_cells(PAGE, ["imports"], seed=0) | {
        "MLP": MLP,
        "train": lambda *arguments, **options: None,
        "waves": lambda x: x.repeat(1, 9),
    }
    return run_cells(PAGE, list(ids), **(known | names))


def shaken(module: nn.Module, seed: int, scale: float = 0.3) -> nn.Module:
    """The same module with random weights, away from where it starts."""
    draws = seeded(seed)
    with torch.no_grad():
        for p in module.parameters():
            p += scale * torch.randn(p.shape, generator=draws)
    return module


@pytest.mark.equation("eq-map-autoregressive", frozen="ad854982")
def test_the_chain_rule_gives_a_density_whose_margin_is_the_first_factor(seed: int) -> None:
    """Quadrature over the second coordinate, and over the plane."""
    model = shaken(lesson("autoregressive")["Autoregressive"](parts=3), seed)
    u = torch.arange(-9.0, 9.0, 0.0005)
    line, weight = u.sinh(), u.cosh() * 0.0005  # fine near zero, and thousands of units long
    for x1 in (-0.4, 0.9):
        points = torch.stack([torch.full_like(line, x1), line], 1)
        with torch.no_grad():
            margin = (model.log_prob(points).exp() * weight).sum()
            first = model.conditional(0, points[:1]).log_prob(points[:1, 0]).exp()
        assert margin.item() == pytest.approx(first.item(), rel=1e-3)
    with torch.no_grad():
        whole = (model.conditional(0, line[:, None]).log_prob(line).exp() * weight).sum()
    assert whole.item() == pytest.approx(1, abs=1e-3)


def test_autoregressive_samples_have_the_mean_of_the_density(seed: int) -> None:
    model = shaken(lesson("autoregressive")["Autoregressive"](parts=3), seed)
    torch.manual_seed(seed)
    x = model.sample(20_000)
    first = model.conditional(0, x[:1])
    assert_mean_close(x[:, 0], first.mean.item())
    assert_mean_close(x[:, 1] - model.conditional(1, x).mean.detach(), 0.0)


@pytest.mark.equation("eq-map-flow", frozen="4199d2bd")
def test_the_log_determinant_is_that_of_the_jacobian(seed: int) -> None:
    """Autograd's Jacobian by slogdet, and the inverse by composition."""
    model = shaken(lesson("coupling", "flow")["Flow"](layers=5), seed)
    x = 2 * torch.randn(7, 2, generator=seeded(seed))
    z, log_det = model(x)
    assert torch.allclose(model.inverse(z), x, atol=1e-8)
    for i in range(len(x)):
        jacobian = torch.autograd.functional.jacobian(lambda p: model(p[None])[0][0], x[i])
        assert torch.linalg.slogdet(jacobian)[1].item() == pytest.approx(
            log_det[i].item(), abs=1e-9
        )
    normal = torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
    expected = normal.log_prob(z) + log_det
    assert torch.allclose(model.log_prob(x), expected, atol=1e-10)


@pytest.mark.equation("eq-map-energy", frozen="e4216369")
def test_the_normaliser_of_a_quadratic_energy_is_that_of_a_gaussian() -> None:
    """The closed form of a Gaussian integral, with unequal curvatures and a shifted centre."""
    log_normaliser = lesson("energy")["log_normaliser"]
    a, b = 3.0, 7.0

    def quadratic(x: Tensor) -> Tensor:
        return a / 2 * (x[:, 0] - 0.3) ** 2 + b / 2 * (x[:, 1] + 0.2) ** 2

    expected = math.log(2 * math.pi / math.sqrt(a * b))
    for width, shift in ((0.05, 0.0), (0.14, 0.37)):
        assert log_normaliser(quadratic, width, shift).item() == pytest.approx(expected, abs=1e-8)


@pytest.mark.equation("eq-map-energy-gradient", frozen="aa4e4244")
def test_the_gradient_of_the_loss_is_a_difference_of_two_means(seed: int) -> None:
    """Autograd through the normaliser on a grid, against the mean over the normalised grid."""
    names = lesson("energy")
    energy = shaken(names["Energy"](), seed, scale=0.1)
    data = torch.randn(6, 2, generator=seeded(seed))
    weights = list(energy.parameters())
    loss = energy(data).mean() + names["log_normaliser"](energy, 0.2)
    direct = torch.autograd.grad(loss, weights, allow_unused=True)
    line = torch.arange(-4.0, 4.0, 0.2)
    grid = torch.cartesian_prod(line, line)
    p = (-energy(grid)).softmax(0).detach()
    difference = energy(data).mean() - (p * energy(grid)).sum()
    expected = torch.autograd.grad(difference, weights, allow_unused=True)
    for one, two in zip(direct, expected):
        if one is None or two is None:  # a constant shift of the energy has no gradient
            assert one is two
        else:
            assert torch.allclose(one, two, atol=1e-10)


@pytest.mark.equation("eq-map-langevin", frozen="8deb4da0")
def test_long_chains_have_the_variance_that_their_step_implies(seed: int) -> None:
    """The exact stationary variance 1 / (1 - h/4) of the discrete chain for a unit Gaussian."""
    langevin = lesson("langevin")["langevin"]
    torch.manual_seed(seed)
    h = 0.8
    x = langevin(lambda x: x.square().sum(1) / 2, 3 * torch.randn(20_000, 2), 60, h=h)
    assert_mean_close(x.flatten(), 0.0)
    assert_mean_close(x.square().flatten(), 1 / (1 - h / 4))


def refiners(seed: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    return lesson("diffusion", "denoise", "matching", "ode")


@pytest.mark.equation("eq-map-noising", frozen="ce7f0e5f")
def test_noising_keeps_the_variance_and_the_best_guess_is_the_conditional_mean(seed: int) -> None:
    """The regression coefficient of Gaussian data in closed form, from 40,000 noised points."""
    names = refiners(seed)
    a, s = names["noising"](torch.linspace(0, 1, 11))
    assert torch.allclose(a**2 + s**2, torch.ones(11))
    assert (a[0].item(), s[0].item()) == (1.0, 0.0)
    assert a[-1].item() == pytest.approx(0, abs=1e-12)
    t = torch.full((40_000, 1), 0.4)
    a, s = names["noising"](t)
    x, eps = STD * torch.randn(len(t), 2), torch.randn(len(t), 2)
    noisy = a * x + s * eps
    slope = (s / (a**2 * STD**2 + s**2))[0]
    assert_mean_close(((eps - slope * noisy) * noisy).flatten(), 0.0)
    # the loss of the chapter, at this best guess, is the conditional variance
    best = names["noise_loss"](lambda x_t, t: guess_of_gaussian(names, x_t, t), x)
    times = torch.linspace(0, 1, 20_001)
    a, s = names["noising"](times)
    variance = 2 * (1 - s**2 / (a**2 * STD**2 + s**2))
    assert best.item() == pytest.approx(variance.mean().item(), abs=0.05)


def guess_of_gaussian(names: dict[str, Any], x: Tensor, t: Tensor) -> Tensor:
    a, s = names["noising"](torch.as_tensor(t))
    return s / (a**2 * STD**2 + s**2) * x


def test_the_sampler_with_the_best_guess_reaches_gaussian_data(seed: int) -> None:
    names = refiners(seed)
    x = names["denoise"](
        lambda x, t: guess_of_gaussian(names, x, t), torch.randn(20_000, 2), length=800
    )
    assert_mean_close(x.flatten(), 0.0)
    assert x.std().item() == pytest.approx(STD, abs=0.012)  # 5 standard errors and the last step


def velocity_of_gaussian(x: Tensor, t: Tensor) -> Tensor:
    """E[x₁ − z | x_t] for x₁ ~ N(0, STD²): the covariance with x_t over its variance."""
    return (t * STD**2 - (1 - t)) / ((1 - t) ** 2 + t**2 * STD**2) * x


@pytest.mark.equation("eq-map-matching", frozen="335fde86")
def test_the_field_is_the_mean_direction_and_carries_noise_to_data(seed: int) -> None:
    """The closed form for Gaussian data: residuals without correlation, and exact transport."""
    names = refiners(seed)
    t = torch.full((40_000, 1), 0.35)
    z, x = torch.randn(len(t), 2), STD * torch.randn(len(t), 2)
    x_t = (1 - t) * z + t * x
    residual = (x - z) - velocity_of_gaussian(x_t, t)
    assert_mean_close((residual * x_t).flatten(), 0.0)
    start = torch.tensor([[1.0, -2.0], [0.3, 0.0]])
    end = names["transport"](velocity_of_gaussian, start, length=400)
    assert torch.allclose(end, STD * start, atol=1e-4)  # the flow of a Gaussian is a scaling


def test_the_matching_loss_is_least_at_the_closed_form(seed: int) -> None:
    names = refiners(seed)
    x = STD * torch.randn(40_000, 2)
    losses = []
    for factor in (0.8, 1.0, 1.2):
        torch.manual_seed(seed + 1)
        field = lambda x_t, t, factor=factor: factor * velocity_of_gaussian(x_t, t)  # noqa: E731
        losses.append(names["matching_loss"](field, x).item())
    assert losses[1] < min(losses[0], losses[2])


@pytest.mark.equation("eq-map-ode", frozen="be2d46fa")
def test_the_density_along_the_path_is_that_of_the_gaussian() -> None:
    """The exact log-density of N(0, STD²) in two dimensions, and second order in the step."""
    names = refiners(0)
    x = torch.tensor([[0.4, -0.9], [0.0, 0.1], [1.5, 0.7]])
    exact = Normal(0.0, STD).log_prob(x).sum(1)
    errors = []
    for length in (20, 40):
        value = names["log_prob_ode"](velocity_of_gaussian, x, length=length)
        errors.append((value - exact).abs().max().item())
    assert errors[1] < 2e-3
    assert 3.3 < errors[0] / errors[1] < 4.7


@pytest.mark.equation("eq-map-distance", frozen="b7fadbd4")
def test_the_energy_distance_is_scipys_without_the_diagonal(seed: int) -> None:
    """scipy's distance on a line, which divides by n² where the unbiased one has n(n − 1)."""
    names = lesson("distance", truth=Degenerate(), draw={}, seconds={}, energy_distance=None)
    draws = seeded(seed)
    x, y = torch.randn(30, generator=draws), 1.5 * torch.randn(40, generator=draws) + 1
    ours = names["energy_distance"](*(torch.stack([v, 0 * v], 1) for v in (x, y)))
    within = sum(torch.cdist(v[:, None], v[:, None]).mean() / (len(v) - 1) for v in (x, y))
    expected = scipy.stats.energy_distance(x.numpy(), y.numpy()) ** 2 - within.item()
    assert ours.item() == pytest.approx(expected, abs=1e-10)


class Degenerate:
    """Stands in for the true distribution where only the function of the cell is wanted."""

    def sample(self, n: int) -> Tensor:
        return torch.zeros(min(n, 10), 2)

    def log_prob(self, x: Tensor) -> Tensor:
        return x[:, 0]


def test_equal_distributions_have_no_distance_on_average(seed: int) -> None:
    energy_distance = lesson("distance", truth=Degenerate(), draw={}, seconds={})["energy_distance"]
    torch.manual_seed(seed)
    values = torch.stack(
        [energy_distance(torch.randn(40, 2), torch.randn(50, 2)) for _ in range(300)]
    )
    assert_mean_close(values, 0.0)
    assert values.min() < 0  # unbiased, so it must be able to fall below zero
    assert np.isfinite(values.numpy()).all()
