"""Modes that a GAN finds on the ring of 8 and the grid of 25 Gaussians, over ten seeds.

    python -m benchmarks.gan_modes

Protocol of PacGAN (arXiv 1712.04086): ring of radius 1 with standard deviation 0.01; grid
{-4, -2, 0, 2, 4}² with 0.05; 2500 samples, of high quality within 3 standard deviations of the
nearest mode. Each step draws fresh examples. The recipe is that of the chapter, see `Recipe`, which
was made with seeds 0 to 9; the seeds that are reported, 20 to 29, were fixed before the first look.
`benchmarks.gan_ablation` has the same without single repairs, and without all of them.
A run that is in the result file with the same settings is not run again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.record import RESULTS, markdown_table, versions, write_result
from helpers import metrics
from helpers.data.toy import Grid, IsotropicMixture, Ring
from helpers.models.gan import GAN
from helpers.networks import MLP, FourierFeatures, SignLatents
from helpers.random import seed_everything, seeded
from helpers.training import EMA, fit, players_step

STEPS, SAMPLES, MANY = 4000, 2500, 100_000
SCORES = ("modes", "high_quality", "high_quality_many", "bridges", "width", "reverse_kl")
FALL = 0.75  # share of the run in which the noise falls
WIDTH, WAVES = 128, 64


class Task(NamedTuple):
    """One target: its density, the scale that brings it into [-1, 1], noise at start and end."""

    truth: IsotropicMixture
    scale: float
    noise: tuple[float, float]


TASKS = {
    "ring": Task(Ring(), 1.0, (0.4, 0.004)),
    "grid": Task(Grid(spacing=2.0), 4.0, (0.3, 0.005)),
}


class Recipe(NamedTuple):
    """The repairs, each of which can be left out."""

    noise: bool = True  # instance noise, falling geometrically to below the width of a mode
    r1: bool = True  # with a weight that falls as the noise squared
    falling: bool = True  # learning rates fall as the root of the noise, and once more at the end
    coins: int = 8  # latent coordinates that are signs
    normals: int = 2  # the other ones
    spread: float = 0.3  # their standard deviation
    waves: bool = True  # Fourier features in front of the discriminator
    average: float = 0.97  # decay of the generator's average
    rates: tuple[float, float] = (2e-3, 5e-4)  # discriminator, generator
    betas: tuple[float, float] = (0.0, 0.99)


RECIPES = {"repaired": Recipe()}


def slope() -> nn.Module:
    """The activation of both networks."""
    return nn.LeakyReLU(0.2)


def make_gan(recipe: Recipe) -> GAN:
    """The two networks."""
    hidden, latent = [WIDTH] * 3, recipe.coins + recipe.normals
    make = nn.Sequential(
        SignLatents(recipe.coins, spread=recipe.spread), MLP(latent, hidden, 2, activation=slope)
    )
    if not recipe.waves:
        return GAN(make, MLP(2, hidden, 1, activation=slope), latent)
    waves = FourierFeatures(2, WAVES, largest=40.0)
    judge = nn.Sequential(waves, MLP(2 + 2 * WAVES, hidden, 1, activation=slope))
    return GAN(make, judge, latent)


class Fresh:
    """Batches of new draws, so many to an epoch."""

    def __init__(self, task: Task, steps: int, batch_size: int, seed: int) -> None:
        self.task, self.steps, self.batch_size = task, steps, batch_size
        self.rng = seeded(seed)

    def __iter__(self) -> Any:
        """Draws of the truth, scaled: (B, 2)."""
        for _ in range(self.steps):
            drawn = self.task.truth.sample(self.batch_size, rng=self.rng)
            yield drawn / self.task.scale


def train(task: Task, recipe: Recipe, steps: int, seed: int, batch_size: int = 256) -> Tensor:
    """Train one GAN; `MANY` samples of it in the unit of the truth, (MANY, 2)."""
    seed_everything(seed)
    gan = make_gan(recipe)
    start, end = task.noise
    width = task.truth.std / task.scale

    def blur(k: int) -> float:
        return start * (end / start) ** min(1.0, k / (FALL * steps))

    def weight(k: int) -> float:
        strength = 2.0 if k < FALL * steps else 0.2
        return strength * (blur(k) ** 2 + width**2)

    def rate(k: int) -> float:
        last = min(1.0, max(0.02, (1 - k / steps) / (1 - FALL)))
        return last * (blur(k) / start) ** 0.5 if recipe.falling else 1.0

    optimizers = [
        torch.optim.Adam(player.parameters(), lr, betas=recipe.betas, foreach=True)
        for player, lr in zip((gan.discriminator, gan.generator), recipe.rates)
    ]
    ema = EMA(gan.generator, recipe.average)

    def judge(x: Tensor) -> dict[str, Tensor]:
        k = step.count
        r1 = 4 * weight(k) if recipe.r1 and k % 4 == 0 else 0.0  # as strong as in each step
        return gan.discriminator_loss(x, r1=r1, noise=blur(k) if recipe.noise else 0.0)

    def deceive(x: Tensor) -> dict[str, Tensor]:
        return gan.generator_loss(len(x), noise=blur(step.count) if recipe.noise else 0.0)

    step = players_step(
        {"discriminator": (judge, optimizers[0]), "generator": (deceive, optimizers[1])},
        schedulers=tuple(torch.optim.lr_scheduler.LambdaLR(o, rate) for o in optimizers),
        ema=ema,
    )
    fit(step, Fresh(task, steps, batch_size, seed), epochs=1, progress=False)
    with ema.swap():  # with a decay of 0, the last weights
        return gan.sample(MANY, rng=seeded(seed)) * task.scale


def score(task: Task, x: Tensor) -> dict[str, float]:
    """Modes, high quality (of 2500, and of all), bridges, widths and reverse KL of x (N, 2)."""
    few = metrics.mode_coverage(x[:SAMPLES], task.truth.means, task.truth.std)
    many = metrics.mode_coverage(x, task.truth.means, task.truth.std)
    wide = metrics.mode_coverage(x, task.truth.means, task.truth.std, radius=6.0)
    distance, mode = metrics.nearest_neighbours(x, task.truth.means)
    near = distance[:, 0] <= 6 * task.truth.std
    groups = [x[near & (mode[:, 0] == k)] for k in range(len(task.truth.means))]
    variances = torch.stack([g.var(0).mean() for g in groups if len(g) > 1] or [torch.zeros(())])
    return {
        "modes": few.covered,
        "high_quality": round(few.high_quality.value, 4),
        "high_quality_many": round(many.high_quality.value, 5),
        "bridges": round(1 - wide.high_quality.value, 5),
        "width": round((variances.mean().sqrt() / task.truth.std).item(), 3),
        "reverse_kl": round(metrics.reverse_kl(few.nearest).value, 5),
        "smallest_share": round((many.nearest.min() / len(x)).item(), 5),
    }


Job = tuple[str, str, int]  # target, recipe, seed
Rows = list[dict[str, Any]]


def run_jobs(
    jobs: Sequence[Job], recipes: dict[str, Recipe], steps: int, keep: Path, **more: Any
) -> Rows:
    """Scores and processor time of each job; the result file `keep` is written after each.

    Rows that are in the file and were made with the same recipe and steps are not made again.
    """
    torch.set_num_threads(1)
    settings = {name: json.loads(json.dumps(r._asdict())) for name, r in recipes.items()}
    before = json.loads(keep.read_text(encoding="utf-8")) if keep.is_file() else {}
    same = [k for k, v in settings.items() if before.get("settings", {}).get(k) == v]
    done: dict[Job, dict[str, Any]] = {
        (row["target"], row["recipe"], row["seed"]): row
        for row in before.get("rows", [])
        if row["recipe"] in same and before["steps"] == steps
    }
    for number, job in enumerate(jobs, 1):
        if job not in done:
            target, name, seed = job
            start = time.process_time()
            scores = score(TASKS[target], train(TASKS[target], recipes[name], steps, seed))
            seconds = round(time.process_time() - start, 1)
            head = {"target": target, "recipe": name, "seed": seed}
            done[job] = {**head, **scores, "cpu_seconds": seconds}
            print(f"{number} of {len(jobs)}: {done[job]}", flush=True)
        rows = [done[job] for job in jobs if job in done]
        write_result(
            keep,
            versions=versions("torch", "numpy", "deep-generative-models-book"),
            seeds=sorted({row["seed"] for row in rows}),
            figures=summarise(rows),
            steps=steps,
            batch_size=256,
            protocol="PacGAN, arXiv 1712.04086; 2500 samples, within 3 standard deviations",
            ceiling=round(metrics.high_quality_ceiling(), 6),
            settings=settings,
            rows=rows,
            **more,
        )
    return rows


def summarise(rows: Rows) -> dict[str, Any]:
    """Mean and standard error over the seeds, and the worst seed, of each target and recipe."""
    figures: dict[str, Any] = {}
    for target, recipe in dict.fromkeys((row["target"], row["recipe"]) for row in rows):
        group = [row for row in rows if (row["target"], row["recipe"]) == (target, recipe)]
        summary: dict[str, Any] = {"seeds": len(group)}
        for name in SCORES:
            values = [float(row[name]) for row in group]
            error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
            summary[name] = {
                "mean": round(statistics.fmean(values), 5),
                "standard_error": round(error, 5),
                "lowest": min(values),
                "highest": max(values),
            }
        figures[f"{target} {recipe}"] = summary
    return figures


def table(figures: dict[str, Any]) -> str:
    """What is printed: a row for each target and recipe."""
    lines = []
    for name, summary in figures.items():
        parts = (summary[key] for key in SCORES)
        lines.append([name, *(f"{p['mean']:.4g} ± {p['standard_error']:.2g}" for p in parts)])
    return markdown_table(["target and recipe", *SCORES], lines)


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Train, print the table, write the result file, return the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=10, help="seeds 20, 21, …")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--output", type=Path, default=RESULTS / "gan_modes.json")
    options = parser.parse_args(arguments)
    jobs = [(target, "repaired", 20 + seed) for seed in range(options.seeds) for target in TASKS]
    command = "python -m benchmarks.gan_modes"
    command += f" --seeds {options.seeds}" if options.seeds != 10 else ""
    command += f" --steps {options.steps}" if options.steps != STEPS else ""
    floors = {n: metrics.reverse_kl_floor(SAMPLES, len(t.truth.means)) for n, t in TASKS.items()}
    rows = run_jobs(
        jobs,
        RECIPES,
        options.steps,
        options.output,
        benchmark="gan_modes",
        command=command,
        reverse_kl_floors=floors,
    )
    figures = summarise(rows)
    print(table(figures))
    return figures


if __name__ == "__main__":
    main()
