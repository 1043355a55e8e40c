r"""Examples per CPU second of one training step of a coupling flow: ours, and zuko's RealNVP.

    python -m benchmarks.flow_step --zuko-python PYTHON

The steps of `benchmarks.flow_steps` take turns as those of `benchmarks.vae_step` do. PYTHON is that
of an environment with zuko, which needs what the book needs, too.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.record import RESULTS, markdown_table, versions, write_result
from benchmarks.vae_step import Worker, compare, measure


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print the table, write the result file, return the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--zuko-python", help="python of an environment that has zuko")
    parser.add_argument("--starts", type=int, default=8, help="times that processes start afresh")
    parser.add_argument("--rounds", type=int, default=12, help="rounds of each start")
    parser.add_argument("--steps", type=int, default=25, help="steps of a block")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=RESULTS / "flow_step.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)

    pythons = {"helpers": options.zuko_python or sys.executable}
    if options.zuko_python:
        pythons["zuko"] = options.zuko_python
    seconds: dict[str, list[list[float]]] = {name: [] for name in pythons}
    for start in range(options.starts):
        workers: list[Worker] = []
        try:
            for name, python in pythons.items():
                arguments_of = (name, python, options.batch_size, options.seed)
                workers.append(Worker(*arguments_of, module="benchmarks.flow_steps"))
            times, last = measure(
                workers, rounds=options.rounds, steps=options.steps, seed=options.seed + start
            )
        finally:
            for worker in workers:
                worker.stop()
        for name in pythons:
            seconds[name].append(times[name])

    found = workers[-1].versions  # of the environment in which both ran
    figures: dict[str, Any] = {"steps": {}, "helpers_over": {}}
    rows = []
    for name, starts in seconds.items():
        rate = statistics.median(options.steps / time for rounds in starts for time in rounds)
        figures["steps"][name] = {
            "steps_per_cpu_second": round(rate, 1),
            "peak_memory_mib": round(last[name]["peak_memory_mib"]),
            "last_loss": round(last[name]["loss"], 3),
        }
        text = ""
        if name != "helpers":
            ratio = compare(seconds["helpers"], starts)
            figures["helpers_over"][name] = {key: round(r, 4) for key, r in ratio.items()}
            text = f"{ratio['ratio']:.3f} ± {ratio['standard_error']:.3f}"
        rows.append([name, f"{rate:.0f}", text])
    print(markdown_table(["step", "steps per CPU second", "helpers is faster by"], rows))
    command = "python -m benchmarks.flow_step"
    if options.zuko_python:
        command += " --zuko-python PYTHON"
    for name in ("starts", "rounds", "steps", "batch_size", "seed"):
        if getattr(options, name) != parser.get_default(name):
            command += f" --{name.replace('_', '-')} {getattr(options, name)}"
    write_result(
        options.output,
        benchmark="flow_step",
        command=command,
        versions={**versions("torch", "numpy", "deep-generative-models-book"), **found},
        seeds=[options.seed],
        figures=figures,
        networks="8 affine couplings of the plane, 1-64-64-2, ReLU, Adam",
        batch_size=options.batch_size,
        starts=options.starts,
        rounds=options.rounds,
        steps_in_a_block=options.steps,
    )
    return figures


if __name__ == "__main__":
    main()
