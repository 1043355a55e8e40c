"""The chapter's own lines: losses, quadrature, loop, schedules, and the tables from their files."""

from __future__ import annotations

import json
import math
from typing import Any

import nbformat
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import nn
from torch.nn import functional as F

from benchmarks.record import RESULTS
from helpers import plotting
from helpers.networks import MLP
from helpers.objectives import discriminator_loss
from helpers.random import seeded
from tests.chapters.cells import BOOK, run_cells
from tests.printed import tex

PAGE = "models/gan"


@pytest.fixture(autouse=True)
def _float32() -> None:
    torch.set_default_dtype(torch.float32)  # the fixture of all tests puts it back


def lesson(*ids: str, **names: Any) -> dict[str, Any]:
    given = {"torch": torch, "math": math, "F": F, "nn": nn, "seeded": seeded, "seed": 3}
    return run_cells(PAGE, list(ids), **given, **names)


def source(name: str) -> str:
    notebook = nbformat.read(BOOK / f"{PAGE}.ipynb", as_version=4)
    (text,) = [cell.source for cell in notebook.cells if cell.id == name]
    return str(text)


@pytest.mark.equation("eq-gan-jensen-shannon")
def test_the_chapters_quadrature() -> None:
    """Independent answer: the divergence by Monte Carlo with five standard errors."""
    cells = lesson("value", "quadrature", "quadrature-js")
    torch.manual_seed(0)
    first, second = torch.distributions.Normal(-0.5, 0.8), torch.distributions.Normal(0.7, 1.3)

    def half(one: torch.distributions.Normal, other: torch.distributions.Normal) -> torch.Tensor:
        x = one.sample((200_000,))
        ratio = other.log_prob(x) - one.log_prob(x)
        return math.log(2) - torch.log1p(ratio.exp())

    terms = 0.5 * (half(first, second) + half(second, first))
    assert abs(terms.mean() - cells["js"]) < 5 * terms.std() / math.sqrt(len(terms))


def test_the_printed_losses_fail_as_the_page_says() -> None:
    cells = lesson("value", "e1-losses")
    a, b = torch.randn(2, 5)
    torch.testing.assert_close(cells["printed_e1"](a, b), -discriminator_loss(a, b))
    torch.testing.assert_close(cells["printed_e18"](a, b), F.softplus(-a) - F.softplus(b))


def test_the_chapters_loop_is_the_helpers_step() -> None:
    cells = lesson("discriminator-step", "generator-step", "game", "two-games", "step-agrees")
    assert len(cells["same"]) == 8
    assert all(cells["same"])


@pytest.mark.equation("eq-gan-noise")
def test_the_noise_falls_by_equal_factors() -> None:
    """Independent answer: the two ends, one factor a step between them, and rest in the end."""
    noise, steps = lesson("noise", ring_steps=80)["noise"], 80
    printed = tex("eq-gan-noise")
    for k in range(steps):
        assert noise(k) == pytest.approx(printed({"s_0": 0.4, "s_1": 0.004}, k=k, K=steps))
    assert noise(0) == 0.4
    for k in range(60, steps):
        assert noise(k) == pytest.approx(0.004)
    for k in range(60):
        assert noise(k + 1) / noise(k) == pytest.approx(0.01 ** (1 / 60))


@pytest.mark.equation("eq-gan-rates")
def test_the_rates_fall_as_the_root_of_the_noise_and_once_more() -> None:
    """Independent answer: the square of the rate is the noise; a line from 1 to 1/50 at the end."""
    cells = lesson("noise", "rate", ring_steps=400)
    noise, rate = cells["noise"], cells["rate"]
    printed = tex("eq-gan-rates")
    for k in range(400):
        symbols = {"alpha_0": 0.7, "s_0": 0.4, "s_k": noise(k)}
        assert 0.7 * rate(k) == pytest.approx(printed(symbols, k=k, K=400))
    for k in range(301):
        assert rate(k) ** 2 * 0.4 == pytest.approx(noise(k))
    for k in range(301, 400):
        assert rate(k) / rate(300) == pytest.approx(max((400 - k) / 100, 1 / 50))


def test_r1_is_as_strong_on_average_as_in_each_step() -> None:
    cells = lesson("noise", "r1-weight", ring_steps=800, ring=type("Ring", (), {"std": 0.01}))
    noise, weight = cells["noise"], cells["r1_weight"]
    assert [weight(k) > 0 for k in range(8)] == [True, False, False, False] * 2
    for first, strength in ((0, 2.0), (600, 0.2)):
        mean = sum(weight(first + k) for k in range(8)) / 8
        expected = sum(strength * (noise(first + k) ** 2 + 0.01**2) for k in (0, 4)) / 2
        assert mean == pytest.approx(expected)


@pytest.mark.equation("eq-gan-duality", frozen="999ad91d")
def test_the_chapters_bound_holds_for_any_critic(seed: int) -> None:
    """Independent answer: the best assignment, for critics that were not trained at all."""
    torch.manual_seed(seed)
    a, b = torch.randn(12, 2), 1 + torch.randn(12, 2)
    distances = torch.cdist(a, b)
    rows, columns = linear_sum_assignment(distances.numpy())
    best = distances[rows, columns].mean()
    for _ in range(3):
        cells = lesson("duality", a=a, b=b, critic=MLP(2, [16], 1), plotting=plotting)
        assert cells["exact"].item() == pytest.approx(best.item(), rel=1e-5)
        assert abs(cells["value"] / cells["steepest"]) <= best + 1e-5


def figures(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return result


def ablation_rows() -> list[str]:
    """The table of the page as the result file has it."""
    result, lines = figures("gan_ablation"), []
    for recipe in result["settings"]:
        rows = [row for row in result["rows"] if row["recipe"] == recipe]
        summary = result["figures"][f"ring {recipe}"]
        share = summary["high_quality"]
        parts = [
            recipe,
            " ".join(str(row["modes"]) for row in rows),
            f"{100 * share['mean']:.1f} ± {100 * share['standard_error']:.1f}",
            f"{100 * summary['bridges']['mean']:.1f}",
            f"{summary['width']['mean']:.2f}",
            f"{summary['reverse_kl']['mean']:.3f}",
        ]
        lines.append(f"| {' | '.join(parts)} |")
    return lines


def mode_row() -> str:
    """The row of the page's second table that comes from the result file."""
    parts = ["this recipe"]
    for target in ("ring", "grid"):
        summary = figures("gan_modes")["figures"][f"{target} repaired"]
        modes, share = summary["modes"], summary["high_quality"]
        parts += [
            f"{modes['mean']:.1f} ± {modes['standard_error']:.1f}",
            f"{100 * share['mean']:.1f} ± {100 * share['standard_error']:.1f}",
            f"{summary['reverse_kl']['mean']:.3f}",
            f"{summary['width']['mean']:.2f}",
        ]
    return f"| {' | '.join(parts)} |"


def test_the_tables_are_the_result_files() -> None:
    for name, rows in (("ablation", ablation_rows()), ("table", [mode_row()])):
        page = source(name).splitlines()
        assert [row for row in rows if row not in page] == []


def test_the_page_says_what_all_seeds_did() -> None:
    rows = [row for row in figures("gan_modes")["rows"] if row["recipe"] == "repaired"]
    assert sorted({row["seed"] for row in rows}) == list(range(20, 30))
    lowest = {
        target: min(row["high_quality"] for row in rows if row["target"] == target)
        for target in ("ring", "grid")
    }
    for share in lowest.values():
        assert f"{100 * share:.1f} %" in source("table")


def test_the_sentences_about_the_ablation() -> None:
    """What the page says of each remedy, of the mean over the seeds or of each of them."""
    result = figures("gan_ablation")
    found = {
        name: {key: value["mean"] for key, value in summary.items() if key != "seeds"}
        for name, summary in (
            (key.removeprefix("ring "), figure) for key, figure in result["figures"].items()
        )
    }

    def each(recipe: str, score: str) -> list[float]:
        return [row[score] for row in result["rows"] if row["recipe"] == recipe]

    full = found["full"]
    assert full["modes"] == 8
    assert full["high_quality"] > 0.95
    first, tenth = found["constant rates, the first"], found["constant rates, a tenth"]
    assert first["modes"] < 8
    assert first["bridges"] > 0.3
    assert [round(100 * q) for q in each("constant rates, a tenth", "high_quality")] == [95, 95, 66]
    assert tenth["width"] > 1.15
    assert tenth["reverse_kl"] > 0.05
    assert found["no coins, ten large normals"]["bridges"] > 0.4
    assert each("no coins, ten normals × 0.3", "modes") == [2, 7, 6]
    assert max(each("no coins, ten normals × 0.3", "high_quality")) < 0.75
    assert round(found["large normals"]["bridges"], 2) == 0.02
    assert full["bridges"] < 0.001
    assert found["large normals"]["width"] > 1.4
    assert found["no noise"]["reverse_kl"] > 0.1
    assert full["reverse_kl"] < 0.01
    assert found["no noise"]["high_quality"] > 0.95
    assert 0.01 < full["high_quality"] - found["no waves"]["high_quality"] < 0.03
    for share in ("high_quality", "high_quality_many"):  # of 2500 samples, of all
        assert all(a > b for a, b in zip(each("no R1", share), each("full", share), strict=True))
    assert max(each("no noise, no R1", "high_quality")) < 0.16
    assert abs(found["no average"]["high_quality"] - full["high_quality"]) < 0.001
    for name in ("plain", "plain, Adam's defaults"):
        assert found[name]["high_quality"] < 0.3
        assert found[name]["modes"] > 7
        assert found[name]["reverse_kl"] > 3 * full["reverse_kl"]
    assert min(row["modes"] for row in result["rows"] if row["recipe"].startswith("plain")) >= 7


def test_the_recorded_run_is_told_as_it_was() -> None:
    result = figures("mnist_pictures_gan")
    found = result["figures"]
    samples, real = found["samples"], found["training_images"]
    for words in (
        f"{result['epochs']} passes in {found['training_cpu_seconds']} CPU seconds",
        f"in {100 * samples['asked_class']:.1f} % of 10,000 samples",
        f"in {100 * real['asked_class']:.1f} % of as many of its own training images",
        f"is {samples['frechet']:.1f} ± {samples['standard_error']:.1f}, where",
        f"training images have {real['frechet']:.1f} ± {real['standard_error']:.1f}.",
    ):
        assert words in source("scores-after")
