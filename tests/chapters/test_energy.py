"""The printed formulas of the energy chapter against sums, quadrature and autograd."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, Normal

from benchmarks.record import RESULTS
from helpers.models import EnergyModel
from helpers.objectives import (
    denoising_score_matching,
    noise_contrastive,
    score_matching,
    score_of,
    sliced_score_matching,
)
from helpers.random import seeded
from helpers.samplers import annealed_log_weights, langevin, metropolis_langevin
from tests.chapters.cells import BOOK, imported, run_cells
from tests.models.test_rbm import Exact, rbm
from tests.printed import tex
from tests.statistics import assert_mean_close

PAGE = "models/energy"
COVARIANCE = torch.tensor([[0.9, 0.4], [0.4, 0.7]], dtype=torch.float64)


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    return run_cells(PAGE, list(ids), **imported(PAGE), **names)


@pytest.mark.equation("eq-energy-density")
def test_the_density_is_normal_where_the_network_is_linear(seed: int) -> None:
    """The normal density with its mean moved by the network's slope, by completing the square."""
    network = nn.Linear(1, 1, bias=False).double()
    slope = -0.7 - 0.1 * (seed % 5)
    nn.init.constant_(network.weight, slope)
    model = EnergyModel(network, (1,))
    line = torch.linspace(-12, 14, 4001)
    z = tex("eq-energy-density", statement=1)(
        E=lambda x: model.energy(x[:, None]), x=line, int=lambda v: torch.trapezoid(v, line)
    )
    assert z.item() == pytest.approx(math.sqrt(2 * math.pi) * math.exp(slope**2 / 2))
    x = torch.tensor([0.3, -1.2])
    density = tex("eq-energy-density")(E=lambda x: model.energy(x[:, None]), Z=z, x=x)
    torch.testing.assert_close(density.log(), Normal(-slope, 1.0).log_prob(x))


def network_on_all_images(seed: int) -> tuple[dict[str, Any], Tensor]:
    """The chapter's cell, and the slope of each image's energy: (16, ...)."""
    torch.manual_seed(seed)
    cells = lesson("gradient-check")
    slopes = torch.stack([cells["slope"](one) for one in cells["energy"]])
    return cells, slopes


@pytest.mark.equation("eq-energy-log-z")
def test_the_slope_of_log_z_is_minus_a_mean(seed: int) -> None:
    """Autograd through the sum over all images."""
    cells, slopes = network_on_all_images(seed)
    energy, p = cells["energy"].detach(), cells["p"]
    expected = cells["slope"](torch.logsumexp(-cells["energy"], 0))
    names = {
        "x": torch.arange(16),
        "E": lambda i: energy[i, None, None],
        "nabla_theta_E": lambda i: slopes[i],
        "p": lambda i: p[i, None, None],
        "Z": (-energy).exp().sum(),
        "int": lambda values: values.sum(0),
    }
    for side in (1, 2):
        torch.testing.assert_close(tex("eq-energy-log-z", side=side)(names), expected)


@pytest.mark.equation("eq-energy-gradient")
def test_the_gradient_is_that_of_the_negative_log_likelihood(seed: int) -> None:
    """Autograd through −log p, which has the normaliser in it."""
    cells, slopes = network_on_all_images(seed)
    p = cells["p"]
    found = tex("eq-energy-gradient")(
        {"nabla_theta_E": lambda i: slopes[i], "x^-": torch.arange(16)},
        x=3,
        E=lambda values: torch.einsum("i,i...->...", p, values),
    )
    torch.testing.assert_close(found, cells["direct"])


@pytest.mark.equation("eq-energy-langevin")
@pytest.mark.equation("eq-energy-bias")
def test_chains_stay_at_the_variance_that_the_step_implies(seed: int) -> None:
    """The fixed point of the variance, by iteration; draws of one step; the chapter's own step."""
    h, curvature = 0.6, 1.7
    v = 1.0
    for _ in range(500):
        v = (1 - h * curvature / 2) ** 2 * v + h
    stationary = tex("eq-energy-bias")({"lambda": curvature}, h=h)
    assert stationary == pytest.approx(v, rel=1e-12)

    def energy(x: Tensor) -> Tensor:
        return curvature * x.square().sum(1) / 2

    start = math.sqrt(stationary) * torch.randn(40_000, 2, generator=seeded(seed))
    end = langevin(energy, start, steps=1, step_size=h, rng=seeded(seed + 1))
    eps = torch.randn(start.shape, generator=seeded(seed + 1))
    printed = tex("eq-energy-langevin")(
        {"x_t": start, "varepsilon_t": eps, "nabla_E": lambda x: curvature * x}, h=h
    )
    torch.testing.assert_close(printed, end)
    torch.testing.assert_close(
        lesson("langevin-scratch")["langevin_step"](energy, start, h, eps), end
    )
    assert_mean_close(printed.square().flatten(), stationary)


@pytest.mark.equation("eq-energy-acceptance")
def test_probability_flows_equally_in_both_directions(seed: int) -> None:
    """Detailed balance at pairs of points, and the decisions of the package with the same draws."""
    h, n = 0.5, 300

    def energy(x: Tensor) -> Tensor:
        return (x.square().sum(1) - 1).square() + 0.3 * x.sum(1)

    score = score_of(energy)

    def proposal(to: Tensor, at: Tensor) -> Tensor:
        with torch.no_grad():
            mean = at + h / 2 * score(at[None])[0]
        return Normal(mean, math.sqrt(h)).log_prob(to).sum().exp()

    def accept(x: Tensor, new: Tensor) -> Tensor:
        return tex("eq-energy-acceptance")(
            {"x": x, "x'": new, "E": lambda x: energy(x[None])[0], "q": proposal}
        )

    x = torch.randn(n, 2, generator=seeded(seed))
    rng = seeded(seed + 1)
    eps = torch.randn(x.shape, generator=rng)
    u = torch.rand(n, generator=rng)
    with torch.no_grad():
        new = x + h / 2 * score(x) + math.sqrt(h) * eps
    chosen = torch.stack([torch.as_tensor(accept(a, b)) for a, b in zip(x, new)])
    moved, _ = metropolis_langevin(energy, x, steps=1, step_size=h, rng=seeded(seed + 1))
    clear = (u - chosen).abs() > 1e-9
    torch.testing.assert_close(moved[clear], torch.where((u < chosen)[:, None], new, x)[clear])
    for a, b in zip(x[:20], new[:20]):
        there = (-energy(a[None])).exp() * proposal(b, a) * accept(a, b)
        back = (-energy(b[None])).exp() * proposal(a, b) * accept(b, a)
        torch.testing.assert_close(there, back)


@pytest.mark.equation("eq-energy-rbm")
@pytest.mark.equation("eq-energy-free")
def test_the_machine_has_the_printed_energies(seed: int) -> None:
    """A table of all pairs of states, and sums over its rows."""
    torch.manual_seed(seed)
    model = rbm((1, 2, 2), 3)
    exact = Exact(model)
    W, b, c = (p.detach() for p in (model.weight, model.visible_bias, model.hidden_bias))
    scratch = lesson("rbm-scratch")["free_energy"]

    def energy(x: Tensor, h: Tensor) -> Any:
        return tex("eq-energy-rbm")(W=W, b=b, c=c, x=x, h=h)

    expected = (-exact.log_p - exact.log_z).detach()
    torch.testing.assert_close(scratch(exact.rows, W, b, c), expected)
    for i in (0, 3, 6, 13, 15):
        x = exact.rows[i]
        for j in (0, 2, 5, 7):
            torch.testing.assert_close(energy(x, exact.h[j]), exact.energy[i, j].detach())
        summed = tex("eq-energy-free", side=1)({"h": list(exact.h), "E": energy, "x": x})
        closed = tex("eq-energy-free")(W=W, b=b, c=c, x=x)
        torch.testing.assert_close(torch.as_tensor(summed), expected[i])
        torch.testing.assert_close(torch.as_tensor(closed), expected[i])


@pytest.mark.equation("eq-energy-ais")
def test_annealed_weights_are_the_printed_sum_and_their_mean_is_a_ratio(seed: int) -> None:
    """Enumeration of the machine's normaliser; the sum along chains that were written down."""
    torch.manual_seed(seed)
    model = rbm((2, 2), 3)
    betas = [0.0, 0.2, 0.45, 0.7, 1.0]
    path: list[Tensor] = []
    rng = seeded(seed)

    @torch.no_grad()
    def energy(x: Tensor, beta: float) -> Tensor:
        return model._free_energy(x, beta)

    def move(x: Tensor, beta: float) -> Tensor:
        path.append(x)
        return model._gibbs(x, 1, beta, rng)

    first = torch.bernoulli(model.base.sigmoid().expand(100_000, -1), generator=rng)
    log_w = annealed_log_weights(energy, move, first, betas)
    printed = tex("eq-energy-ais")(
        {
            "K": 4,
            "beta": dict(enumerate(betas)),
            "x": dict(enumerate(path)),
            "F": energy,
        }
    )
    torch.testing.assert_close(printed, log_w)
    base = nn.functional.softplus(model.base).sum() + 3 * math.log(2)
    ratio = tex("eq-energy-ais", statement=1)(
        {"Z": {0: base.exp(), 1: Exact(model).log_z.detach().exp()}}
    )
    assert_mean_close(log_w.exp(), ratio)


def bent(x: Tensor) -> Tensor:
    """A score that is none: its Jacobian is not symmetric."""
    one, two = x[..., 0], x[..., 1]
    return torch.stack([torch.sin(one) - 0.6 * two, 0.4 * one * two - two], -1)


def jacobian(x: Tensor) -> Tensor:
    return torch.autograd.functional.jacobian(bent, x)


@pytest.mark.equation("eq-energy-parts")
def test_the_cross_term_is_the_mean_of_a_trace() -> None:
    """Quadrature of all three sides on a normal density."""
    normal = MultivariateNormal(torch.zeros(2), COVARIANCE)
    precision = torch.linalg.inv(COVARIANCE)
    line = torch.linspace(-6, 6, 41)
    cell = (line[1] - line[0]) ** 2

    def density(x: Tensor) -> Tensor:
        return normal.log_prob(x).exp()

    names = {
        "s": bent,
        "nabla_s": jacobian,
        "nabla_log_p": lambda x: -precision @ x,
        "nabla_p": lambda x: -density(x) * (precision @ x),
    }
    sides = [tex("eq-energy-parts", side=side) for side in (0, 1, 2)]
    totals = torch.zeros(3)
    for x in torch.cartesian_prod(line, line):
        p = density(x)
        bound = {**names, "x": x, "E": lambda v, p=p: p * v, "int": lambda v: v}
        totals += cell * torch.stack([torch.as_tensor(side(bound)) for side in sides])
    torch.testing.assert_close(totals, totals[2].expand(3), atol=1e-6, rtol=0)
    assert abs(totals[2]) > 0.1


@pytest.mark.equation("eq-energy-score-matching")
@pytest.mark.equation("eq-energy-sliced")
@pytest.mark.equation("eq-energy-denoising")
def test_the_objectives_of_scores_are_the_printed_ones(seed: int) -> None:
    """The package's objectives, one point at a time, at the same draws."""
    x = torch.randn(5, 2, generator=seeded(seed))
    whole = score_matching(bent, x)
    sliced = sliced_score_matching(bent, x, rng=seeded(seed + 1))
    v = 2 * torch.rand(x.shape, generator=seeded(seed + 1)).round() - 1
    noisy = denoising_score_matching(bent, x, std=0.3, rng=seeded(seed + 2))
    eps = torch.randn(x.shape, generator=seeded(seed + 2))
    same = {"s": bent, "nabla_s": jacobian, "E": lambda value: value}
    for i in range(5):
        found = tex("eq-energy-score-matching")({**same, "x": x[i]})
        torch.testing.assert_close(torch.as_tensor(found), whole[i].detach())
        found = tex("eq-energy-sliced")({**same, "x": x[i], "v": v[i]})
        torch.testing.assert_close(torch.as_tensor(found), sliced[i].detach())
        found = tex("eq-energy-denoising")({**same, "x": x[i], "sigma": 0.3, "varepsilon": eps[i]})
        torch.testing.assert_close(torch.as_tensor(found), noisy[i].detach())


@pytest.mark.equation("eq-energy-tweedie")
def test_the_best_guess_is_a_step_along_the_score() -> None:
    """Bayes' rule for a clean point that is one of three; the chapter's cleaning step at σ = 1."""
    points, weights = torch.tensor([-1.3, 0.4, 2.2]), torch.tensor([0.2, 0.5, 0.3])
    for sigma in (0.6, 1.0):

        def log_p(x: Tensor, sigma: float = sigma) -> Tensor:
            return torch.logsumexp(weights.log() + Normal(points, sigma).log_prob(x), -1)

        seen = torch.linspace(-3, 3, 7)[:, None]
        posterior = (weights.log() + Normal(points, sigma).log_prob(seen)).softmax(1)
        score = score_of(lambda x, log_p=log_p: -log_p(x))
        found = tex("eq-energy-tweedie")(
            {
                "x_tilde": seen,
                "sigma": sigma,
                "nabla_log_p_sigma": lambda x, score=score: score(x).detach(),
            }
        )
        torch.testing.assert_close(found[:, 0], posterior @ points)
        if sigma == 1.0:

            class Noisy:
                @staticmethod
                def energy(x: Tensor) -> Tensor:
                    return -log_p(x)

            cells = lesson(
                "deep-clean", grey={"train": torch.randn(9, 2)}, device=torch.device("cpu")
            )
            torch.testing.assert_close(cells["clean"](Noisy)(seen), found)


@pytest.mark.equation("eq-energy-nce")
def test_contrast_is_the_printed_loss(seed: int) -> None:
    """The package's loss for three draws of noise; its logit written out."""
    rng = seeded(seed)
    f, n = torch.randn(2, 5, generator=rng)
    f_noise, n_noise = torch.randn(2, 3, 5, generator=rng)
    loss = noise_contrastive(f, n, f_noise, n_noise)
    for i in range(5):
        logits = {"x": f[i] - n[i] - math.log(3)}
        logits |= {j: f_noise[j, i] - n_noise[j, i] - math.log(3) for j in range(3)}
        found = tex("eq-energy-nce")(
            {
                "u": lambda key, logits=logits: logits[key],
                "x": "x",
                "y": [0, 1, 2],
                "nu": 3,
                "sigmoid": torch.sigmoid,
            }
        )
        torch.testing.assert_close(torch.as_tensor(found), loss[i])


@pytest.mark.equation("eq-energy-posterior")
def test_the_posterior_of_a_damaged_image(seed: int) -> None:
    """Bayes' rule over all images; the chapter's Gibbs sampling has its means."""
    torch.manual_seed(seed)
    model, flip = rbm((2, 2), 3, scale=1.0), 0.15
    exact = Exact(model)
    p = exact.log_p.detach()
    y = torch.tensor([1.0, 0.0, 0.0, 1.0])
    wrong = (exact.rows != y).sum(1)
    expected = (p + wrong * math.log(flip) + (4 - wrong) * math.log(1 - flip)).softmax(0)
    a = tex("eq-energy-posterior", statement=1)(epsilon=flip)
    free = {tuple(row.tolist()): -value for row, value in zip(exact.rows, p)}
    found = torch.stack(
        [
            torch.as_tensor(
                tex("eq-energy-posterior")(
                    F=lambda x: free[tuple(x.tolist())], a=a, D=4, x=row, y=y
                )
            )
            for row in exact.rows
        ]
    )
    torch.testing.assert_close(found / found.sum(), expected)
    cells = lesson("rbm-scratch", "restore-code", machine=model)
    start = y.expand(4000, 4)
    unknown = torch.ones_like(start, dtype=torch.bool)
    bias = cells["b"] + a * (2 * start - 1)
    means = cells["restore"](start, bias, unknown, sweeps=60)
    assert_mean_close(means, expected @ exact.rows)
    held = unknown.clone()
    held[:, :2] = False
    seen = (exact.rows[:, :2] == y[:2]).all(1)
    given = (p.exp() * seen) / (p.exp() * seen).sum()
    means = cells["restore"](start, cells["b"], held, sweeps=90)
    assert torch.equal(means[:, :2], start[:, :2].clone()) or torch.allclose(
        means[:, :2], start[:, :2]
    )
    assert_mean_close(means[:, 2:], (given @ exact.rows)[2:])


def test_strange_images_are_ranked_by_the_chapter() -> None:
    """Pairs counted one by one."""
    cells = lesson(
        "odd-scores",
        "odd-area",
        usual_x=torch.rand(3, 1, 2, 2),
        grey_parts={name: torch.rand(3, 1, 2, 2) for name in ("train", "test")},
        D=4,
        seed=0,
        shape=(1, 2, 2),
    )
    odd, usual = torch.tensor([1.0, 3.0, 3.0, 0.2]), torch.tensor([3.0, 2.0, 0.1])
    pairs = [(a > b) + 0.5 * (a == b) for a, b in itertools.product(odd, usual)]
    assert cells["area"](odd, usual) == pytest.approx(sum(float(v) for v in pairs) / 12)


def test_the_table_of_the_ladder_is_that_of_the_recorded_runs() -> None:
    result = json.loads((RESULTS / "ladder_rbm.json").read_text(encoding="utf-8"))
    notebook = (BOOK / f"{PAGE}.ipynb").read_text(encoding="utf-8")
    names = ("independent pixels", "tree", "mixture", "VAE (bound)", "RBM")
    rows = {row["model"]: row for row in result["rows"]}
    assert set(rows) == set(names)
    for name in names:
        row = rows[name]
        assert row["seeds"] == [20, 21, 22, 23, 24]
        test, validation = torch.tensor(row["test"]), torch.tensor(row["validation"])
        error = test.std() / math.sqrt(len(test))
        shown = f"{test.mean():.2f} ± {error:.2f}"
        weights = f"{row['weights']:,}"
        assert any(
            line.startswith(f"| {name}")
            and f"| {weights} |" in line
            and f"| {validation.mean():.2f} |" in line
            and shown in line
            for line in notebook.replace('"', "\n")
            .replace("\\n", "\n")
            .replace("**", "")
            .split("\n")
        ), f"no row {name} | {weights} | {validation.mean():.2f} | {shown}"
