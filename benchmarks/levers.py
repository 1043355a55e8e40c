r"""What each lever of better training is worth: one small VAE on the digits, one change at a time.

    python -m benchmarks.levers --tune    # strengths, seeds 0 and 1, validation images
    python -m benchmarks.levers           # the comparison, seeds 10 to 14, test images

The base is an MLP VAE 64-128-(8)-128-64 with the categorical likelihood over 17 levels, torch's own
initial weights, Adam at 2e-3 and batches of 50 of the 1,000 training digits. No gradient is clipped
and no run is left out. Each setting changes one thing (where it changes two, its name says so) and
runs on the same seeds, so that differences are paired.

Every run has 120 epochs and is scored three times on the 447 test images, which choose nothing:
after 30 epochs, after 120, and at its own best epoch, the one with the lowest bound on the 350
validation images (looked at every second epoch, 5 samples). The score is the importance-weighted
bound on −log p with 50 samples, nats per image, lower is better. All differences are from the base
at its best epoch. Tuning compares bounds on the validation images at the best of up to 200 epochs.

A setting that stands in the output file as it is asked for is not run again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.record import RESULTS, markdown_table, versions, write_result
from helpers.data.batches import Batches
from helpers.data.images import ImageSplits, augmentation, load
from helpers.distributions import Categorical
from helpers.models import VAE
from helpers.networks import MLP, ConvDecoder
from helpers.random import seed_everything, seeded
from helpers.training import EarlyStopping, fit

LATENT, HIDDEN, LEVELS, SAMPLES = 8, 128, 17, 50
MARKS, LONGEST, PATIENCE = (30, 120), 200, 20
TUNED_ON, SEEDS = (0, 1), (10, 11, 12, 13, 14)


@dataclass(frozen=True)
class Setting:
    r"""One way to train; the defaults are the base."""

    lever: str
    optimizer: str = "Adam"
    rate: float = 2e-3
    decay: float = 0.0  # of AdamW
    widths: tuple[int, ...] = (HIDDEN,)
    convolutional: bool = False
    dropout: float = 0.0
    batch_norm: bool = False
    gain: float = 0.0  # scale of He's initial weights; 0 for torch's own weights
    l1: float = 0.0
    augment: str = ""
    amount: float = 0.0  # of the augmentation
    classify: float = 0.0  # weight of the classification loss; 0: the classifier only listens


def settings() -> dict[str, Setting]:
    r"""What is compared; the strengths are those that `GRIDS` chose."""
    base = Setting("base")
    structure = replace(base, lever="structure")
    augmented = replace(base, lever="augmentation")
    regularised = replace(base, lever="regularisation")
    return {
        "base": base,
        "SGD at 3e-2": replace(base, lever="optimiser", optimizer="SGD", rate=3e-2),
        "deep, torch's weights": replace(structure, widths=(HIDDEN,) * 3),
        "deep, He's weights": replace(structure, widths=(HIDDEN,) * 3, gain=1.0),
        "convolutional decoder": replace(structure, convolutional=True),
        "He's weights": replace(base, lever="initialisation", gain=1.0),
        "He's × 4": replace(base, lever="initialisation", gain=4.0),
        "batch normalisation": replace(base, lever="normalisation", batch_norm=True),
        "shift by a pixel": replace(augmented, augment="shift", amount=TUNED["shift"]),
        "flip": replace(augmented, augment="flip", amount=0.5),
        "dropout": replace(regularised, dropout=TUNED["dropout"]),
        "L2, weight decay": replace(regularised, optimizer="AdamW", decay=TUNED["decay"]),
        "L1": replace(regularised, l1=TUNED["L1"]),
        "classification too": replace(base, lever="multi-task", classify=5.0),
    }


#: What is tuned, the field of the setting that it is, and the values tried.
GRIDS: dict[str, tuple[str, tuple[float, ...], Setting]] = {
    "shift": ("amount", (0.3, 0.6, 0.9), Setting("augmentation", augment="shift")),
    "dropout": ("dropout", (0.1, 0.2, 0.4), Setting("regularisation")),
    "decay": ("decay", (0.1, 0.3, 1.0), Setting("regularisation", "AdamW")),
    "L1": ("l1", (1e-3, 3e-3, 1e-2), Setting("regularisation")),
}
TUNED = {"shift": 0.6, "dropout": 0.4, "decay": 0.3, "L1": 3e-3}


def dense(inputs: int, outputs: int, setting: Setting) -> nn.Sequential:
    r"""Hidden layers as the setting says, and a last layer."""
    layers: list[nn.Module] = []
    for width in setting.widths:
        layers.append(nn.Linear(inputs, width))
        if setting.batch_norm:
            layers.append(nn.BatchNorm1d(width))
        layers += [nn.ReLU(), nn.Dropout(setting.dropout)]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


def make_model(setting: Setting) -> VAE:
    r"""The VAE of a setting."""
    encoder = nn.Sequential(nn.Flatten(), dense(64, 2 * LATENT, setting))
    decoder: nn.Module = nn.Sequential(
        dense(LATENT, LEVELS * 64, setting), nn.Unflatten(1, (LEVELS, 1, 8, 8))
    )
    if setting.convolutional:
        decoder = ConvDecoder(LATENT, (LEVELS, 1, 8, 8), (32, 32, 16))
    model = VAE(encoder, decoder, LATENT, likelihood=Categorical)
    if setting.gain:
        for part in model.modules():
            if isinstance(part, nn.Linear):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
                nn.init.zeros_(part.bias)
                part.weight.data *= setting.gain
    return model


def make_optimizer(setting: Setting, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
    r"""The optimiser of a setting."""
    if setting.optimizer == "SGD":
        return torch.optim.SGD(parameters, setting.rate)
    if setting.optimizer == "AdamW":
        return torch.optim.AdamW(parameters, setting.rate, weight_decay=setting.decay, fused=True)
    return torch.optim.Adam(parameters, setting.rate, fused=True)


def change(setting: Setting, levels: Tensor) -> Tensor:
    r"""The batch as the setting augments it, rounded to levels again."""
    x = levels.float() / 16
    if setting.augment == "shift":
        x = augmentation.shift(x, setting.amount)
    else:
        x = augmentation.horizontal_flip(x, setting.amount)
    return (x * 16).round().long()


def bound(model: VAE, levels: Tensor, seed: int, samples: int = SAMPLES) -> float:
    r"""Mean bound on −log p over the images, nats."""
    found = model.log_prob_bound(levels, num_samples=samples, rng=seeded(seed))
    return -found.mean().item()


def train(
    setting: Setting,
    digits: ImageSplits,
    seed: int,
    marks: Sequence[int] = MARKS,
    patience: int = MARKS[-1],
) -> dict[str, Any]:
    r"""One run: its bounds at the marks and at its best epoch, and how it got there."""
    seed_everything(seed)
    model = make_model(setting)
    head = MLP(LATENT, [HIDDEN], 10)
    optimizer = make_optimizer(setting, [*model.parameters(), *head.parameters()])
    norms: list[float] = []
    found: dict[str, Any] = {}

    def step(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        if setting.augment:
            x = change(setting, x)
        loss = model.loss(x)["loss"]
        whole = loss
        if setting.lever in ("base", "multi-task"):
            codes = model.posterior(x).mean
            error = F.cross_entropy(head(codes if setting.classify else codes.detach()), y)
            whole = loss + (setting.classify or 1.0) * error
        if setting.l1:
            whole = whole + setting.l1 * sum(p.abs().sum() for p in model.parameters())
        optimizer.zero_grad()
        whole.backward()
        slopes = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
        norms.append(torch.cat(slopes).norm().item())
        optimizer.step()
        return {"loss": loss.detach()}

    def scores() -> dict[str, float]:
        train = digits.train.levels[:250]
        return {"test": bound(model, digits.test.levels, seed), "train": bound(model, train, seed)}

    validation = digits.validation.levels
    stopping = EarlyStopping(model, lambda: bound(model, validation, seed, 5), patience=patience)

    def watch(epoch: int, means: dict[str, float]) -> None:
        if epoch + 1 in marks:
            found[f"{epoch + 1}"] = scores()
        if epoch % 2:
            stopping(epoch, means)

    batches = Batches(digits.train.levels, digits.train.y, batch_size=50, rng=seeded(seed))
    fit(step, batches, epochs=marks[-1], callbacks=[watch], progress=False)
    stopping.restore()
    found["best"] = scores()
    if setting.lever in ("base", "multi-task"):
        with torch.no_grad():
            guess = head(model.eval().posterior(digits.test.levels).mean).argmax(1)
        found["accuracy"] = (guess == digits.test.y).double().mean().item()
    return found | {
        "validation": stopping.best,
        "best_epoch": stopping.best_epoch + 1,
        "largest_gradient": max(norms),
    }


def tune(name: str, digits: ImageSplits, longest: int) -> dict[str, float | None]:
    r"""For each value of a grid: mean validation bound at the best epoch; None if it diverged."""
    field, values, setting = GRIDS[name]
    found: dict[str, float | None] = {}
    for value in values:
        changed = replace(setting, **{field: value})  # type: ignore[arg-type]
        try:
            runs = [train(changed, digits, seed, (longest,), PATIENCE) for seed in TUNED_ON]
            found[f"{value:g}"] = round(statistics.fmean(run["validation"] for run in runs), 3)
        except FloatingPointError:
            found[f"{value:g}"] = None
    print(name, found, flush=True)
    return found


def paired(values: Sequence[float], base: Sequence[float]) -> dict[str, float]:
    r"""Mean difference on the same seeds, and its standard error."""
    differences = [value - other for value, other in zip(values, base, strict=True)]
    error = statistics.stdev(differences) / len(differences) ** 0.5 if len(differences) > 1 else 0.0
    return {"mean": round(statistics.fmean(differences), 3), "standard_error": round(error, 3)}


def summary(runs: Sequence[dict[str, Any]], reference: Sequence[float]) -> dict[str, Any]:
    r"""Of one setting, at each time: its bounds, and the difference from the reference."""
    found: dict[str, Any] = {}
    for when in [key for key in runs[0] if isinstance(runs[0][key], dict)]:
        scores = [run[when]["test"] for run in runs]
        found[when] = {
            "test": paired(scores, [0.0] * len(scores)),
            "difference": paired(scores, reference),
            "values": [round(score, 3) for score in scores],
            "train": round(statistics.fmean(run[when]["train"] for run in runs), 3),
        }
    for name in ("validation", "best_epoch", "accuracy", "largest_gradient"):
        if name in runs[0]:
            found[name] = [float(f"{run[name]:.5g}") for run in runs]
    return found


def show(figures: dict[str, Any]) -> str:
    r"""The table of differences."""
    times = [
        key
        for key, part in next(iter(figures.values())).items()
        if isinstance(part, dict) and "difference" in part
    ]
    rows = []
    for name, entry in figures.items():
        differences = [entry[when]["difference"] for when in times]
        cells = [f"{d['mean']:+.2f} ± {d['standard_error']:.2f}" for d in differences]
        middle = statistics.median(entry["best_epoch"])
        rows.append([entry["setting"]["lever"], name, *cells, f"{middle:.0f}"])
    return markdown_table(["lever", "setting", *times, "best epoch"], rows)


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    r"""Train what is missing in the output file, print the table, return the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tune", action="store_true", help="fill the tables of tuning instead")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--epochs", type=int, default=0, help="fewer than 120, for a trial")
    parser.add_argument("--only", nargs="+", default=list(settings()), help="these settings")
    parser.add_argument("--output", type=Path, default=RESULTS / "levers.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    digits = load("digits")
    marks = (options.epochs,) if options.epochs else MARKS
    kept = json.loads(options.output.read_text("utf-8")) if options.output.is_file() else {}
    tuning: dict[str, Any] = kept.get("tuning", {})
    figures: dict[str, Any] = {}
    if kept.get("seeds") == options.seeds and kept.get("marks") == list(marks):
        figures = kept["figures"]

    def write() -> None:
        write_result(
            options.output,
            benchmark="levers",
            command="python -m benchmarks.levers" + f" --epochs {marks[0]}" * bool(options.epochs),
            versions=versions("torch", "numpy", "scikit-learn", "deep-generative-models-book"),
            seeds=options.seeds,
            marks=list(marks),
            tuned_on=list(TUNED_ON),
            tuning=tuning,
            figures={name: figures[name] for name in settings() if name in figures},
            protocol="load_digits: 1000 training, 350 validation (choose the epoch), 447 test"
            f" images; importance-weighted bound on -log p, {SAMPLES} samples, nats per image; no"
            " gradient is clipped",
        )

    if options.tune:
        for name in GRIDS:
            if name not in tuning:
                tuning[name] = tune(name, digits, options.epochs or LONGEST)
                write()
        return tuning
    names = dict.fromkeys(["base", *options.only])
    for name in names:
        setting = settings()[name]
        entry = json.loads(json.dumps(asdict(setting)))
        if figures.get(name, {}).get("setting") == entry:
            continue
        start = time.process_time()
        runs = [train(setting, digits, seed, marks) for seed in options.seeds]
        if name == "base":
            figures = {}  # what was compared with another base
            reference = [run["best"]["test"] for run in runs]
        else:
            reference = figures["base"]["best"]["values"]
        spent = round((time.process_time() - start) / len(runs), 1)
        figures[name] = {"setting": entry, **summary(runs, reference), "cpu_seconds_a_run": spent}
        write()
        print(name, f"{spent} s a run", flush=True)
    print(show({name: figures[name] for name in names}))
    return figures


if __name__ == "__main__":
    main()
