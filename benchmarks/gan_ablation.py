"""The recipe for the ring of 8 Gaussians without one repair, or two, over three seeds.

    python -m benchmarks.gan_ablation

Protocol and recipe of `benchmarks.gan_modes`, at the length of the chapter's run, 2000 steps, with
seeds that played no part in making the recipe. Two rows are the plain GAN: with the optimiser of
DCGAN, and with Adam's default settings. A run that is in the result file is not run again.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.gan_modes import RECIPES, Recipe, run_jobs, summarise, table
from benchmarks.record import RESULTS

STEPS, SEEDS = 2000, 3
FULL = RECIPES["repaired"]
PLAIN = Recipe(False, False, False, 0, 2, 1.0, False, 0.0, (2e-4, 2e-4), (0.5, 0.999))
ABLATIONS: dict[str, Recipe] = {
    "full": FULL,
    "no noise": FULL._replace(noise=False),
    "no R1": FULL._replace(r1=False),
    "no noise, no R1": FULL._replace(noise=False, r1=False),
    "constant rates, the first": FULL._replace(falling=False),
    "constant rates, a tenth": FULL._replace(falling=False, rates=(2e-4, 5e-5)),
    "large normals": FULL._replace(spread=1.0),
    "no coins, ten large normals": FULL._replace(coins=0, normals=10, spread=1.0),
    "no coins, ten normals × 0.3": FULL._replace(coins=0, normals=10),
    "no waves": FULL._replace(waves=False),
    "no average": FULL._replace(average=0.0),
    "plain": PLAIN,
    "plain, Adam's defaults": PLAIN._replace(rates=(1e-3, 1e-3), betas=(0.9, 0.999)),
}


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Train, print the table, write the result file, return the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=SEEDS, help="seeds 20, 21, …")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--output", type=Path, default=RESULTS / "gan_ablation.json")
    options = parser.parse_args(arguments)
    jobs = [("ring", name, 20 + seed) for seed in range(options.seeds) for name in ABLATIONS]
    command = "python -m benchmarks.gan_ablation"
    command += f" --seeds {options.seeds}" if options.seeds != SEEDS else ""
    command += f" --steps {options.steps}" if options.steps != STEPS else ""
    rows = run_jobs(
        jobs, ABLATIONS, options.steps, options.output, benchmark="gan_ablation", command=command
    )
    figures = summarise(rows)
    print(table(figures))
    return figures


if __name__ == "__main__":
    main()
