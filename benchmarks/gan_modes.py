"""Modes that a GAN finds on the ring of 8 and the grid of 25 Gaussians, over ten seeds.

    python -m benchmarks.gan_modes

Protocol of PacGAN (arXiv 1712.04086): ring of radius 1 with standard deviation 0.01; grid
{-4, -2, 0, 2, 4}² with 0.05; 2500 samples, of high quality within 3 standard deviations of the
nearest mode. Each step draws fresh examples. The recipe is that of the chapter: instance noise that
falls geometrically below the width of a mode, both learning rates falling with its square root,
R1 with a weight that falls with its square, coins among the latent coordinates, Fourier features in
front of the discriminator, an average of the generator's weights. In the last quarter of the run
the noise stays, R1 is a tenth as strong, and the rates fall to a fiftieth: the widths of the modes
settle.
*plain* is the same pair of networks without the coins, the features, the noise, the penalty, the
falling rates and the average.
"""

from __future__ import annotations

import argparse
import statistics
import time
from multiprocessing import get_context
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

SAMPLES, MANY = 2500, 100_000
FALL = 0.75  # share of the run in which the noise falls
COINS, NORMALS, WIDTH, WAVES = 8, 2, 128, 64


class Task(NamedTuple):
    """One target: its density, the scale that brings it into [-1, 1], noise at start and end."""

    truth: IsotropicMixture
    scale: float
    noise: tuple[float, float]


TASKS = {
    "ring": Task(Ring(), 1.0, (0.4, 0.004)),
    "grid": Task(Grid(spacing=2.0), 4.0, (0.3, 0.005)),
}


def slope() -> nn.Module:
    """The activation of both networks."""
    return nn.LeakyReLU(0.2)


def make_gan(recipe: str) -> GAN:
    """The networks: ``"repaired"`` or ``"plain"``."""
    hidden = [WIDTH] * 3
    if recipe == "plain":
        return GAN(
            MLP(NORMALS, hidden, 2, activation=slope), MLP(2, hidden, 1, activation=slope), NORMALS
        )
    latent = COINS + NORMALS
    make = nn.Sequential(SignLatents(COINS), MLP(latent, hidden, 2, activation=slope))
    waves = FourierFeatures(2, WAVES, largest=40.0)
    judge = nn.Sequential(waves, MLP(2 + 2 * WAVES, hidden, 1, activation=slope))
    return GAN(make, judge, latent)


class Fresh:
    """Batches of new draws, so many to an epoch."""

    def __init__(self, task: Task, steps: int, batch_size: int, seed: int) -> None:
        self.task, self.steps, self.batch_size = task, steps, batch_size
        self.generator = seeded(seed)

    def __iter__(self) -> Any:
        """Draws of the truth, scaled: (B, 2)."""
        for _ in range(self.steps):
            drawn = self.task.truth.sample(self.batch_size, rng=self.generator)
            yield drawn / self.task.scale


def train(task: Task, recipe: str, steps: int, seed: int, batch_size: int = 256) -> Tensor:
    """Train one GAN; `MANY` samples of it in the unit of the truth, (MANY, 2)."""
    seed_everything(seed)
    gan = make_gan(recipe)
    repaired = recipe == "repaired"
    start, end = task.noise
    width = task.truth.std / task.scale

    def noise(step: int) -> float:
        return start * (end / start) ** min(1.0, step / (FALL * steps)) if repaired else 0.0

    def weight(step: int) -> float:
        strength = 2.0 if step < FALL * steps else 0.2
        return strength * (noise(step) ** 2 + width**2) if repaired else 0.0

    def rate(step: int) -> float:
        if not repaired:
            return 1.0
        last = min(1.0, max(0.02, (1 - step / steps) / (1 - FALL)))
        return last * (noise(step) / start) ** 0.5

    betas = (0.0, 0.99) if repaired else (0.5, 0.999)
    rates = (2e-3, 5e-4) if repaired else (2e-4, 2e-4)
    optimizers = [
        torch.optim.Adam(player.parameters(), lr, betas=betas, foreach=True)
        for player, lr in zip((gan.discriminator, gan.generator), rates)
    ]
    ema = EMA(gan.generator, 0.97) if repaired else None

    def judge(x: Tensor) -> dict[str, Tensor]:
        k = step.count
        r1 = 4 * weight(k) if k % 4 == 0 else 0.0  # as strong on average as in each step
        return gan.discriminator_loss(x, r1=r1, noise=noise(k))

    def deceive(x: Tensor) -> dict[str, Tensor]:
        return gan.generator_loss(len(x), noise=noise(step.count))

    step = players_step(
        {"discriminator": (judge, optimizers[0]), "generator": (deceive, optimizers[1])},
        schedulers=tuple(torch.optim.lr_scheduler.LambdaLR(o, rate) for o in optimizers),
        ema=ema,
    )
    fit(step, Fresh(task, steps, batch_size, seed), epochs=1, progress=False)
    if ema is not None:
        with ema.swap():
            return gan.sample(MANY, rng=seeded(seed)) * task.scale
    return gan.sample(MANY, rng=seeded(seed)) * task.scale


def score(task: Task, x: Tensor) -> dict[str, float]:
    """Modes, high quality (of 2500, and of all) and reverse KL of samples (N, 2)."""
    few = metrics.mode_coverage(x[:SAMPLES], task.truth.means, task.truth.std)
    many = metrics.mode_coverage(x, task.truth.means, task.truth.std)
    return {
        "modes": few.covered,
        "high_quality": round(few.high_quality.value, 4),
        "high_quality_many": round(many.high_quality.value, 5),
        "reverse_kl": round(metrics.reverse_kl(few.nearest).value, 5),
        "smallest_share": round((many.nearest.min() / len(x)).item(), 5),
    }


def run(job: tuple[str, str, int, int]) -> dict[str, Any]:
    """One target, recipe and seed: its scores and its processor time."""
    target, recipe, steps, seed = job
    torch.set_num_threads(1)
    start = time.process_time()
    scores = score(TASKS[target], train(TASKS[target], recipe, steps, seed))
    seconds = round(time.process_time() - start, 1)
    return {"target": target, "recipe": recipe, "seed": seed, **scores, "cpu_seconds": seconds}


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard error over the seeds, and the worst seed, of each target and recipe."""
    figures: dict[str, Any] = {}
    for target, recipe in sorted({(row["target"], row["recipe"]) for row in rows}):
        group = [row for row in rows if (row["target"], row["recipe"]) == (target, recipe)]
        summary: dict[str, Any] = {"seeds": len(group)}
        for name in ("modes", "high_quality", "high_quality_many", "reverse_kl", "cpu_seconds"):
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


def keep(rows: list[dict[str, Any]], steps: int, output: Path) -> None:
    """Write the result file for the runs that are done."""
    seeds = sorted({row["seed"] for row in rows})
    command = "python -m benchmarks.gan_modes"
    if len(seeds) != 10:
        command += f" --seeds {len(seeds)}"
    if steps != 8000:
        command += f" --steps {steps}"
    write_result(
        output,
        benchmark="gan_modes",
        command=command,
        versions=versions("torch", "numpy", "deep-generative-models-book"),
        seeds=seeds,
        figures=summarise(rows),
        protocol="PacGAN, arXiv 1712.04086; 2500 samples, within 3 standard deviations",
        steps=steps,
        batch_size=256,
        ceiling=round(metrics.high_quality_ceiling(), 6),
        reverse_kl_floors={
            name: metrics.reverse_kl_floor(SAMPLES, len(task.truth.means))
            for name, task in TASKS.items()
        },
        rows=rows,
    )


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Train, print the table, write the result file, return the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=10, help="seeds 0, 1, …")
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=2, help="processes, one thread each")
    parser.add_argument("--output", type=Path, default=RESULTS / "gan_modes.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    jobs = [
        (target, recipe, options.steps, seed)
        for recipe in ("repaired", "plain")
        for seed in range(options.seeds)
        for target in TASKS
    ]
    rows: list[dict[str, Any]] = []
    with get_context("spawn").Pool(options.workers) as pool:
        for row in pool.imap(run, jobs):
            rows.append(row)
            print(row, flush=True)
            keep(rows, options.steps, options.output)  # what is done survives an interruption
    figures = summarise(rows)
    head = ["target and recipe", "modes", "high quality", "reverse KL", "CPU seconds"]
    table = []
    for name, summary in figures.items():
        cells = [name]
        for key in head[1:]:
            part = summary[key.lower().replace(" ", "_")]
            cells.append(f"{part['mean']:.4g} ± {part['standard_error']:.2g}")
        table.append(cells)
    print(markdown_table(head, table))
    return figures


if __name__ == "__main__":
    main()
