"""The recipes of the machine and of the models beside it, in a tiny form."""

from __future__ import annotations

import pytest
import torch

from benchmarks.ladder import rbm as ladder
from helpers.data.images import load


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_default_dtype(torch.float32)  # the fixture of all tests puts it back
    small = {"HIDDEN": 6, "EPOCHS": 4, "TEMPERATURES": 200, "ANNEALED": 200, "BURN_IN": 200}
    for name, value in {**small, "COMPONENTS": 3, "VAE_EPOCHS": 1}.items():
        monkeypatch.setattr(ladder, name, value)


def test_images_are_black_and_white() -> None:
    split = load("digits").test
    x = ladder.white(split)
    assert set(x.unique().tolist()) == {0.0, 1.0}
    assert split.levels[x == 1].min() == 8
    assert split.levels[x == 0].max() == 7


def test_the_machines_nats_are_those_of_the_exact_normaliser(seed: int) -> None:
    """Enumeration of six hidden units."""
    figures = ladder.run(seed)
    data = load("digits")
    model = ladder.train(ladder.white(data.train), seed)
    assert figures["weights"] == 64 * 6 + 64 + 6
    for part in ("test", "validation"):
        energy = model.free_energy(ladder.white(getattr(data, part)))
        exact = (energy.mean() + model.log_normaliser()).item()
        assert figures[f"{part}_nats"] == pytest.approx(exact, abs=0.1)
        assert figures[f"{part}_nats_lower_end"] == pytest.approx(exact, abs=0.1)
    assert figures["test_nats"] < 25  # four epochs are better than independent pixels


def test_the_models_beside_it_run(seed: int) -> None:
    rows = ladder.beside(seed)
    assert [row["model"] for row in rows] == [
        "independent pixels",
        "mixture",
        "tree",
        "VAE (bound)",
    ]
    for row in rows:
        assert {"weights", "training_cpu_seconds", "test_standard_error"} <= row.keys()
        assert 15 < row["test_nats"] < row["validation_nats"] < 40
    nats = {row["model"]: row["test_nats"] for row in rows}
    assert nats["tree"] < nats["mixture"] < nats["independent pixels"]


def test_the_rows_have_one_entry_for_each_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    def figures(name: str, seed: int) -> dict[str, float | str]:
        nats = {"test_nats": 17.0 + seed, "validation_nats": 18.0, "test_nats_lower_end": 16.5}
        return {"model": name, "training_cpu_seconds": 1.0, "weights": 3, **nats}

    monkeypatch.setattr(ladder, "run", lambda seed: figures("RBM", seed))
    monkeypatch.setattr(ladder, "beside", lambda seed: [figures("tree", seed)])
    machine, tree = ladder.rows([2, 0])
    assert machine["test"] == [19.0, 17.0]
    assert machine["seeds"] == [2, 0]
    assert machine["bound"]
    assert not tree["bound"]
    assert "2.50 below" in machine["note"]
