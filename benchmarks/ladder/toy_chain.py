r"""A chain of two mixture densities on two moons and on eight Gaussians.

    python -m benchmarks.ladder.toy_chain [--seeds 20 21 22]

The first coordinate is a mixture of normal densities, the second one given the first, from a
network of it. The excess is the mean of log p(x) − log q(x) over fresh draws x of the true density
p, an estimate of KL(p ‖ q) in nats, with its standard error. Each batch is drawn anew; everything
was chosen on seeds 0 to 9.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from benchmarks.ladder.record import SEEDS, row, write_rows
from helpers.data.toy import EightGaussians, Standardised, TwoMoons
from helpers.distributions import NormalMixture
from helpers.metrics import mean_and_standard_error
from helpers.models import AutoregressiveModel
from helpers.networks import MADE
from helpers.random import seed_everything, seeded
from helpers.training import EMA, gradient_step

COMPONENTS = 24
HIDDEN = (128, 128)
INPUT_SCALE = 3.0
BATCH = 1024
STEPS = 6000
LEARNING_RATE = 3e-3
MAX_NORM = 5.0
DECAY = 0.99
TEST_DRAWS = 20_000

DENSITIES = {
    "moons": Standardised(TwoMoons(std=0.05, links=1000)),
    "ring": Standardised(EightGaussians()),
}


def make_model() -> AutoregressiveModel:
    """A masked network with the numbers of both mixtures; the first one's are constants."""
    network = MADE(2, HIDDEN, 3 * COMPONENTS, activation=nn.SiLU)
    with torch.no_grad():
        next(network.parameters()).mul_(INPUT_SCALE)  # the density changes fast along the first
    return AutoregressiveModel(network, (2,), likelihood=NormalMixture)


def run(seed: int, density: str = "moons", steps: int = STEPS) -> dict[str, Any]:
    """Train on fresh draws, measure the excess on 20,000 others."""
    seed_everything(seed)
    truth, rng = DENSITIES[density], seeded(1000 + seed)
    start = time.process_time()
    model = make_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.04
    )
    step = gradient_step(model, optimizer, scheduler=scheduler, max_norm=MAX_NORM)
    average = EMA(model, DECAY)
    for _ in range(steps):
        step(truth.sample(BATCH, rng=rng))
        average.update()
    model.load_state_dict(average.state_dict(), strict=False)  # parameters, no buffers
    seconds = time.process_time() - start
    x = truth.sample(TEST_DRAWS, rng=seeded(2000 + seed))
    with torch.no_grad():
        log_q = model.log_prob(x).double()
    log_p = torch.cat([truth.log_prob(part.double()) for part in x.split(2000)])
    excess = mean_and_standard_error(log_p - log_q)
    return {
        "model": model,
        "entropy_nats": truth.entropy(),
        "test_nats": -log_q.mean().item(),
        "excess_nats": excess.value,
        "standard_error": excess.standard_error,
        "training_cpu_seconds": seconds,
        "weights": sum(p.numel() for p in model.parameters()),
    }


def rows(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """One row for each density, in the form of the ladder; `excess` has the figure that counts."""
    made = []
    for density in DENSITIES:
        runs = [run(seed, density) for seed in seeds]
        figures = [
            {**one, "model": "chain of mixtures", "validation_nats": one["test_nats"]}
            for one in runs
        ]
        note = f"entropy {runs[0]['entropy_nats']:.4f} nats; every draw is fresh"
        made.append(
            {
                **row(figures, data=density, bound=False, note=note, seeds=seeds),
                "excess": [round(one["excess_nats"], 5) for one in runs],
                "standard_error": [round(one["standard_error"], 5) for one in runs],
            }
        )
    return made


def main() -> None:
    """Run the seeds that are reported, and write the result file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS[:3]))
    seeds = parser.parse_args().seeds
    torch.set_num_threads(1)
    write_rows("toy_chain", rows(seeds), "python -m benchmarks.ladder.toy_chain")


if __name__ == "__main__":
    main()
