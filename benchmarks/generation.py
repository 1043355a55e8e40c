r"""Characters a second that a character model writes and reads, one thread, beside a plain loop.

    python -m benchmarks.generation

Writing carries the state, so a character costs the same however long the text already is: the
rates for 100, 1,000 and 10,000 characters should agree. Reading is a training step, ours and a
loop of PyTorch's own layers without any checks, with the same numbers; the two take turns.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.record import RESULTS, markdown_table, versions, write_result
from helpers.models import RecurrentLanguageModel
from helpers.random import seed_everything, seeded
from helpers.training import CarriedState, gradient_step

SYMBOLS, EMBEDDING, WINDOW, BATCH = 65, 64, 64, 32
Step = Callable[[Tensor, Tensor], Tensor]


def ours(hidden: int, seed: int) -> Step:
    r"""The book's training step."""
    seed_everything(seed)
    model = RecurrentLanguageModel(SYMBOLS, embedding=EMBEDDING, hidden=hidden)
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    step = gradient_step(CarriedState(model), optimizer, max_norm=1.0)
    return lambda x, y: step(x, y)["loss"]


def plain(hidden: int, seed: int) -> Step:
    r"""The same step with PyTorch alone."""
    seed_everything(seed)
    model = RecurrentLanguageModel(SYMBOLS, embedding=EMBEDDING, hidden=hidden)
    embedding, lstm, output = model.embedding, model.recurrent, model.output
    layers = nn.ModuleList([embedding, lstm, output])
    optimizer = torch.optim.Adam(layers.parameters(), 2e-3)
    kept: list[Any] = [None]

    def step(x: Tensor, y: Tensor) -> Tensor:
        optimizer.zero_grad()
        h, state = lstm(embedding(x), kept[0])
        kept[0] = tuple(part.detach() for part in state)
        loss = F.cross_entropy(output(h).flatten(0, 1), y.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(layers.parameters(), 1.0)
        optimizer.step()
        return loss.detach()

    return step


MAKERS: dict[str, Callable[[int, int], Step]] = {"helpers": ours, "plain": plain}


def batch(seed: int) -> tuple[Tensor, Tensor]:
    r"""Symbols at random: inputs and outputs, each (32, 64)."""
    drawn = torch.randint(SYMBOLS, (2, BATCH, WINDOW), generator=seeded(seed))
    return drawn[0], drawn[1]


def writing(lengths: Sequence[int], hidden: int, rounds: int, seed: int) -> dict[str, Any]:
    r"""Median characters a CPU second of one text, for each length."""
    seed_everything(seed)
    model = RecurrentLanguageModel(SYMBOLS, embedding=EMBEDDING, hidden=hidden)
    model.sample(1, length=50, rng=seeded(seed))
    rates: dict[int, list[float]] = {length: [] for length in lengths}
    for k in range(rounds):
        for length in lengths:
            start = time.process_time()
            model.sample(1, length=length, rng=seeded(seed + k))
            rates[length].append(length / (time.process_time() - start))
    return {str(length): round(statistics.median(found)) for length, found in rates.items()}


def reading(hidden: int, rounds: int, seed: int) -> dict[str, Any]:
    r"""Median symbols a CPU second of both training steps, and the median of their ratios."""
    steps = {name: make(hidden, seed) for name, make in MAKERS.items()}
    x, y = batch(seed)
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step(x, y)
    for k in range(rounds):
        for name in sorted(steps, reverse=bool(k % 2)):
            start = time.process_time()
            steps[name](x, y)
            seconds[name].append(time.process_time() - start)
    ratios = [b / a for a, b in zip(seconds["helpers"], seconds["plain"])]
    rates = {n: round(x.numel() / statistics.median(found)) for n, found in seconds.items()}
    error = statistics.stdev(ratios) / len(ratios) ** 0.5 if len(ratios) > 1 else 0.0
    ratio = {"median": round(statistics.median(ratios), 4), "standard_error": round(error, 4)}
    return {"symbols_per_second": rates, "helpers_over_plain": ratio}


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    r"""Measure, print the table, write the result file, return the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lengths", nargs="+", type=int, default=[100, 1000, 10_000])
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5, help="texts of each length")
    parser.add_argument("--steps", type=int, default=60, help="training steps of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=RESULTS / "generation.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    figures = {
        "characters_written_per_second": writing(
            options.lengths, options.hidden, options.rounds, options.seed
        ),
        "training": reading(options.hidden, options.steps, options.seed),
    }
    written = figures["characters_written_per_second"].items()
    print(markdown_table(["characters", "a second"], [[k, str(v)] for k, v in written]))
    read = figures["training"]["symbols_per_second"].items()
    print(markdown_table(["training step", "symbols a second"], [[k, str(v)] for k, v in read]))
    command = "python -m benchmarks.generation"
    for name in ("lengths", "hidden", "rounds", "steps"):
        value = getattr(options, name)
        if value != parser.get_default(name):
            text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
            command += f" --{name} {text}"
    write_result(
        options.output,
        benchmark="generation",
        command=command,
        versions=versions("torch", "numpy", "deep-generative-models-book"),
        seeds=[options.seed],
        figures=figures,
        hidden=options.hidden,
        unit="per CPU second, higher is better; a ratio above 1 means that ours is faster",
    )
    return figures


if __name__ == "__main__":
    main()
