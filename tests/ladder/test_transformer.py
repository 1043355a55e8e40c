"""Recipes of Transformers: what is announced is what was done, and tiny runs that go on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.ladder import record
from benchmarks.ladder import transformer as ladder
from helpers.data import text
from helpers.data.images import load
from helpers.random import seeded


@pytest.fixture(autouse=True)
def _tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_default_dtype(torch.float32)  # the fixture of all tests puts it back
    monkeypatch.setattr(ladder, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    monkeypatch.setattr(ladder, "WINDOW", 16)
    short = {"seconds": 0.05, "width": 8, "heads": 2, "layers": 1}
    monkeypatch.setattr(ladder, "DIGITS", replace(ladder.DIGITS, **short))
    monkeypatch.setattr(ladder, "TEXT", replace(ladder.TEXT, **short))
    plays = text.split("to be or not to be that is the question " * 40, "plays")
    monkeypatch.setattr(text, "load", lambda name: plays)


def test_what_is_announced_is_what_was_done(seed: int) -> None:
    levels = load("digits").train.levels
    drawn = ladder.draw_images(levels[:1], 300, seeded(seed))
    flags, pixels = drawn[:, :3], drawn[:, 3:].view(-1, 8, 8)
    assert pixels.max() < ladder.LEVELS <= flags.min()
    assert drawn.max() < ladder.SYMBOLS
    as_it_is = (flags == ladder.rows(levels[:1])[0, :3]).all(1)
    assert as_it_is.any()
    assert (pixels[as_it_is] == levels[0, 0]).all()
    down = (flags == torch.tensor([ladder.DOWN + 2, ladder.RIGHT + 1, ladder.BENT])).all(1)
    assert down.any()
    assert (pixels[down][:, 1:] == levels[0, 0, :-1]).all()


def test_each_character_is_counted_once(seed: int) -> None:
    """A network whose probabilities do not depend on what was read: the mean of its codes."""
    model = ladder.make(5, ladder.TEXT)
    for weight in model.output.parameters():
        torch.nn.init.zeros_(weight)
    bias = torch.randn(5, generator=seeded(seed))
    model.output.bias.data = bias
    codes = torch.randint(5, (16 * 4 + 5,), generator=seeded(seed + 1))
    expected = -bias.log_softmax(0)[codes].mean().item()
    assert ladder.text_nats(model, codes) == pytest.approx(expected, rel=1e-5)


def test_the_rows_are_made_and_nothing_runs_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ladder.main(["--seeds", "20", "21"])
    assert [row["data"] for row in made] == ["digits", "text"]
    assert len(made[0]["test"]) == 2
    kept = json.loads((tmp_path / "ladder_transformer.json").read_text(encoding="utf-8"))
    assert kept["rows"] == made

    def never(*_: Any) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(ladder, "train", never)
    assert ladder.main(["--seeds", "20", "21"]) == made


def test_a_stopped_run_goes_on(seed: int) -> None:
    """In two parts as at once: the same draws, weights and rates, by the clock of the steps."""
    recipe = replace(ladder.DIGITS, seconds=0.03)
    levels = load("digits").train.levels
    model = ladder.make(ladder.SYMBOLS, recipe, context=67)

    def draw(size: int, rng: torch.Generator) -> torch.Tensor:
        return ladder.draw_images(levels, size, rng)

    first = ladder.train(model, draw, recipe, seed, "x")
    weights = [weight.clone() for weight in model.parameters()]
    again = ladder.make(ladder.SYMBOLS, recipe, context=67)
    assert ladder.train(again, draw, recipe, seed, "x") == first
    torch.testing.assert_close(list(again.parameters()), weights)
    longer = replace(recipe, seconds=first + 0.03)
    assert ladder.train(again, draw, longer, seed, "x") > first
    assert any((a != b).any() for a, b in zip(again.parameters(), weights))
