"""The small models of the map, against quadrature, autograd and Gaussian closed forms."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from torch import Tensor, nn
from torch.distributions import Normal

from helpers.networks import MLP
from helpers.random import seeded
from tests.chapters.cells import run_cells
from tests.printed import tex
from tests.statistics import assert_mean_close

PAGE = "concepts/map_of_model_families"
STD = 0.7  # of the one-dimensional Gaussian data that have closed forms


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    """The chapter's cells `ids`."""
    known = run_cells(PAGE, ["imports"], seed=0) | {
        "MLP": MLP,
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


@pytest.mark.equation("eq-map-autoregressive")
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


@pytest.mark.equation("eq-map-autoregressive")
def test_the_log_density_is_the_sum_over_mixtures_written_out(seed: int) -> None:
    """Mixtures of normal densities with SciPy, from the raw outputs of the chapter's network."""
    model = shaken(lesson("autoregressive")["Autoregressive"](parts=3), seed)
    x = torch.tensor([[-0.4, 0.3], [0.9, -1.2]])

    def density(coordinate: tuple[int, float], point: Tensor) -> float:
        d, value = coordinate
        raw = model.first if d == 0 else model.second(point[None, :1])[0]
        logits, mean, log_std = raw.detach().numpy().reshape(3, 3)
        parts = scipy.stats.norm.pdf(value, mean, np.exp(log_std))
        return float(scipy.special.softmax(logits) @ parts)

    printed = tex("eq-map-autoregressive")
    for point in x:
        coordinates = list(enumerate(point.tolist()))
        found = printed({"x_<d": point}, p=density, x=coordinates, D=2)
        assert found == pytest.approx(model.log_prob(point[None]).item())


def test_autoregressive_samples_have_the_mean_of_the_density(seed: int) -> None:
    model = shaken(lesson("autoregressive")["Autoregressive"](parts=3), seed)
    torch.manual_seed(seed)
    x = model.sample(20_000)
    first = model.conditional(0, x[:1])
    assert_mean_close(x[:, 0], first.mean.item())
    assert_mean_close(x[:, 1] - model.conditional(1, x).mean.detach(), 0.0)


@pytest.mark.equation("eq-map-flow")
def test_the_log_determinant_is_that_of_the_jacobian(seed: int) -> None:
    """Autograd's Jacobian by slogdet, and the inverse by composition."""
    model = shaken(lesson("coupling", "flow")["Flow"](layers=5), seed, scale=0.1)
    with torch.no_grad():
        x = model.inverse(torch.randn(7, 2, generator=seeded(seed)))
    z, log_det = model(x)
    assert torch.allclose(model.inverse(z), x, atol=1e-8)
    normal = torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
    printed = tex("eq-map-flow")
    for i in range(len(x)):
        jacobian = torch.autograd.functional.jacobian(lambda p: model(p[None])[0][0], x[i])
        assert torch.linalg.slogdet(jacobian)[1].item() == pytest.approx(
            log_det[i].item(), abs=1e-9
        )
        found = printed(
            {"df(x)/dx": jacobian, "p_z": lambda z: normal.log_prob(z).exp()},
            f=lambda v: model(v[None])[0][0],
            x=x[i],
        )
        assert found.item() == pytest.approx(model.log_prob(x[i : i + 1]).item(), abs=1e-9)
    expected = normal.log_prob(z) + log_det
    assert torch.allclose(model.log_prob(x), expected, atol=1e-10)


@pytest.mark.equation("eq-map-energy")
def test_the_normaliser_of_a_quadratic_energy_is_that_of_a_gaussian() -> None:
    """The closed form of a Gaussian integral, with unequal curvatures and a shifted centre."""
    log_normaliser = lesson("log-normaliser")["log_normaliser"]
    a, b = 3.0, 7.0

    def quadratic(x: Tensor) -> Tensor:
        return a / 2 * (x[:, 0] - 0.3) ** 2 + b / 2 * (x[:, 1] + 0.2) ** 2

    expected = math.log(2 * math.pi / math.sqrt(a * b))
    for width, shift in ((0.05, 0.0), (0.14, 0.37)):
        assert log_normaliser(quadratic, width, shift).item() == pytest.approx(expected, abs=1e-8)
    line = torch.arange(-4.0, 4.0, 0.14)
    z = tex("eq-map-energy", statement=1)(
        E=quadratic, x=torch.cartesian_prod(line, line), int=lambda values: values.sum() * 0.14**2
    )
    assert z.log().item() == pytest.approx(expected, abs=1e-8)
    x = torch.tensor([[0.5, 0.1], [-0.2, -0.4]])
    normal = torch.distributions.MultivariateNormal(
        torch.tensor([0.3, -0.2]), torch.diag(torch.tensor([1 / a, 1 / b]))
    )
    density = tex("eq-map-energy")(E=quadratic, Z=z, x=x)
    torch.testing.assert_close(density.log(), normal.log_prob(x))


@pytest.mark.equation("eq-map-energy-gradient")
def test_the_gradient_is_that_of_the_normalised_gaussian(seed: int) -> None:
    """The gradient of a Gaussian's log-density on paper; log_normaliser's by finite differences."""
    log_normaliser = lesson("log-normaliser")["log_normaliser"]
    theta = torch.tensor([3.0, 0.3, 7.0, -0.2])  # curvature and centre of each coordinate

    def energy(x: Tensor, theta: Tensor) -> Tensor:
        a, m, b, n = theta
        return a / 2 * (x[..., 0] - m) ** 2 + b / 2 * (x[..., 1] - n) ** 2

    def slope(x: Tensor) -> Tensor:
        """Of the energy at each point: (..., 2) to (..., 4)."""
        a, m, b, n = theta
        one, two = x[..., 0], x[..., 1]
        parts = [(one - m) ** 2 / 2, -a * (one - m), (two - n) ** 2 / 2, -b * (two - n)]
        return torch.stack(parts, -1)

    x = torch.randn(2, generator=seeded(seed)) + torch.tensor([1.5, -0.9])
    line = torch.arange(-4.0, 4.0, 0.05)
    grid = torch.cartesian_prod(line, line)
    weights = (-energy(grid, theta)).softmax(0)
    found = tex("eq-map-energy-gradient")(
        {"nabla_theta_E": slope, "x'": grid, "E": lambda values: weights @ values}, x=x
    )
    # −log p = E(x) − ½ log a − ½ log b + log 2π, and E does the rest.
    expected = slope(x) - torch.tensor([1 / (2 * theta[0]), 0.0, 1 / (2 * theta[2]), 0.0])
    torch.testing.assert_close(found, expected, atol=1e-8, rtol=0)
    # And by finite differences of the loss with which the chapter trains.
    step = 1e-4
    for i, unit in enumerate(torch.eye(4)):
        ends = [
            energy(x, theta + h * unit)
            + log_normaliser(lambda v, h=h, unit=unit: energy(v, theta + h * unit), 0.1)
            for h in (step, -step)
        ]
        assert ((ends[0] - ends[1]) / (2 * step)).item() == pytest.approx(found[i].item(), abs=1e-5)


def test_the_network_of_the_chapter_has_this_gradient_too(seed: int) -> None:
    names = lesson("energy", "log-normaliser")
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


@pytest.mark.equation("eq-map-langevin")
def test_long_chains_have_the_variance_that_their_step_implies(seed: int) -> None:
    """The exact stationary variance 1 / (1 - h/4) of the discrete chain for a unit Gaussian."""
    langevin = lesson("langevin")["langevin"]
    torch.manual_seed(seed)
    h = 0.8
    x = langevin(lambda x: x.square().sum(1) / 2, 3 * torch.randn(20_000, 2), 60, h=h)
    assert_mean_close(x.flatten(), 0.0)
    assert_mean_close(x.square().flatten(), 1 / (1 - h / 4))
    start = torch.randn(20_000, 2) / math.sqrt(1 - h / 4)  # where the chain stays
    torch.manual_seed(seed + 1)
    end = langevin(lambda x: x.square().sum(1) / 2, start, 1, h=h)
    torch.manual_seed(seed + 1)
    found = tex("eq-map-langevin")(
        {"x_t": start, "varepsilon_t": torch.randn(20_000, 2), "nabla_E": lambda x: x}, h=h
    )
    torch.testing.assert_close(found, end)
    assert_mean_close(found.square().flatten(), 1 / (1 - h / 4))


def refiners(seed: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    return lesson("field", "diffusion", "denoise", "matching", "transport", "ode")


@pytest.mark.equation("eq-map-noising")
def test_noising_keeps_the_variance_and_the_best_guess_is_the_conditional_mean(seed: int) -> None:
    """The regression coefficient of Gaussian data in closed form, from 40,000 noised points."""
    names = refiners(seed)
    times = torch.linspace(0, 1, 11)
    a, s = names["noising"](times)
    assert torch.allclose(a**2 + s**2, torch.ones(11))
    assert (a[0].item(), s[0].item()) == (1.0, 0.0)
    assert a[-1].item() == pytest.approx(0, abs=1e-12)
    assert torch.allclose(tex("eq-map-noising", statement=1)(t=times), a)
    assert torch.allclose(tex("eq-map-noising", statement=2)(t=times), s)
    t = torch.full((40_000, 1), 0.4)
    a, s = names["noising"](t)
    x, eps = STD * torch.randn(len(t), 2), torch.randn(len(t), 2)
    noisy = a * x + s * eps
    slope = (s / (a**2 * STD**2 + s**2))[0]
    assert_mean_close(((eps - slope * noisy) * noisy).flatten(), 0.0)
    # the loss of the chapter shows its network these points, and nothing else
    shown = {}
    torch.manual_seed(seed)
    names["noise_loss"](lambda x_t, t: shown.setdefault("x", x_t), x)
    torch.manual_seed(seed)
    t, eps = torch.rand(len(x), 1), torch.randn_like(x)
    levels = {
        "a": lambda t: torch.cos(math.pi / 2 * t),
        "s": lambda t: torch.sin(math.pi / 2 * t),
    }
    for d in (0, 1):
        printed = tex("eq-map-noising")(levels, x=x[:, d], varepsilon=eps[:, d], t=t[:, 0])
        torch.testing.assert_close(printed, shown["x"][:, d])
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


@dataclass
class Divergence:
    """Before a field at points (N, D): its divergence there, (N,)."""

    points: Tensor

    def __mul__(self, field: Tensor) -> Tensor:
        rows = [
            torch.autograd.grad(column.sum(), self.points, retain_graph=True)[0]
            for column in field.T
        ]
        return sum((row[:, d] for d, row in enumerate(rows)), torch.zeros(len(field)))


@pytest.mark.equation("eq-map-matching")
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
    # the loss of the chapter shows its network the points of the straight lines
    shown = {}
    torch.manual_seed(seed)
    names["matching_loss"](lambda x_t, t: shown.setdefault("x", x_t), x)
    torch.manual_seed(seed)
    t, z = torch.rand(len(x), 1), torch.randn_like(x)
    for d in (0, 1):
        printed = tex("eq-map-matching")(t=t[:, 0], z=z[:, d], x=x[:, d])
        torch.testing.assert_close(printed, shown["x"][:, d])


@pytest.mark.equation("eq-map-matching")
def test_the_mean_direction_by_quadrature() -> None:
    """Over all lines in one dimension through a point, weighted by the densities of their ends."""
    z = torch.linspace(-9, 9, 3001)
    for t, x_t in ((0.35, 0.6), (0.8, -1.1)):
        x = (x_t - (1 - t) * z) / t
        weights = (Normal(0.0, 1.0).log_prob(z) + Normal(0.0, STD).log_prob(x)).softmax(0)

        def given(values: Tensor, point: float, x_t: float = x_t, w: Tensor = weights) -> Tensor:
            assert point == x_t
            return w @ values

        found = tex("eq-map-matching", statement=1)({"x_t": x_t, "E": given}, x=x, z=z)
        expected = velocity_of_gaussian(torch.tensor(x_t), torch.tensor(t))
        torch.testing.assert_close(found, expected)


def test_the_matching_loss_is_least_at_the_closed_form(seed: int) -> None:
    names = refiners(seed)
    x = STD * torch.randn(40_000, 2)
    losses = []
    for factor in (0.8, 1.0, 1.2):
        torch.manual_seed(seed + 1)
        field = lambda x_t, t, factor=factor: factor * velocity_of_gaussian(x_t, t)  # noqa: E731
        losses.append(names["matching_loss"](field, x).item())
    assert losses[1] < min(losses[0], losses[2])


@pytest.mark.equation("eq-map-ode")
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
    t = ((torch.arange(2000) + 0.5) / 2000)[:, None]
    for point, expected in zip(x, exact):
        start = point / STD  # the path of the Gaussian's field is known: a scaling
        path = ((1 - t) ** 2 + t**2 * STD**2).sqrt() * start
        found = tex("eq-map-ode")(
            {"x_0": start, "x_t": path.requires_grad_(), "int_0^1": lambda values: values.mean()},
            p_z=lambda z: Normal(0.0, 1.0).log_prob(z).sum().exp(),
            div=Divergence(path),
            **{"v": velocity_of_gaussian, "t": t},
        )
        assert found.item() == pytest.approx(expected.item(), abs=1e-6)


@pytest.mark.equation("eq-map-distance")
def test_the_energy_distance_is_scipys_without_the_diagonal(seed: int) -> None:
    """scipy's distance on a line, which divides by n² where the unbiased one has n(n − 1)."""
    names = lesson("distance")
    draws = seeded(seed)
    x, y = torch.randn(30, generator=draws), 1.5 * torch.randn(40, generator=draws) + 1
    ours = names["energy_distance"](*(torch.stack([v, 0 * v], 1) for v in (x, y)))
    within = sum(torch.cdist(v[:, None], v[:, None]).mean() / (len(v) - 1) for v in (x, y))
    scipys = scipy.stats.energy_distance(x.numpy(), y.numpy()) ** 2
    assert ours.item() == pytest.approx(scipys - within.item(), abs=1e-10)
    # The printed means over all pairs, each point with itself too: SciPy's, for a few points.
    x, y = x[:4, None], y[:3, None]
    printed = tex("eq-map-distance", side=1)
    found = [
        printed({"X": a, "X'": b, "Y": c, "Y'": d}, E=lambda value: value)
        for a, b, c, d in itertools.product(x, x, y, y)
    ]
    expected = scipy.stats.energy_distance(x[:, 0].numpy(), y[:, 0].numpy()) ** 2
    assert torch.stack(found).mean().item() == pytest.approx(expected, abs=1e-10)


def test_equal_distributions_have_no_distance_on_average(seed: int) -> None:
    energy_distance = lesson("distance")["energy_distance"]
    torch.manual_seed(seed)
    values = torch.stack(
        [energy_distance(torch.randn(40, 2), torch.randn(50, 2)) for _ in range(300)]
    )
    assert_mean_close(values, 0.0)
    assert values.min() < 0  # unbiased, so it must be able to fall below zero
    assert np.isfinite(values.numpy()).all()
