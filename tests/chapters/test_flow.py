"""The formulas of the chapter on flows against autograd, quadrature and closed forms; its cells."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import LogNormal, MultivariateNormal, Normal

from helpers.distributions import StandardUniform
from helpers.models import ContinuousFlow, DequantisedFlow, Flow
from helpers.networks import (
    MADE,
    MLP,
    ActNorm,
    Affine,
    Coupling,
    InvertibleLinear,
    LinearSpline,
    MaskedAutoregressive,
    RationalQuadraticSpline,
)
from helpers.random import seeded
from helpers.samplers import heun
from tests.chapters.cells import imported, run_cells
from tests.networks.layers import randomise
from tests.printed import tex
from tests.statistics import assert_mean_close

PAGE = "models/flow"
FIRST = torch.tensor([True, False])


def plane_flow(transform: Any = None, **options: Any) -> Flow:
    """Two couplings of the plane at random weights."""
    g = Affine() if transform is None else transform
    layers = [Coupling(MLP(1, [9], g.size, activation=nn.Tanh), m, g) for m in (FIRST, ~FIRST)]
    flow = Flow(layers, (2,), **options)
    randomise(flow, 0.5)
    return flow


def jacobian(f: Callable[[Tensor], Any], x: Tensor) -> Tensor:
    """Of the first output of f, at one example."""
    found: Tensor = torch.autograd.functional.jacobian(lambda v: f(v[None])[0][0], x)
    return found


def jacobians(f: Callable[[Tensor], Any], x: Tensor) -> Tensor:
    """Of the first output of f, at many points of the plane at once."""
    x = x.detach().requires_grad_()
    y = f(x)[0]
    rows = [torch.autograd.grad(y[:, i].sum(), x, retain_graph=True)[0] for i in (0, 1)]
    return torch.stack(rows, 1)


def log_abs_det(matrix: Tensor) -> Tensor:
    return torch.linalg.slogdet(matrix)[1]


def base(z: Tensor) -> Tensor:
    """The standard normal density in so many dimensions, without the package."""
    return MultivariateNormal(torch.zeros(len(z)), torch.eye(len(z))).log_prob(z).exp()


@pytest.mark.equation("eq-flow-change")
def test_the_change_of_variables_is_the_package(seed: int) -> None:
    """Autograd's Jacobian and torch's normal density; on a line the log-normal density."""
    flow, printed = plane_flow(), tex("eq-flow-change")
    for x in torch.randn(4, 2, generator=seeded(seed)):
        found = printed(
            {"p_0": base, "df/dx": jacobian(flow, x)}, f=lambda v: flow(v[None])[0][0], x=x
        )
        torch.testing.assert_close(found, flow.log_prob(x[None])[0])
    for x in torch.tensor([0.3, 2.5]):
        found = printed(
            {"p_0": lambda z: Normal(0.0, 1.0).log_prob(z).exp(), "df/dx": (1 / x).reshape(1, 1)},
            f=torch.log,
            x=x,
        )
        torch.testing.assert_close(found, LogNormal(0.0, 1.0).log_prob(x))


@pytest.mark.equation("eq-flow-coupling")
@pytest.mark.equation("eq-flow-coupling-inverse")
@pytest.mark.equation("eq-flow-coupling-det")
def test_the_coupling_of_the_chapter_is_the_printed_one(seed: int) -> None:
    """The printed layer and its printed inverse undo each other; autograd's Jacobian."""
    cells = run_cells(PAGE, ["coupling-scratch"])
    kept, moved = [1, 3], [0, 2, 4]
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(2, 7), nn.Tanh(), nn.Linear(7, 6))
    for x in torch.randn(3, 5):
        numbers: dict[str, Any] = {
            "s": lambda part: network(part).chunk(2)[0],
            "b": lambda part: network(part).chunk(2)[1],
        }
        there = {"x_A": x[kept], "x_B": x[moved], **numbers}
        first, second = (tex("eq-flow-coupling", statement=k)(there) for k in (0, 1))
        y, log_det = cells["coupling"](x[None], network, kept, moved)
        torch.testing.assert_close(y[0, kept], first)
        torch.testing.assert_close(y[0, moved], second)
        back = {"y_A": first, "y_B": second, **numbers}
        again = [tex("eq-flow-coupling-inverse", statement=k)(back) for k in (0, 1)]
        torch.testing.assert_close(torch.cat(again), x[kept + moved])
        torch.testing.assert_close(cells["coupling_inverse"](y, network, kept, moved)[0], x)
        scales = network(x[kept]).chunk(2)[0]
        printed = tex("eq-flow-coupling-det")(
            {"B": [1, 2, 3], "x_A": x[kept]}, s=[lambda _, v=v: v for v in scales]
        )
        matrix = jacobian(lambda v: cells["coupling"](v, network, kept, moved), x)
        torch.testing.assert_close(printed, log_abs_det(matrix))
        torch.testing.assert_close(log_det[0], log_abs_det(matrix))


@pytest.mark.equation("eq-flow-chain")
def test_the_chain_adds_what_each_layer_gives(seed: int) -> None:
    """Each layer's Jacobian by autograd, and the Jacobian of the whole."""
    flow = plane_flow()
    for x in torch.randn(3, 2, generator=seeded(seed)):
        states, matrices = [x], []
        for layer in flow.chain.parts:
            matrices.append(jacobian(layer, states[-1]))
            states.append(layer(states[-1][None])[0][0])
        found = tex("eq-flow-chain")(
            {"p_0": base, "J": dict(enumerate(matrices, 1)), "h": dict(enumerate(states)), "L": 2}
        )
        torch.testing.assert_close(found, flow.log_prob(x[None])[0])
        whole = log_abs_det(jacobian(flow, x))
        torch.testing.assert_close(found, base(states[-1]).log() + whole)
        step = tex("eq-flow-chain", statement=3)(
            f=dict(enumerate([lambda v, g=g: g(v[None])[0][0] for g in flow.chain.parts], 1)),
            h=dict(enumerate(states)),
            l=2,
        )
        torch.testing.assert_close(step, states[2])


@pytest.mark.equation("eq-flow-excess")
def test_the_excess_is_the_divergence_of_two_gaussians(seed: int) -> None:
    """The closed form for two Gaussians, by quadrature; the chapter's estimate of it."""
    p, q = Normal(0.3, 0.7), Normal(-0.2, 1.1)
    grid = torch.linspace(-8, 8, 20_001)
    weights = p.log_prob(grid).exp()
    names: dict[str, Any] = {
        "x": grid,
        "E_p": lambda values: torch.trapezoid(weights * values, grid),
    }
    densities = {"p": lambda v: p.log_prob(v).exp(), "q": lambda v: q.log_prob(v).exp()}
    entropy = tex("eq-flow-excess", statement=1)(names | densities)
    torch.testing.assert_close(entropy, p.entropy())
    found = tex("eq-flow-excess")(names | densities, H=lambda _: entropy)
    closed = torch.distributions.kl_divergence(p, q)
    torch.testing.assert_close(found, closed)

    class Law:
        def __init__(self, law: Normal) -> None:
            self.law = law

        def log_prob(self, x: Tensor) -> Tensor:
            return self.law.log_prob(x)[:, 0]

        def sample(self, n: int, *, rng: torch.Generator) -> Tensor:
            return self.law.mean + self.law.stddev * torch.randn(n, 1, generator=rng)

    cells = run_cells(PAGE, ["moons-excess"], **imported(PAGE), seed=seed)
    value, error = cells["excess"](Law(q), Law(p))
    assert abs(value - closed.item()) < 5 * error


@pytest.mark.equation("eq-flow-spline")
@pytest.mark.equation("eq-flow-spline-slope")
def test_the_spline_is_the_printed_quotient(seed: int) -> None:
    """The package's value and log-slope, autograd's derivative, and the values at the knots."""
    g = RationalQuadraticSpline(4, bound=2.5)
    raw = torch.randn(g.size, generator=seeded(seed))
    xs, ys, slopes = (part[0] for part in g._knots(raw[None]))
    for k in range(4):
        dx, dy = xs[k + 1] - xs[k], ys[k + 1] - ys[k]
        names = {"Delta": 1, "k": k} | {
            f"{name}_{i}": values[j]
            for name, values in (("y", ys), ("d", slopes))
            for i, j in (("k", k), ("k+1", k + 1))
        }
        for t in (0.0, 0.23, 0.71, 1.0):
            here = names | {"y": dy, "s": dy / dx, "t": torch.tensor(t)}
            here |= {"Delta y": dy}
            value = tex("eq-flow-spline")(here)
            x = (xs[k] + t * dx).requires_grad_()
            y, log_slope = g(x[None], raw[None])
            torch.testing.assert_close(value, y[0], atol=1e-7, rtol=1e-7)
            slope = tex("eq-flow-spline-slope")(here)
            if 0 < t < 1:
                torch.testing.assert_close(slope, torch.autograd.grad(y.sum(), x)[0])
                torch.testing.assert_close(slope.log(), log_slope[0])


@pytest.mark.equation("eq-flow-linear")
@pytest.mark.equation("eq-flow-actnorm")
@pytest.mark.equation("eq-flow-masked")
def test_other_layers_have_the_printed_determinants(seed: int) -> None:
    """Autograd's Jacobian of each layer, on images of 3 channels and 2 × 5 pixels, on 4 values."""
    torch.manual_seed(seed)
    x = torch.randn(1, 3, 2, 5)
    linear, norm = InvertibleLinear(3), ActNorm(3)
    for layer in (linear, norm):
        randomise(layer, 0.5)
        matrix = jacobian(layer, x[0]).reshape(30, 30)
        if layer is linear:
            found = tex("eq-flow-linear")({"lambda": linear.log_diagonal, "C": 3, "H": 2, "W": 5})
        else:
            found = tex("eq-flow-actnorm", statement=1)(H=2, W=5, s=norm.log_scale)
        torch.testing.assert_close(found, log_abs_det(matrix))
    y = tex("eq-flow-actnorm")(c=2, s=norm.log_scale, x=x[0], b=norm.shift)
    torch.testing.assert_close(y, norm(x)[0][0, 1])

    masked = MaskedAutoregressive(MADE(4, [9], 2), Affine(largest=1e6))
    randomise(masked, 0.5)
    v = torch.randn(4)
    numbers = masked.network(v[None])[0]

    def entry(d: int, column: int) -> Callable[[Tensor], Tensor]:
        def of_before(_: Any) -> Tensor:
            other = torch.cat([v[: d - 1], torch.randn(5 - d)])  # what follows does not matter
            found: Tensor = masked.network(other[None])[0, d - 1, column]
            return found

        return of_before

    scales = {d: entry(d, 0) for d in range(1, 5)}
    shifts = {d: entry(d, 1) for d in range(1, 5)}
    assert numbers.shape == (4, 2)
    for d in range(1, 5):
        moved = tex("eq-flow-masked")(
            {"d": d, "x_<d": v[: d - 1], "x": v, "s": scales, "b": shifts}
        )
        torch.testing.assert_close(moved, masked(v[None])[0][0, d - 1])
    total = tex("eq-flow-masked", statement=1)({"D": 4, "x_<d": None, "s": scales})
    torch.testing.assert_close(total, log_abs_det(jacobian(masked, v)))


def cells_of(points: int) -> Tensor:
    """Middles of so many parts of [0, 1) along both coordinates."""
    side = (torch.arange(points) + 0.5) / points
    return torch.cartesian_prod(side, side)


@pytest.mark.equation("eq-flow-dequantise")
@pytest.mark.equation("eq-flow-variational")
def test_the_bounds_are_bounds_and_the_best_noise_closes_the_gap(seed: int) -> None:
    """Quadrature over the cells of two pixels with three levels; their probabilities add to 1."""
    g = RationalQuadraticSpline(4, bound=2.5)
    inner = plane_flow(g)

    def density(x: Tensor) -> Tensor:
        """On the unit square, by the logistic map of the plane."""
        y = (x / (1 - x)).log()
        return inner.log_prob(y).exp() / (x * (1 - x)).prod(1)

    u, total = cells_of(200), torch.tensor(0.0)
    for k in torch.cartesian_prod(torch.arange(3), torch.arange(3)):
        names = {"k": k, "K": 3, "D": 2, "u": u, "p": density}
        exact = tex("eq-flow-dequantise", side=1)(names, int=torch.mean)
        total = total + exact.exp()
        bound = tex("eq-flow-dequantise")(names, E_u=torch.mean)
        assert bound <= exact
        weights = density((k + u) / 3)
        best = weights / weights.mean()

        def expectation(values: Tensor, best: Tensor = best) -> Tensor:
            return (best * values).mean()

        tight = tex("eq-flow-variational")(
            names | {"q": lambda *_, best=best: best, "E_q": expectation, "E": expectation}
        )
        torch.testing.assert_close(tight, exact)
        uniform = tex("eq-flow-variational")(
            names | {"q": lambda *_: torch.ones(len(u)), "E_q": torch.mean, "E": torch.mean}
        )
        torch.testing.assert_close(uniform, bound)
    assert total.item() == pytest.approx(1, abs=5e-3)


@pytest.mark.equation("eq-flow-dequantise")
def test_the_package_draws_the_printed_bound(seed: int) -> None:
    """Its single draws have the bound by quadrature as their mean."""
    g = LinearSpline(5)
    flow = plane_flow(g, base=StandardUniform())
    model, k = DequantisedFlow(flow, 3), torch.tensor([1, 2])
    u = cells_of(300)
    bound = tex("eq-flow-dequantise")(
        {"k": k, "K": 3, "D": 2, "u": u, "p": lambda x: flow.log_prob(x).exp()}, E_u=torch.mean
    )
    draws = model.log_weights(k.expand(4000, 2), rng=seeded(seed))
    assert_mean_close(draws.detach(), bound.item())


@pytest.mark.equation("eq-flow-histogram")
def test_the_straight_pieces_are_an_integrated_histogram(seed: int) -> None:
    """Quadrature of the histogram's density, and the package."""
    g = LinearSpline(4)
    raw = torch.randn(4, generator=seeded(seed))
    p = dict(enumerate(raw.softmax(0)))
    for x in torch.tensor([0.1, 0.33, 0.61, 0.95]):
        k = tex("eq-flow-histogram", statement=1)(K=4, x=x)
        names = {"p": p, "K": 4, "k": int(k), "x": x}
        y, log_slope = g(x[None], raw[None])
        torch.testing.assert_close(tex("eq-flow-histogram")(names), y[0])
        torch.testing.assert_close(tex("eq-flow-histogram", statement=2)(names).log(), log_slope[0])
        grid = (torch.arange(20_000) + 0.5) / 20_000 * x
        area = (4 * raw.softmax(0)[(4 * grid).long()]).mean() * x
        torch.testing.assert_close(y[0], area, atol=1e-3, rtol=0)


@pytest.mark.equation("eq-flow-temperature")
def test_the_density_at_a_temperature_is_that_of_the_draws(seed: int) -> None:
    """Its integral over the plane, and of a linear flow the Gaussian that its draws have."""
    flow, T, printed = plane_flow(), 0.6, tex("eq-flow-temperature")
    randomise(flow, 0.3)
    side = torch.linspace(-9, 9, 361)
    x = torch.cartesian_prod(side, side)
    found = printed(
        {"p_0": lambda z: (-z.square().sum(1) / 2).exp() / (2 * math.pi), "T": T, "D": 2},
        **{"df/dx": jacobians(flow, x), "f": lambda v: flow(v)[0], "x": x},
    )
    assert (found.exp().sum() * 0.05**2).item() == pytest.approx(1, abs=1e-3)
    W = torch.tensor([[0.8, -0.3], [0.4, 1.2]])
    x = torch.tensor([0.5, -0.7])
    found = printed({"p_0": base, "df/dx": W}, f=lambda v: W @ v, x=x, T=T, D=2)
    back = torch.linalg.inv(W)
    law = MultivariateNormal(torch.zeros(2), T**2 * back @ back.T)
    torch.testing.assert_close(found, law.log_prob(x))


@pytest.mark.equation("eq-flow-instantaneous")
def test_the_trace_along_the_path_is_the_log_determinant(seed: int) -> None:
    """Autograd's Jacobian of a fine solution, and the package's density."""
    field = MLP(3, [8], 2, activation=nn.Tanh)
    randomise(field, 0.6)
    n = 400
    flow = ContinuousFlow(field, 2, steps=n)

    def solve(x: Tensor) -> list[Tensor]:
        states = [x]
        for i in range(n):
            states.append(heun(flow.velocity, i / n, states[-1], 1 / n))
        return states

    for x in torch.randn(2, 2, generator=seeded(seed)):
        states = [state.detach()[0] for state in solve(x[None])]
        matrices = [
            jacobian(lambda v, i=i: [flow.velocity(i / n, v)], state)
            for i, state in enumerate(states)
        ]

        def integral(values: Tensor) -> Tensor:
            return torch.trapezoid(values, dx=1 / n)

        found = tex("eq-flow-instantaneous")(
            {
                "p_0": base,
                "x_1": states[-1],
                "x_t": None,
                "t": None,
                "dv/dx": lambda *_, m=matrices: torch.stack(m),
                "tr": lambda stack: stack.diagonal(dim1=-2, dim2=-1).sum(-1),
                "int_0^1": integral,
                "int": integral,
            }
        )
        whole = log_abs_det(jacobian(lambda v: [solve(v)[-1]], x))
        torch.testing.assert_close(found, base(states[-1]).log() + whole, atol=1e-4, rtol=0)
        torch.testing.assert_close(found, flow.log_prob(x[None])[0], atol=1e-4, rtol=0)


@pytest.mark.equation("eq-flow-hutchinson")
def test_the_estimate_of_the_trace_is_unbiased(seed: int) -> None:
    """All sixteen vectors of signs in turn, and normal draws."""
    A = torch.randn(4, 4, generator=seeded(seed))
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 4)
    printed = tex("eq-flow-hutchinson")
    values = torch.stack(
        [printed({"A": A, "varepsilon": e, "E": lambda value: value}) for e in signs]
    )
    torch.testing.assert_close(values.mean(), A.trace())
    normal = torch.randn(3000, 4, generator=seeded(seed + 1))
    draws = [printed({"A": A, "varepsilon": e, "E": lambda value: value}) for e in normal]
    assert_mean_close(torch.stack(draws), A.trace())


def test_the_reported_nats_of_a_pixel_are_its_entropy_and_what_the_noise_hides() -> None:
    """By hand: three levels with the probabilities 1/2, 1/3 and 1/6."""
    P = torch.tensor([1 / 2, 1 / 3, 1 / 6])
    reported = run_cells(PAGE, ["pixel-nats"], **imported(PAGE), P=P, K=3)["reported"]
    entropy = math.log(2) / 2 + math.log(3) / 3 + math.log(6) / 6
    assert reported(torch.tensor([0.25] * 4)).item() == pytest.approx(entropy)
    half = torch.tensor([0.5, 0.5, 0.0, 0.0])
    assert reported(half).item() == pytest.approx(entropy - math.log(2))


def stand_ins() -> dict[str, Any]:
    """What the cell of the mixture needs of cells that train."""
    points = torch.randn(50, 2)
    return {
        "seed": 0,
        "steps": 0,
        "spline": None,
        "rings": {},
        "ring": SimpleNamespace(sample=lambda *_, **__: points),
        "plane_flow": lambda *_, **__: None,
        "train": lambda flow, *_: flow,
    }


def test_the_mixture_base_is_a_density_and_its_draws_have_it(seed: int) -> None:
    """Its integral over the plane; the mean of its draws by its weights and means."""
    torch.manual_seed(seed)
    cells = imported(PAGE)
    cells = run_cells(PAGE, ["mixture-base", "mixture-sample"], **cells, **stand_ins())
    law = cells["MixtureBase"](torch.randn(3, 2))
    randomise(law, 0.6)
    side = torch.linspace(-12, 12, 801)
    mass = law.log_prob(torch.cartesian_prod(side, side)).exp().sum() * (24 / 800) ** 2
    assert mass.item() == pytest.approx(1, abs=1e-3)
    with torch.no_grad():
        drawn = law.sample((20_000, 2), law.means, seeded(seed))
    assert_mean_close(drawn, (law.logits.softmax(0) @ law.means).detach())
