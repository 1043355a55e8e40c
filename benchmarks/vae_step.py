r"""Examples per CPU second of one VAE training step: ours, a plain PyTorch loop, pythae.

    python -m benchmarks.vae_step [--pythae-python PYTHON]

The steps of `benchmarks.steps` run in one process each and take turns: in each round every one does
a short block of steps, in an order that is drawn anew, so that whatever else the machine does hits
all of them alike. The processes are started afresh several times: where a process happens to lie in
memory is worth two per cent, so the error of a ratio is taken over the starts.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.record import RESULTS, markdown_table, versions, write_result

ROOT = Path(__file__).parent.parent


class Worker:
    r"""One process of `benchmarks.steps`.

    Args:
        name: whose step.
        python: the interpreter; pythae's is that of another environment.
        batch_size: examples in a batch.
        seed: of the weights, the data and the noise.
        module: the program that holds the steps.
    """

    def __init__(
        self,
        name: str,
        python: str,
        batch_size: int,
        seed: int,
        module: str = "benchmarks.steps",
    ) -> None:
        self.name = name
        command = [python, "-m", module, name]
        command += ["--batch-size", str(batch_size), "--seed", str(seed)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.versions: dict[str, str] = self._answer()["versions"]

    def run(self, steps: int) -> dict[str, float]:
        r"""Do so many steps; seconds of processor time, last loss, peak memory so far."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        answer: dict[str, float] = self._answer()
        return answer

    def stop(self) -> None:
        r"""End the process by closing its input."""
        self.process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):  # a package may greet on standard output
                answer: dict[str, Any] = json.loads(line)
                return answer
        _, errors = self.process.communicate()
        lines = errors.strip().splitlines() or [f"exit code {self.process.returncode}"]
        raise RuntimeError(f"the worker {self.name} stopped: {lines[-1]}")


def measure(
    workers: list[Worker], *, rounds: int, steps: int, seed: int
) -> tuple[dict[str, list[float]], dict[str, dict[str, float]]]:
    r"""Seconds of each round by worker, and each worker's last answer.

    Two blocks at the start, in which memory is allocated and caches fill, are not counted.
    """
    order = random.Random(seed)
    for worker in workers:
        worker.run(steps)
        worker.run(steps)
    seconds: dict[str, list[float]] = {worker.name: [] for worker in workers}
    last: dict[str, dict[str, float]] = {}
    for _ in range(rounds):
        for worker in order.sample(workers, len(workers)):
            last[worker.name] = worker.run(steps)
            seconds[worker.name].append(last[worker.name]["seconds"])
    return seconds, last


def compare(ours: list[list[float]], theirs: list[list[float]]) -> dict[str, float]:
    r"""How many times as many examples a second we do: median of each start, mean over the starts.

    Args:
        ours: seconds of our blocks, a list of rounds for each start.
        theirs: seconds of the blocks beside them.

    Returns:
        Geometric mean of the ratios, and its standard error over the starts (NaN for one start).

    >>> compare([[1.0, 1.0], [1.0, 1.0]], [[2.0, 2.0], [2.0, 2.0]])
    {'ratio': 2.0, 'standard_error': 0.0}
    """
    logs = [
        statistics.median(math.log(b / a) for a, b in zip(*rounds)) for rounds in zip(ours, theirs)
    ]
    ratio = math.exp(statistics.fmean(logs))
    error = statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else math.nan
    return {"ratio": ratio, "standard_error": ratio * error}


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    r"""Measure, print the table, write the result file, return the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pythae-python", help="python of an environment that has pythae")
    parser.add_argument("--starts", type=int, default=8, help="times that processes start afresh")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of each start")
    parser.add_argument("--steps", type=int, default=20, help="steps of a block")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=RESULTS / "vae_step.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)

    pythons = {"helpers": sys.executable, "plain": sys.executable}
    if options.pythae_python:
        pythons["pythae"] = options.pythae_python
    seconds: dict[str, list[list[float]]] = {name: [] for name in pythons}
    for start in range(options.starts):
        workers: list[Worker] = []
        try:
            for name, python in pythons.items():
                workers.append(Worker(name, python, options.batch_size, options.seed))
            times, last = measure(
                workers, rounds=options.rounds, steps=options.steps, seed=options.seed + start
            )
        finally:
            for worker in workers:
                worker.stop()
        for name in pythons:
            seconds[name].append(times[name])

    examples = options.steps * options.batch_size
    figures: dict[str, Any] = {"steps": {}, "helpers_over": {}}
    for name, starts in seconds.items():
        rates = [examples / time for rounds in starts for time in rounds]
        low, _, high = statistics.quantiles(rates, n=4) if len(rates) > 1 else rates * 3
        figures["steps"][name] = {
            "examples_per_cpu_second": round(statistics.median(rates)),
            "quartiles": [round(low), round(high)],
            "peak_memory_mib": round(last[name]["peak_memory_mib"]),
            "last_loss": round(last[name]["loss"], 3),
        }
        if name != "helpers":
            ratios = compare(seconds["helpers"], starts)
            figures["helpers_over"][name] = {key: round(r, 4) for key, r in ratios.items()}

    rows = []
    for name, figure in figures["steps"].items():
        against = figures["helpers_over"].get(name)
        ratio = f"{against['ratio']:.3f} ± {against['standard_error']:.3f}" if against else ""
        low, high = figure["quartiles"]
        rate = f"{figure['examples_per_cpu_second']} ({low} to {high})"
        rows.append([name, rate, str(figure["peak_memory_mib"]), ratio])
    head = ["step", "examples per CPU second (quartiles)", "peak MiB", "helpers is faster by"]
    print(markdown_table(head, rows))

    command = "python -m benchmarks.vae_step"
    found = versions("torch", "numpy", "deep-generative-models-book")
    if options.pythae_python:
        command += " --pythae-python PYTHON"
        found["pythae"] = workers[-1].versions["pythae"]
        found["torch beside pythae"] = workers[-1].versions["torch"]
    for name in ("starts", "rounds", "steps", "batch_size", "seed"):
        if getattr(options, name) != parser.get_default(name):
            command += f" --{name.replace('_', '-')} {getattr(options, name)}"
    write_result(
        options.output,
        benchmark="vae_step",
        command=command,
        versions=found,
        seeds=[options.seed],
        figures=figures,
        networks="784-512-32 and 16-512-784, ReLU, Bernoulli likelihood, Adam",
        batch_size=options.batch_size,
        starts=options.starts,
        rounds=options.rounds,
        steps_in_a_block=options.steps,
    )
    return figures


if __name__ == "__main__":
    main()
