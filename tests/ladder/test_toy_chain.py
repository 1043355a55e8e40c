"""The chain of mixture densities runs, and its excess is measured against the exact density."""

from __future__ import annotations

import pytest
import torch

from benchmarks.ladder import toy_chain


@pytest.fixture(autouse=True)
def _float32():
    torch.set_default_dtype(torch.float32)  # the fixture of all tests puts it back


@pytest.mark.parametrize("density", toy_chain.DENSITIES)
def test_a_tiny_run(density: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few steps lower the excess; excess and test nats are of the same points, so their
    difference is the entropy within the error of 2,000 draws.
    """
    monkeypatch.setattr(toy_chain, "TEST_DRAWS", 2_000)
    untrained, trained = (toy_chain.run(seed, density, steps) for steps in (1, 30))
    assert 0 < trained["excess_nats"] < untrained["excess_nats"]
    gap = trained["test_nats"] - trained["excess_nats"] - trained["entropy_nats"]
    assert abs(gap) < 0.12  # five standard errors: −log p has a standard deviation of about 1
