r"""Loss of a character model over the seconds of its training, beside counting and compression.

    python -m benchmarks.character_model [--texts pydoc shakespeare] [--seconds 60 360]

One LSTM a text, trained on one thread for so many seconds of processor time, evaluations not
counted (360 are the work of three minutes on two cores); the learning rate follows the share of the
time that has passed. Shakespeare is split 90/10 as nanoGPT does;
validation reads the whole held-out part, in eight streams with a carried state. Nats a character.
"""

from __future__ import annotations

import argparse
import bz2
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.record import RESULTS, markdown_table, versions, write_result
from helpers.data.text import Streams, TextSplits, load
from helpers.models import MarkovChain, RecurrentLanguageModel
from helpers.networks import evaluating
from helpers.random import seed_everything, seeded
from helpers.training import CarriedState, gradient_step

SHAKESPEARE: dict[str, Any] = {
    "hidden": 384,
    "embedding": 64,
    "dropout": 0.1,
    "batch_size": 16,
    "window": 64,
    "lr": 3e-3,
}
SETTINGS = {
    "shakespeare": SHAKESPEARE,
    "pydoc": {  # the chapter's
        "hidden": 256,
        "embedding": 32,
        "dropout": 0.0,
        "batch_size": 8,
        "window": 48,
        "lr": 8e-3,
    },
}
LONG = SHAKESPEARE | {"hidden": 512, "dropout": 0.3, "batch_size": 32, "lr": 2e-3}


def rate(share: float) -> float:
    r"""Part of the peak learning rate after this share of the time: up in a tenth, then a cosine.

    >>> [round(rate(share), 2) for share in (0.0, 0.1, 0.55, 1.0)]
    [0.02, 1.0, 0.5, 0.0]
    """
    if share < 0.1:
        return max(0.02, share / 0.1)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (share - 0.1) / 0.9)))


@torch.no_grad()
def evaluate(model: RecurrentLanguageModel, codes: Tensor) -> float:
    r"""Mean nats a symbol of codes (T,), in eight streams, the state carried."""
    state, total, count = None, 0.0, 0
    with evaluating(model):
        streams = Streams(codes, batch_size=8, window=min(500, len(codes) // 8), start=model.start)
        for x, y in streams:
            loss, state = model.loss_and_state(x, y, state)
            total, count = total + loss.item() * y.numel(), count + y.numel()
    return total / count


def floors(text: TextSplits) -> dict[str, float]:
    r"""Nats a character: chains of orders 0 to 5, and bz2, alone and given the training text."""
    train, held_out = text.encode(text.train), text.encode(text.validation)
    found = {}
    for order in range(6):
        chain = MarkovChain(len(text.alphabet), order=order).fit(train)
        found[f"order {order}"] = -chain.log_prob(held_out[None]).item() / len(held_out)
    sizes = [
        len(bz2.compress(part.encode()))
        for part in (text.validation, text.train, text.train + text.validation)
    ]
    for name, size in (("bz2", sizes[0]), ("bz2 given training text", sizes[2] - sizes[1])):
        found[name] = 8 * size * math.log(2) / len(text.validation)
    return {name: round(nats, 4) for name, nats in found.items()}


def train(text: TextSplits, seconds: float, settings: dict[str, Any], seed: int) -> dict[str, Any]:
    r"""Train one model for so many seconds; its settings and its curve."""
    seed_everything(seed)
    model = RecurrentLanguageModel(
        len(text.alphabet),
        embedding=settings["embedding"],
        hidden=settings["hidden"],
        dropout=settings["dropout"],
    )
    codes, held_out = text.encode(text.train), text.encode(text.validation)
    streams = Streams(
        codes,
        batch_size=settings["batch_size"],
        window=settings["window"],
        start=model.start,
        rng=seeded(seed),
    )
    optimizer = torch.optim.Adam(model.parameters(), settings["lr"])
    step = gradient_step(CarriedState(model), optimizer, max_norm=1.0)
    curve: list[dict[str, float]] = []
    clock, steps, symbols = 0.0, 0, 0
    while clock < seconds:
        for x, y in streams:
            optimizer.param_groups[0]["lr"] = settings["lr"] * rate(clock / seconds)
            started = time.process_time()
            step(x, y)
            clock += time.process_time() - started
            steps, symbols = steps + 1, symbols + y.numel()
            due = clock >= (len(curve) + 1) / 12 * seconds or clock >= seconds
            if due:
                nats = round(evaluate(model, held_out), 4)
                curve.append({"cpu_seconds": round(clock, 1), "validation": nats})
            if clock >= seconds:
                break
    return {
        "text": text.name,
        "cpu_seconds": seconds,
        "steps": steps,
        "passes": round(symbols / len(codes), 2),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        **settings,
        "seed": seed,
        "curve": curve,
        "validation": curve[-1]["validation"],
        "bits": round(curve[-1]["validation"] / math.log(2), 4),
    }


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    r"""Train on each text, print the table, write the result file, return the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", nargs="+", default=["pydoc", "shakespeare"])
    parser.add_argument("--seconds", nargs="+", type=float, default=[60.0, 360.0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hidden", type=int, default=None, help="units; by default as noted")
    parser.add_argument("--output", type=Path, default=RESULTS / "character_model.json")
    options = parser.parse_args(arguments)
    if len(options.texts) != len(options.seconds):
        parser.error("give as many --seconds as --texts")
    torch.set_num_threads(1)
    runs = []
    known = {name: floors(load(name)) for name in sorted(set(options.texts))}
    for name, seconds in zip(options.texts, options.seconds):
        settings = LONG if seconds > 1000 else SETTINGS[name]
        if options.hidden is not None:
            settings = settings | {"hidden": options.hidden}
        runs.append(train(load(name), seconds, settings, options.seed))
        print(json.dumps(runs[-1]), flush=True)
        rows = [
            [run["text"], f"{run['cpu_seconds']:g}", f"{run['validation']:.3f}"] for run in runs
        ]
        command = "python -m benchmarks.character_model --texts "
        command += " ".join(run["text"] for run in runs) + " --seconds "
        command += " ".join(f"{run['cpu_seconds']:g}" for run in runs)
        if options.hidden is not None:
            command += f" --hidden {options.hidden}"
        write_result(
            options.output,
            benchmark="character_model",
            command=command,
            versions=versions("torch", "numpy", "deep-generative-models-book"),
            seeds=[options.seed],
            figures={"runs": runs, "floors": known},
            unit="nats per character on the validation text, lower is better",
        )
    print(markdown_table(["text", "CPU seconds", "validation"], rows))
    return {"runs": runs, "floors": known}


if __name__ == "__main__":
    main()
