"""Early stopping on scripted scores: when it ends, which weights come back."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from helpers.training import EarlyStopping, fit


def run(scores: list[float], epochs: int = 0, **options: float) -> tuple[EarlyStopping, nn.Module]:
    """Train a weight that counts the epochs, with the given scores after each."""
    model, script = nn.Linear(1, 1, bias=False), iter(scores)
    nn.init.zeros_(model.weight)

    def step(x: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            model.weight += 1
        return {"loss": x.mean()}

    stopping = EarlyStopping(model, lambda: next(script), **options)  # type: ignore[arg-type]
    seen: list[int] = []
    history = fit(
        step,
        [torch.ones(2)],
        epochs=epochs or len(scores),
        progress=False,
        callbacks=[stopping, lambda epoch, means: seen.append(epoch)],
    )
    assert len(history["loss"]) == len(stopping.scores) == len(seen)  # the others still run
    return stopping, model


def test_it_stops_after_the_patience_and_goes_back() -> None:
    stopping, model = run([5.0, 3.0, 4.0, 3.5, 3.2, 1.0], patience=3)
    assert (stopping.best_epoch, stopping.best, len(stopping.scores)) == (1, 3.0, 5)
    assert model.weight.item() == 5
    stopping.restore()
    assert model.weight.item() == 2


def test_an_improvement_resets_the_patience() -> None:
    stopping, model = run([5.0, 6.0, 4.0, 6.0, 3.0, 6.0], patience=2)
    assert len(stopping.scores) == 6
    stopping.restore()
    assert model.weight.item() == 5


def test_without_any_finite_score_the_start_comes_back() -> None:
    stopping, model = run([math.inf, math.inf], patience=5)
    stopping.restore()
    assert model.weight.item() == 0


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="score must return a number, got NaN after epoch 1"):
        run([1.0, math.nan], patience=3)
