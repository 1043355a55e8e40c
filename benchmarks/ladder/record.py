"""Rows of the ladder: what each model reached with each seed, in one form for all families."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from benchmarks.record import RESULTS, versions

SEEDS = (20, 21, 22, 23, 24)  # only these are reported; others were used for choosing


def row(
    runs: Sequence[Mapping[str, Any]],
    *,
    data: str,
    bound: bool,
    note: str,
    seeds: Sequence[int] = SEEDS,
) -> dict[str, Any]:
    """One model from the figures of its runs, one for each seed.

    Args:
        runs: each with ``model``, ``test_nats``, ``validation_nats``, ``training_cpu_seconds`` and
            ``weights``.
        data: "digits", "digits, binarised" or "text".
        bound: whether the nats are an upper bound.
        note: what a reader of the row has to know.
        seeds: of the runs.
    """
    return {
        "model": runs[0]["model"],
        "data": data,
        "test": [round(run["test_nats"], 3) for run in runs],
        "bound": bound,
        "validation": [round(run["validation_nats"], 3) for run in runs],
        "seconds": [round(run["training_cpu_seconds"], 1) for run in runs],
        "weights": runs[0]["weights"],
        "seeds": list(seeds),
        "note": note,
    }


def write_rows(family: str, rows: Sequence[Mapping[str, Any]], command: str) -> None:
    """Write ``benchmarks/results/ladder_<family>.json``."""
    used = versions("torch", "numpy", "scikit-learn")
    result = {"rows": list(rows), "command": command, "versions": used, "device": "cpu"}
    path = RESULTS / f"ladder_{family}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def run_command(family: str, rows: Callable[[Sequence[int]], list[Any]], about: str | None) -> None:
    """The command line of a family: make its rows with the seeds that are reported, write them."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    seeds = parser.parse_args().seeds
    torch.set_num_threads(1)
    given = "" if seeds == list(SEEDS) else f" --seeds {' '.join(map(str, seeds))}"
    write_rows(family, rows(seeds), f"python -m benchmarks.ladder.{family}{given}")
