r"""Models without a hidden network on the 8×8 digits: pixels alone, a mixture, a tree.

    python -m benchmarks.ladder.classical

Protocol: `load_digits` of scikit-learn in its order, 1,000 / 350 / 447 images, levels 0 … 16, exact
−log P in nats per image (lower is better). The numbers below were chosen on the validation split.
Only the mixture has a random start.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.ladder.record import SEEDS, row, write_rows
from helpers.data.images import load
from helpers.models import CategoricalMixture, ChowLiuTree, IndependentCategorical
from helpers.random import seed_everything

LEVELS = 17
MODELS: dict[str, Callable[[], Any]] = {
    "independent pixels": lambda: IndependentCategorical((1, 8, 8), LEVELS, smoothing=0.8),
    "mixture of 20": lambda: CategoricalMixture(20, LEVELS, smoothing=0.05, prior_examples=20),
    "tree": lambda: ChowLiuTree(LEVELS, smoothing=0.8),
}


def run(name: str, seed: int) -> dict[str, Any]:
    """Fit one of them to the training part; `weights` counts the entries of its tables."""
    digits = load("digits")
    seed_everything(seed)
    start = time.process_time()
    model = MODELS[name]().fit(digits.train.levels)
    return {
        "model": name,
        "training_cpu_seconds": time.process_time() - start,
        "validation_nats": -model.log_prob(digits.validation.levels).mean().item(),
        "test_nats": -model.log_prob(digits.test.levels).mean().item(),
        "weights": sum(value.numel() for value in model.state_dict().values()),
    }


def main() -> None:
    r"""Fit each with each seed and write the rows."""
    torch.set_num_threads(1)
    rows = []
    for name in MODELS:
        seeds = SEEDS if "mixture" in name else SEEDS[:1]
        runs = [run(name, seed) for seed in seeds]
        rows.append(row(runs, data="digits", bound=False, note="", seeds=seeds))
    write_rows("classical", rows, "python -m benchmarks.ladder.classical")


if __name__ == "__main__":
    main()
