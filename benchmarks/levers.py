r"""What each lever of better training is worth: one small VAE on the digits, one change at a time.

    python -m benchmarks.levers

The base is an MLP VAE 64-128-(8)-128-64 with the categorical likelihood over 17 levels, Adam at
2e-3, batches of 50, 30 epochs on the 1,000 training digits. Each setting changes one thing and runs
on the same seeds, so that differences are paired. The score is the importance-weighted bound on
−log p with 50 samples on the 350 validation images, nats per image, lower is better.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
Augmentation = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Setting:
    r"""One way to train; the defaults are the base."""

    lever: str
    optimizer: Callable[[Any], torch.optim.Optimizer] = lambda p: torch.optim.Adam(p, 2e-3)
    widths: tuple[int, ...] = (HIDDEN,)
    convolutional: bool = False
    dropout: float = 0.0
    norm: type[nn.Module] | None = None
    gain: float | None = None  # scale of He's initial weights; None for torch's own
    l1: float = 0.0
    augment: Augmentation | None = None
    classify: float = 0.0  # weight of the classification loss
    epochs: int = 30
    patience: int = 0


SETTINGS: dict[str, Setting] = {
    "base": Setting("base"),
    "SGD at 3e-3": Setting("optimiser", lambda p: torch.optim.SGD(p, 3e-3)),
    "SGD at 3e-2": Setting("optimiser", lambda p: torch.optim.SGD(p, 3e-2)),
    "momentum 0.9 at 1e-2": Setting("optimiser", lambda p: torch.optim.SGD(p, 1e-2, momentum=0.9)),
    "Adam at 5e-4": Setting("optimiser", lambda p: torch.optim.Adam(p, 5e-4)),
    "Adam at 8e-3": Setting("optimiser", lambda p: torch.optim.Adam(p, 8e-3)),
    "narrow, 32": Setting("structure", widths=(32,)),
    "wide, 512": Setting("structure", widths=(512,)),
    "deep, 3 × 128": Setting("structure", widths=(HIDDEN,) * 3),
    "convolutional decoder": Setting("structure", convolutional=True),
    "shift by a pixel": Setting("augmentation", augment=lambda x: augmentation.shift(x, 0.3)),
    "rotate by 10°": Setting("augmentation", augment=lambda x: augmentation.rotate(x, 10.0)),
    "flip": Setting("augmentation", augment=lambda x: augmentation.horizontal_flip(x, 0.5)),
    "dropout 0.2": Setting("regularisation", dropout=0.2),
    "L2, weight decay": Setting(
        "regularisation", lambda p: torch.optim.AdamW(p, 2e-3, weight_decay=0.3)
    ),
    "L1": Setting("regularisation", l1=3e-3),
    "classification too": Setting("multi-task", classify=5.0),
    "initial weights × 0.1": Setting("initialisation", gain=0.1),
    "initial weights, He": Setting("initialisation", gain=1.0),
    "initial weights × 4": Setting("initialisation", gain=4.0),
    "layer normalisation": Setting("normalisation", norm=nn.LayerNorm),
    "batch normalisation": Setting("normalisation", norm=nn.BatchNorm1d),
    "120 epochs": Setting("longer training", epochs=120),
    "120 epochs, shift": Setting(
        "longer training", epochs=120, augment=lambda x: augmentation.shift(x, 0.3)
    ),
    "120 epochs, flip": Setting(
        "longer training", epochs=120, augment=lambda x: augmentation.horizontal_flip(x, 0.5)
    ),
    "120 epochs, dropout 0.2": Setting("longer training", epochs=120, dropout=0.2),
    "300 epochs": Setting("early stopping", epochs=300),
    "300 epochs, early stopping": Setting("early stopping", epochs=300, patience=20),
}


def dense(inputs: int, outputs: int, setting: Setting) -> nn.Sequential:
    r"""Hidden layers as the setting says, and a last layer."""
    layers: list[nn.Module] = []
    for width in setting.widths:
        layers.append(nn.Linear(inputs, width))
        if setting.norm is not None:
            layers.append(setting.norm(width))
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
    if setting.gain is not None:
        for part in model.modules():
            if isinstance(part, nn.Linear):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
                nn.init.zeros_(part.bias)
                with torch.no_grad():
                    part.weight *= setting.gain
    return model


def bound(model: VAE, levels: Tensor, seed: int, samples: int = SAMPLES) -> float:
    r"""Mean bound on −log p over the images, nats."""
    found = model.log_prob_bound(levels, num_samples=samples, rng=seeded(seed))
    return -found.mean().item()


def train(setting: Setting, digits: ImageSplits, seed: int, epochs: int) -> dict[str, float]:
    r"""One run: its validation bound, its training bound, its accuracy where it classifies."""
    seed_everything(seed)
    model = make_model(setting)
    head = MLP(LATENT, [HIDDEN], 10)
    parameters = [*model.parameters(), *(head.parameters() if setting.classify else [])]
    optimizer = setting.optimizer(parameters)
    validation = digits.validation.levels

    def step(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        if setting.augment is not None:
            x = (setting.augment(x.float() / 16) * 16).round().long()
        loss = model.loss(x)["loss"]
        if setting.classify:
            logits = head(model.posterior(x).mean)
            loss = loss + setting.classify * F.cross_entropy(logits, y)
        if setting.l1:
            loss = loss + setting.l1 * sum(p.abs().sum() for p in model.parameters())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 200.0)
        optimizer.step()
        return {"loss": loss.detach()}

    batches = Batches(digits.train.levels, digits.train.y, batch_size=50, rng=seeded(seed))
    stopping = EarlyStopping(
        model, lambda: bound(model, validation, seed, 5), patience=max(1, setting.patience)
    )
    history = fit(
        step,
        batches,
        epochs=epochs,
        callbacks=[stopping] if setting.patience else [],
        progress=False,
    )
    if setting.patience:
        stopping.restore()
    model.eval()
    found = {
        "validation": bound(model, validation, seed),
        "train": bound(model, digits.train.levels[: len(validation)], seed),
        "epochs": float(len(history["loss"])),
    }
    if setting.classify:
        with torch.no_grad():
            guess = head(model.posterior(validation).mean).argmax(1)
        found["accuracy"] = (guess == digits.validation.y).double().mean().item()
    return found


def paired(values: Sequence[float], base: Sequence[float]) -> dict[str, float]:
    r"""Mean difference on the same seeds, and its standard error."""
    differences = [value - other for value, other in zip(values, base, strict=True)]
    error = statistics.stdev(differences) / len(differences) ** 0.5 if len(differences) > 1 else 0.0
    return {"mean": round(statistics.fmean(differences), 3), "standard_error": round(error, 3)}


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    r"""Train, print the table, write the result file, return the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0, 1, …")
    parser.add_argument("--epochs", type=int, default=0, help="of every setting; 0 for its own")
    parser.add_argument("--output", type=Path, default=RESULTS / "levers.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    digits = load("digits")
    figures: dict[str, Any] = {}
    rows, scores = [], {}
    for name, setting in SETTINGS.items():
        start = time.process_time()
        runs = [
            train(setting, digits, seed, options.epochs or setting.epochs)
            for seed in range(options.seeds)
        ]
        scores[name] = [run["validation"] for run in runs]
        difference = paired(scores[name], scores["base"])
        alone = paired(scores[name], [0.0] * len(runs))
        figures[name] = {
            "lever": setting.lever,
            "validation": alone,
            "difference": difference,
            "values": [round(value, 3) for value in scores[name]],
            "train": round(statistics.fmean(run["train"] for run in runs), 3),
            "epochs": statistics.fmean(run["epochs"] for run in runs),
            "cpu_seconds_a_run": round((time.process_time() - start) / len(runs), 1),
        }
        if setting.classify:
            figures[name]["accuracy"] = paired([run["accuracy"] for run in runs], [0.0] * len(runs))
        rows.append(
            [
                setting.lever,
                name,
                f"{alone['mean']:.2f} ± {alone['standard_error']:.2f}",
                f"{difference['mean']:+.2f} ± {difference['standard_error']:.2f}",
            ]
        )
        print(rows[-1], flush=True)
    print(markdown_table(["lever", "setting", "nats per image", "against the base"], rows))
    command = "python -m benchmarks.levers"
    for option in ("seeds", "epochs"):
        if getattr(options, option) != parser.get_default(option):
            command += f" --{option} {getattr(options, option)}"
    write_result(
        options.output,
        benchmark="levers",
        command=command,
        versions=versions("torch", "numpy", "scikit-learn", "deep-generative-models-book"),
        seeds=list(range(options.seeds)),
        figures=figures,
        protocol="load_digits, 1000 training and 350 validation images; importance-weighted bound"
        f" on -log p, {SAMPLES} samples, nats per image",
    )
    return figures


if __name__ == "__main__":
    main()
