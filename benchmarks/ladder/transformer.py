r"""Transformers of symbols: digits as rows of tokens, and Shakespeare as characters.

    python -m benchmarks.ladder.transformer [--parts digits text] [--seeds 20 21 22 23 24]

Digits: `load_digits` in its order, 1,000 / 350 / 447 images, nats per image. What a training image
went through is announced by three symbols before its pixels; those of an image as it is stand
before every image that is scored. A little probability goes to symbols that are no levels, so the
nats are those of an upper bound, by next to nothing.

Text: 90/10 as nanoGPT cuts it, nats a character of the whole held-out part, each character given
the 128 to 255 before it. Training is so many seconds of processor time, one thread, evaluations not
counted; the state is saved under `_build`, so that a stopped run goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from benchmarks.character_model import rate
from benchmarks.ladder.augmentation import LEVELS, bend, move
from benchmarks.ladder.record import SEEDS, row, write_rows
from helpers.data import text
from helpers.data.images import load
from helpers.models import TransformerLanguageModel
from helpers.random import seed_everything, seeded

KEPT = Path("_build/ladder_transformer")
#: First symbols of "moved down by −1, 0, 1", "moved right", "bent"; then the number of all symbols.
DOWN, RIGHT, BENT, SYMBOLS = LEVELS, LEVELS + 3, LEVELS + 6, LEVELS + 8
ANNOUNCED = 3
WINDOW = 128


@dataclass(frozen=True)
class Recipe:
    """One network and its training; `batch` counts images or windows of text."""

    seconds: float
    width: int
    layers: int
    heads: int = 4
    dropout: float = 0.0
    batch: int = 64
    lr: float = 3e-3
    decay: float = 0.1
    recent: int = 1


DIGITS = Recipe(seconds=30, width=64, layers=3, dropout=0.1, batch=32, recent=9)
TEXT = Recipe(seconds=170, width=128, layers=4, batch=6, lr=2e-3, recent=4)


def rows(levels: Tensor, flags: Tensor | None = None) -> Tensor:
    """Images (B, 1, 8, 8) to symbols (B, 3 + 64); by default announced as what they are."""
    if flags is None:
        flags = torch.tensor([1, 1, 0]).expand(len(levels), ANNOUNCED)
    return torch.cat([flags + torch.tensor([DOWN, RIGHT, BENT]), levels.flatten(1)], 1)


def draw_images(levels: Tensor, size: int, rng: Generator) -> Tensor:
    """Symbols of training images, some of them changed."""
    x, bent = bend(levels[torch.randint(len(levels), (size,), generator=rng)], 0.4, rng)
    x, moved = move(x, 0.5, rng)
    return rows(x, torch.stack([*(moved + 1), bent.long()], 1))


def draw_windows(codes: Tensor, size: int, rng: Generator) -> Tensor:
    """Windows of the text, at any place."""
    first = torch.randint(len(codes) - WINDOW + 1, (size, 1), generator=rng)
    return codes[first + torch.arange(WINDOW)]


def train(
    model: nn.Module, draw: Callable[[int, Generator], Tensor], recipe: Recipe, seed: int, name: str
) -> float:
    """Train for so many seconds, from the saved state if there is one; the seconds."""
    optimizer = torch.optim.AdamW(
        model.parameters(), recipe.lr, betas=(0.9, 0.95), weight_decay=recipe.decay
    )
    rng, clock, saved, path = seeded(seed), 0.0, 0.0, KEPT / f"{name}_{seed}.pt"
    if path.exists():
        kept = torch.load(path, weights_only=True)
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        rng.set_state(kept["rng"])
        clock = saved = kept["clock"]
    model.train()
    while clock < recipe.seconds:
        start = time.process_time()
        optimizer.param_groups[0]["lr"] = recipe.lr * rate(clock / recipe.seconds)
        loss = model.loss(draw(recipe.batch, rng))["loss"]  # type: ignore[operator]
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), WINDOW / 2)  # the loss is a whole row's
        optimizer.step()
        clock += time.process_time() - start
        if clock > saved + 20 or clock >= recipe.seconds:
            saved = clock
            path.parent.mkdir(parents=True, exist_ok=True)
            parts = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save({**parts, "rng": rng.get_state(), "clock": clock}, path)
    return clock


def make(num_symbols: int, recipe: Recipe, **options: Any) -> TransformerLanguageModel:
    """The recipe's network, not yet trained."""
    return TransformerLanguageModel(
        num_symbols,
        width=recipe.width,
        heads=recipe.heads,
        layers=recipe.layers,
        dropout=recipe.dropout,
        recent=recipe.recent,
        **options,
    )


def figures(
    name: str, model: nn.Module, seconds: float, validation: float, test: float
) -> dict[str, Any]:
    """What a row needs."""
    weights = sum(parameter.numel() for parameter in model.parameters())
    figures = {"model": name, "validation_nats": validation, "test_nats": test}
    return figures | {"training_cpu_seconds": seconds, "weights": weights}


@torch.no_grad()
def image_nats(model: TransformerLanguageModel, levels: Tensor) -> float:
    """Mean nats per image, the announcement given."""
    parts = [model.log_conditionals(part)[:, ANNOUNCED:] for part in rows(levels).split(100)]
    return -torch.cat(parts).sum(1).mean().item()


@torch.no_grad()
def text_nats(model: TransformerLanguageModel, codes: Tensor) -> float:
    """Mean nats per character, each given the WINDOW to 2 WINDOW − 1 before it.

    The first window has what is there; the rest of the last one is filled up and not counted.
    """
    padded = F.pad(codes, (0, -len(codes) % WINDOW))
    first = model.log_conditionals(padded[None, :WINDOW])[0]
    pairs = padded.unfold(0, 2 * WINDOW, WINDOW)
    later = [model.log_conditionals(part)[:, WINDOW:] for part in pairs.split(32)]
    return -torch.cat([first, *(part.flatten() for part in later)])[: len(codes)].mean().item()


def once(name: str, seed: int, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a run found, from its file if it has ended before."""
    path = KEPT / f"{name}_{seed}.json"
    if path.exists():
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    found = run()
    path.write_text(json.dumps(found), encoding="utf-8")
    return found


def run_digits(seed: int, recipe: Recipe = DIGITS) -> dict[str, Any]:
    """One model of digits."""
    digits = load("digits")
    seed_everything(seed)
    model = make(SYMBOLS, recipe, context=ANNOUNCED + 64)
    levels = digits.train.levels
    clock = train(model, lambda n, rng: draw_images(levels, n, rng), recipe, seed, "digits")
    nats = (image_nats(model, part.levels) for part in (digits.validation, digits.test))
    return figures("Transformer, digits as tokens", model, clock, *nats)


def run_text(seed: int, recipe: Recipe = TEXT) -> dict[str, Any]:
    """One model of Shakespeare; the held-out part is the only one, and nothing was chosen on it."""
    splits = text.load("shakespeare")
    codes, held_out = splits.encode(splits.train), splits.encode(splits.validation)
    seed_everything(seed)
    model = make(len(splits.alphabet), recipe)
    clock = train(model, lambda n, rng: draw_windows(codes, n, rng), recipe, seed, "text")
    nats = text_nats(model, held_out)
    title = f"Transformer, {recipe.layers} × {recipe.width}, {recipe.seconds:g} s"
    return figures(title, model, clock, nats, nats)


def main(arguments: Sequence[str] | None = None) -> list[dict[str, Any]]:
    r"""Run the parts, write their rows, return them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", default=["digits", "text"])
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--share", type=float, default=1.0, help="of the seconds of each run")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)

    def short(recipe: Recipe) -> Recipe:
        return replace(recipe, seconds=options.share * recipe.seconds)

    made = []
    if "digits" in options.parts:
        recipe = short(DIGITS)
        runs = [once("digits", k, partial(run_digits, k, recipe)) for k in options.seeds]
        note = "no labels; training images moved and bent, announced by three symbols"
        made.append(row(runs, data="digits", bound=True, note=note, seeds=options.seeds))
    first = options.seeds[:1]
    if "text" in options.parts:
        run = once("text", first[0], partial(run_text, first[0], short(TEXT)))
        note = "Shakespeare 90/10; one seed, because it is long; test is the held-out tenth"
        made.append(row([run], data="text", bound=False, note=note, seeds=first))
    command = "python -m benchmarks.ladder.transformer"
    write_rows("transformer", made, command)
    return made


if __name__ == "__main__":
    main()
