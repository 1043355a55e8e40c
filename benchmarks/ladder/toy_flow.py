r"""Flows on densities of the plane that are known exactly: two moons, and a ring of 8 Gaussians.

    python -m benchmarks.ladder.toy_flow [--seeds 20 21 22 23 24]

The excess is the mean of log p(x) − log q(x) over fresh draws x of the true density p, an estimate
of KL(p ‖ q) in nats, with its standard error. Each batch is drawn anew, so nothing can be learned
by heart; everything was chosen on seeds 0 to 9.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from benchmarks.ladder.record import SEEDS, row, run_command
from helpers.data.toy import EightGaussians, Standardised, TwoMoons
from helpers.models import Flow
from helpers.networks import MLP, Coupling, RationalQuadraticSpline, start_at_identity
from helpers.random import seed_everything, seeded
from helpers.training import EMA, gradient_step

LAYERS = 6
BINS = 16
BOUND = 3.5
HIDDEN = [64, 64]
BATCH = 1024
STEPS = 2300
LEARNING_RATE = 2e-3
MAX_NORM = 5.0
DECAY = 0.99
TEST_DRAWS = 20_000

DENSITIES = {
    "moons": Standardised(TwoMoons(std=0.05, links=1000)),
    "ring": Standardised(EightGaussians()),
}


def make_flow() -> Flow:
    """Coupling layers with rational-quadratic splines that move one coordinate after the other."""
    spline = RationalQuadraticSpline(BINS, BOUND)
    layers = []
    for i in range(LAYERS):
        network = start_at_identity(MLP(1, HIDDEN, spline.size, activation=nn.SiLU))
        layers.append(Coupling(network, torch.arange(2) == i % 2, spline))
    return Flow(layers, (2,))


def run(seed: int, density: str = "moons", steps: int = STEPS) -> dict[str, Any]:
    """Train on fresh draws, measure the excess on 20,000 others."""
    seed_everything(seed)
    truth, rng = DENSITIES[density], seeded(1000 + seed)
    start = time.process_time()
    flow = make_flow()
    optimizer = torch.optim.Adam(flow.parameters(), lr=LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.04
    )
    step = gradient_step(flow, optimizer, scheduler=scheduler, max_norm=MAX_NORM)
    average = EMA(flow, DECAY)
    for _ in range(steps):
        step(truth.sample(BATCH, rng=rng))
        average.update()
    seconds = time.process_time() - start
    x = truth.sample(TEST_DRAWS, rng=seeded(2000 + seed)).double()
    with average.swap(), torch.no_grad():
        log_q = torch.cat([flow.log_prob(part.float()) for part in x.split(2000)])
    log_p = torch.cat([truth.log_prob(part) for part in x.split(2000)])
    excess = log_p - log_q
    return {
        "model": f"spline coupling flow, {density}",
        "entropy_nats": round(truth.entropy(), 4),
        "test_nats": round(-log_q.mean().item(), 4),
        "excess_nats": round(excess.mean().item(), 4),
        "standard_error": round(excess.std().item() / math.sqrt(len(x)), 4),
        "training_cpu_seconds": round(seconds, 1),
        "weights": sum(p.numel() for p in flow.parameters()),
    }


def rows(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """One row for each density, in the form of the ladder; `excess` has the figure that counts."""
    made = []
    for density in DENSITIES:
        runs = [run(seed, density) for seed in seeds]
        validation = [{**one, "validation_nats": one["test_nats"]} for one in runs]
        note = f"entropy {runs[0]['entropy_nats']} nats; every draw is fresh"
        if len(seeds) < len(SEEDS):
            note += "; fewer seeds than five, to save time"
        made.append(
            {
                **row(validation, data=density, bound=False, note=note, seeds=seeds),
                "excess": [one["excess_nats"] for one in runs],
                "standard_error": [one["standard_error"] for one in runs],
            }
        )
    return made


if __name__ == "__main__":
    run_command("toy_flow", rows, __doc__)
