"""The benchmarks run, in a tiny form, and the result files that are kept say how they were made."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from benchmarks import (
    character_model,
    digits_vae,
    flow_step,
    gan_ablation,
    gan_modes,
    gan_step,
    gan_steps,
    generation,
    laboratories,
    levers,
    mnist_pictures,
    steps,
    vae_step,
)
from benchmarks.ladder import flow, toy_flow
from benchmarks.record import REQUIRED, RESULTS
from helpers.data.images import load
from helpers.data.images.datasets import Split
from helpers.random import seeded

LADDER = sorted(RESULTS.glob("ladder_*.json"))
KEPT = sorted(set(RESULTS.glob("*.json")) - set(LADDER))


@pytest.fixture(autouse=True)
def _float32():
    torch.set_default_dtype(torch.float32)  # the fixture of all tests puts it back


TERMS = ("loss", "reconstruction", "kl")


def test_the_steps_that_are_compared_compute_the_same_losses(seed: int) -> None:
    batches = steps.make_batches(5, seed)[:4]
    losses = {}
    for name in ("helpers", "plain"):
        step = steps.MAKERS[name](seed)
        torch.manual_seed(seed + 1)
        terms = [step(batch) for batch in batches]
        losses[name] = torch.stack([torch.stack([t[k] for k in TERMS]) for t in terms])
    torch.testing.assert_close(losses["helpers"], losses["plain"], rtol=1e-4, atol=0)
    assert losses["plain"][-1, 0] < losses["plain"][0, 0]


def test_the_step_benchmark_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "vae_step.json"
    arguments = ["--starts", "1", "--rounds", "2", "--steps", "1", "--batch-size", "3"]
    vae_step.main([*arguments, "--output", str(output)])
    check_result(output)
    figures = json.loads(output.read_text(encoding="utf-8"))["figures"]
    assert set(figures["steps"]) == {"helpers", "plain"}
    assert figures["helpers_over"]["plain"]["ratio"] > 0
    assert "helpers is faster by" in capsys.readouterr().out


def test_a_worker_that_cannot_start_is_named() -> None:
    with pytest.raises(RuntimeError, match="the worker unknown stopped"):
        vae_step.Worker("unknown", vae_step.sys.executable, 3, 0)


def test_the_comparison_finds_a_known_ratio(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    starts, rounds, spread = 40, 3, 0.01
    ours = 1 + torch.rand(starts, rounds, generator=generator)
    theirs = 1.25 * ours * (spread * torch.randn(starts, 1, generator=generator)).exp()
    found = vae_step.compare(ours.tolist(), theirs.tolist())
    expected = 1.25 * spread / math.sqrt(starts)
    assert abs(found["ratio"] - 1.25) < 5 * expected
    assert 0.3 < found["standard_error"] / expected < 3


def test_the_flow_step_benchmark_runs(tmp_path: Path) -> None:
    output = tmp_path / "flow_step.json"
    arguments = ["--starts", "1", "--rounds", "2", "--steps", "1", "--batch-size", "5"]
    figures = flow_step.main([*arguments, "--output", str(output)])
    check_result(output)
    assert figures["steps"]["helpers"]["steps_per_cpu_second"] > 0


def test_the_flows_of_the_ladder_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for density in toy_flow.DENSITIES:
        found = toy_flow.run(0, density, steps=30)
        excess = found["test_nats"] - found["entropy_nats"]
        assert abs(excess - found["excess_nats"]) < 0.1  # the mean of -log p is near the entropy
        assert found["excess_nats"] > 0
    monkeypatch.setattr(flow, "LAYERS", 2)
    monkeypatch.setattr(flow, "DRAWS", 3)
    monkeypatch.setattr(flow, "DECAY", 0.5)
    found = flow.run(0, epochs=1)
    assert 100 < found["test_nats"] < found["test_nats_one_draw"] < 190  # 181: all are equal


def test_what_is_announced_is_what_was_done(seed: int) -> None:
    levels = torch.randint(17, (500, 64), generator=seeded(seed))
    x, flags = flow.augment(levels, seeded(seed + 1))
    untouched = ~flags.any(1)
    assert 0.2 < untouched.double().mean() < 0.55
    assert torch.equal(x[untouched], levels[untouched])
    down = (flags == torch.tensor([0.0, 1, 0, 0, 0])).all(1)
    assert down.any()
    before, after = levels[down].reshape(-1, 8, 8), x[down].reshape(-1, 8, 8)
    assert torch.equal(after[:, 1:], before[:, :-1])
    assert not after[:, 0].any()


def test_the_digits_benchmark_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TQDM_DISABLE", "1")
    output = tmp_path / "digits_vae.json"
    arguments = ["--seeds", "3", "--epochs", "2", "--samples", "2", "--output", str(output)]
    figures = digits_vae.main(arguments)
    check_result(output)
    assert figures["test"]["mean"] < 64 * math.log(17)  # better than all levels alike


@pytest.mark.parametrize(("name", "epochs"), [("vae", 2), ("gan", 1)])
def test_the_mnist_pictures_are_drawn(
    name: str, epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On pictures of the same size that are at hand."""
    glyphs = load("glyphs")
    parts = {
        part: Split(split.x[:n], split.y[:n] % 10, 256)
        for part, split, n in (("train", glyphs.train, 1408), ("test", glyphs.test, 60))
    }
    monkeypatch.setattr(mnist_pictures, "load", lambda name: replace(glyphs, **parts))
    monkeypatch.setattr(mnist_pictures, "RESULTS", tmp_path)
    figures = mnist_pictures.main([name, "--epochs", str(epochs), "--samples", "2"])
    check_result(tmp_path / f"mnist_pictures_{name}.json")
    sheet = (tmp_path / f"mnist_pictures_{name}.svg").read_text(encoding="utf-8")
    assert "data:image/png;base64" in sheet
    with Image.open(tmp_path / f"mnist_pictures_{name}.png") as picture:
        assert picture.size == (539, 436)
    if name == "vae":  # the same images, more samples: a smaller bound on −log p
        assert figures["importance_weighted"]["nats"] < figures["elbo"]["nats"]
    else:
        assert set(figures["samples"]) == set(figures["training_images"])


def test_the_games_that_are_compared_compute_the_same_losses(seed: int) -> None:
    batches = gan_steps.make_batches(3, seed)[:3]
    losses = {}
    for name in ("helpers", "plain"):
        step = gan_steps.MAKERS[name](seed)
        torch.manual_seed(seed + 1)
        terms = [step(batch) for batch in batches]
        losses[name] = torch.tensor(
            [[term[player].item() for player in ("discriminator", "generator")] for term in terms]
        )
    torch.testing.assert_close(losses["helpers"], losses["plain"], rtol=1e-3, atol=0)


def test_the_game_step_benchmark_runs(tmp_path: Path) -> None:
    output = tmp_path / "gan_step.json"
    arguments = ["--starts", "1", "--rounds", "1", "--steps", "1", "--batch-size", "3"]
    figures = gan_step.main([*arguments, "--output", str(output)])
    check_result(output)
    assert figures["over_plain"]["helpers"]["ratio"] > 0


def test_the_modes_benchmark_runs_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "gan_modes.json"
    arguments = ["--steps", "8", "--output", str(output)]
    gan_modes.main(["--seeds", "1", *arguments])
    check_result(output)
    result = json.loads(output.read_text(encoding="utf-8"))
    assert result["seeds"] == [20]
    assert set(result["figures"]) == {"ring repaired", "grid repaired"}
    capsys.readouterr()
    gan_modes.main(["--seeds", "1", *arguments])
    assert "of 2: {" not in capsys.readouterr().out  # nothing was run again
    assert json.loads(output.read_text(encoding="utf-8"))["rows"] == result["rows"]


def test_perfect_samples_score_as_they_should(seed: int) -> None:
    task = gan_modes.TASKS["grid"]
    scores = gan_modes.score(task, task.truth.sample(20_000, rng=seeded(seed)))
    assert scores["modes"] == 25
    assert abs(scores["high_quality_many"] - 0.98889) < 5 * math.sqrt(0.9889 * 0.0111 / 20_000)
    assert scores["bridges"] == 0.0  # exp(−18) of the samples lie outside six deviations
    assert abs(scores["width"] - 1) < 5 / math.sqrt(4 * 20_000)
    bridge = torch.linspace(-2, 0, 20_000)[:, None] * torch.tensor([[1.0, 0.0]])
    assert gan_modes.score(task, bridge)["bridges"] == pytest.approx(1 - 2 * 0.3 / 2, abs=1e-3)


def test_the_ablation_runs(tmp_path: Path) -> None:
    output = tmp_path / "gan_ablation.json"
    figures = gan_ablation.main(["--seeds", "1", "--steps", "2", "--output", str(output)])
    check_result(output)
    assert set(figures) == {f"ring {name}" for name in gan_ablation.ABLATIONS}


def test_the_character_benchmark_runs(tmp_path: Path) -> None:
    output = tmp_path / "character_model.json"
    arguments = ["--texts", "pydoc", "--seconds", "0.3", "--hidden", "6", "--output", str(output)]
    threads = torch.get_num_threads()
    figures = character_model.main(arguments)
    torch.set_num_threads(threads)
    check_result(output)
    (run,) = figures["runs"]
    assert run["curve"][-1]["validation"] == run["validation"] < math.log(200)
    assert figures["floors"]["pydoc"]["order 3"] < figures["floors"]["pydoc"]["order 0"]


def test_the_generation_benchmark_runs(tmp_path: Path) -> None:
    output = tmp_path / "generation.json"
    arguments = ["--lengths", "3", "5", "--hidden", "6", "--rounds", "1", "--steps", "2"]
    figures = generation.main([*arguments, "--output", str(output)])
    check_result(output)
    assert set(figures["characters_written_per_second"]) == {"3", "5"}
    assert figures["training"]["helpers_over_plain"]["median"] > 0


def test_the_recurrent_steps_that_are_compared_compute_the_same_losses(seed: int) -> None:
    losses = []
    for name in ("helpers", "plain"):
        step = generation.MAKERS[name](7, seed)
        losses.append(torch.stack([step(*generation.batch(seed + k)) for k in range(4)]))
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-4, atol=0)


def test_the_levers_benchmark_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levers, "SAMPLES", 2)
    monkeypatch.setattr(levers, "TUNED_ON", (0,))
    output = tmp_path / "levers.json"
    options = ["--seeds", "1", "2", "--epochs", "2", "--output", str(output)]
    figures = levers.main([*options, "--only", "base", "He's × 4"])
    check_result(output)
    assert figures["base"]["best"]["difference"] == {"mean": 0.0, "standard_error": 0.0}
    again = levers.main([*options, "--only", "base", "L1"])
    assert again["He's × 4"] == figures["He's × 4"]  # kept, and not run again
    assert set(again) == {"base", "He's × 4", "L1"}


def test_the_laboratories_are_made(tmp_path: Path) -> None:
    output = tmp_path / "laboratories.json"
    arguments = ["--epochs", "1", "--steps", "2", "--output", str(output)]
    figures = laboratories.main(arguments)
    check_result(output)
    stored = json.loads((RESULTS / "laboratories.json").read_text(encoding="utf-8"))["figures"]
    assert {k: v.keys() for k, v in figures.items()} == {k: v.keys() for k, v in stored.items()}
    for values in (torch.randn(5, 2), torch.zeros(3)):
        packed = laboratories.pack(values)
        error = (laboratories.unpack(packed) - values).abs().max().item()
        assert error <= 0.51 * packed["scale"]


def test_each_setting_of_the_levers_can_be_trained() -> None:
    levels = load("digits").train.levels[:5]
    weights = {}
    for name, setting in levers.settings().items():
        model = levers.make_model(setting)
        levers.make_optimizer(setting, list(model.parameters()))
        x = levers.change(setting, levels) if setting.augment else levels
        assert x.shape == levels.shape, name
        assert set(x.unique().tolist()) <= set(range(17)), name
        assert model.loss(x)["loss"].isfinite(), name
        weights[name] = sum(p.numel() for p in model.parameters())
    # the chapter says "about a quarter of the weights"
    assert 0.2 < weights["convolutional decoder"] / weights["base"] < 0.3


def test_strengths_of_the_levers_are_those_that_the_validation_images_chose() -> None:
    tuning = json.loads((RESULTS / "levers.json").read_text(encoding="utf-8"))["tuning"]
    for name, values in tuning.items():
        finite = {float(key): value for key, value in values.items() if value is not None}
        assert min(finite, key=lambda key: finite[key]) == levers.TUNED[name], name


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_kept_results_are_complete(path: Path) -> None:
    check_result(path)


def test_each_benchmark_has_its_result() -> None:
    assert {path.stem for path in KEPT} == {
        *("character_model", "claims", "digits_vae", "gan_ablation", "gan_modes", "gan_step"),
        *("generation", "laboratories", "levers", "mnist_pictures_gan", "mnist_pictures_vae"),
        "vae_step",
    }


def test_each_family_of_the_ladder_has_its_rows() -> None:
    assert {path.stem for path in LADDER} == {
        "ladder_autoregressive",
        "ladder_classical",
        "ladder_rbm",
        "ladder_toy_chain",
        "ladder_transformer",
        "ladder_vae",
    }


@pytest.mark.parametrize("path", LADDER, ids=lambda path: path.stem)
def test_the_rows_of_the_ladder_are_complete(path: Path) -> None:
    result = json.loads(path.read_text(encoding="utf-8"))
    assert set(result) == {"rows", "command", "versions", "device"}
    assert result["command"].startswith("python -m benchmarks.ladder.")
    assert result["versions"]["torch"]
    for row in result["rows"]:
        assert {"model", "data", "bound", "weights", "note"} <= row.keys()
        assert set(row["seeds"]) <= {20, 21, 22, 23, 24}
        for name in ("test", "validation", "seconds"):
            assert len(row[name]) == len(row["seeds"])


def check_result(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    result = json.loads(text)
    assert set(REQUIRED) <= result.keys()
    name = result["benchmark"]
    assert path.stem.startswith(name)
    folder = "tools" if name == "claims" else "benchmarks"
    assert result["command"].startswith(f"python -m {folder}.{name}")
    assert result["versions"]["torch"]
    assert result["threads"] == 1
    assert result["seeds"]
    assert not re.search(r"/(home|root|work|tmp|Users)/", text), "a path of one machine"
