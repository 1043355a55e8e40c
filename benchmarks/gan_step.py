"""Images per CPU second of one DCGAN training step, 32×32, both updates: ours, a plain loop.

    python -m benchmarks.gan_step

The steps of `benchmarks.gan_steps` take turns as those of `benchmarks.vae_step` do.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.gan_steps import MAKERS
from benchmarks.record import RESULTS, markdown_table, versions, write_result
from benchmarks.vae_step import Worker, compare, measure


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print the table, write the result file, return the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--starts", type=int, default=4, help="times that processes start afresh")
    parser.add_argument("--rounds", type=int, default=8, help="rounds of each start")
    parser.add_argument("--steps", type=int, default=1, help="steps of a block")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=RESULTS / "gan_step.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    seconds: dict[str, list[list[float]]] = {name: [] for name in MAKERS}
    for start in range(options.starts):
        workers: list[Worker] = []
        try:
            for name in MAKERS:
                arguments_of = (name, sys.executable, options.batch_size, options.seed)
                workers.append(Worker(*arguments_of, module="benchmarks.gan_steps"))
            times, last = measure(
                workers, rounds=options.rounds, steps=options.steps, seed=options.seed + start
            )
        finally:
            for worker in workers:
                worker.stop()
        for name in MAKERS:
            seconds[name].append(times[name])

    images = options.steps * options.batch_size
    figures: dict[str, Any] = {"steps": {}, "over_plain": {}}
    rows = []
    for name, starts in seconds.items():
        rate = statistics.median(images / time for rounds in starts for time in rounds)
        figures["steps"][name] = {
            "images_per_cpu_second": round(rate),
            "peak_memory_mib": round(last[name]["peak_memory_mib"]),
            "last_loss": round(last[name]["loss"], 3),
        }
        text = ""
        if name != "plain":
            ratio = compare(starts, seconds["plain"])
            figures["over_plain"][name] = {key: round(value, 4) for key, value in ratio.items()}
            text = f"{ratio['ratio']:.3f} ± {ratio['standard_error']:.3f}"
        rows.append([name, str(round(rate)), text])
    print(markdown_table(["step", "images per CPU second", "times the plain loop"], rows))
    command = "python -m benchmarks.gan_step"
    for name in ("starts", "rounds", "steps", "batch_size", "seed"):
        if getattr(options, name) != parser.get_default(name):
            command += f" --{name.replace('_', '-')} {getattr(options, name)}"
    write_result(
        options.output,
        benchmark="gan_step",
        command=command,
        versions=versions("torch", "numpy", "deep-generative-models-book"),
        seeds=[options.seed],
        figures=figures,
        networks="generator 100-128-64-32-16 with batch normalisation, discriminator 32-64-128",
        batch_size=options.batch_size,
        starts=options.starts,
        rounds=options.rounds,
        steps_in_a_block=options.steps,
    )
    return figures


if __name__ == "__main__":
    main()
