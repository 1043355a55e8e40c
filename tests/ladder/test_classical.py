"""Models without a hidden network, as the ladder runs them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.ladder import classical
from helpers.data.images import load


@pytest.mark.parametrize("name", classical.MODELS)
def test_a_seed_gives_its_run_again(name: str, seed: int) -> None:
    first, again = classical.run(name, seed), classical.run(name, seed)
    for key in ("model", "test_nats", "validation_nats", "weights"):
        assert first[key] == again[key]
    assert first["weights"] >= 64 * classical.LEVELS


def test_pixels_alone_are_smoothed_counts(seed: int) -> None:
    """Counts in NumPy, with the smoothing of the recipe."""
    digits, levels = load("digits"), np.arange(classical.LEVELS)
    train, test = (part.levels.flatten(1).numpy() for part in (digits.train, digits.test))
    counts = (train[..., None] == levels).sum(0) + 0.8  # (64, 17)
    log_p = np.log(counts / counts.sum(1, keepdims=True))
    expected = -np.take_along_axis(log_p[None], test[..., None], 2).sum((1, 2)).mean()
    found = classical.run("independent pixels", seed)["test_nats"]
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_tree_is_better_than_pixels_alone(seed: int) -> None:
    nats = {name: classical.run(name, seed)["test_nats"] for name in classical.MODELS}
    assert nats["tree"] < nats["independent pixels"] - 5
    assert nats["mixture of 20"] < nats["independent pixels"] - 5
