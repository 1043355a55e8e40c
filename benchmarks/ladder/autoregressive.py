r"""Autoregressive models of the 8×8 digits: one, three averaged, one with a sum over classes.

    python -m benchmarks.ladder.autoregressive [--recipes plain averaged classes]

Protocol: `load_digits` of scikit-learn in its order, 1,000 / 350 / 447 images, levels 0 … 16, exact
likelihood, nats per image (lower is better). Everything here was chosen on the validation split.

What a training image went through is announced to the network by flags, so that all flags at zero
ask for images as they are: images that were moved, bent or turned teach without being confused with
them. To read a turned image is to read in another order of pixels, so a network that has seen
turned ones (`turned`) is a model of eight orders, and their mean (`orders`) a model too. With the
lengths of training used here it was behind one order on the validation images.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.ladder.augmentation import LEVELS, bend, move
from benchmarks.ladder.record import SEEDS, row, write_rows
from helpers.data.batches import Batches
from helpers.data.images import ImageSplits, load
from helpers.distributions import LogisticLevels
from helpers.models import AutoregressiveModel, ConditionMixture, MeanOfConditionals, ModelMixture
from helpers.networks import PixelCNN, Turned, turn_square
from helpers.random import seed_everything
from helpers.training import fit, gradient_step

IMAGE = (1, 8, 8)
#: Values of each flag: moved down, moved right (by 0, 1, −1), turned, warped, the class or "none".
FLAGS = (3, 3, 8, 2, 11)
NO_CLASS = 10
BATCH_SIZE = 50
WEIGHT_DECAY = 0.05
MAX_NORM = 50.0


@dataclass(frozen=True)
class Recipe:
    """What the recipes differ in.

    Attributes:
        model, note: its name in the table, and what a reader has to know.
        networks: how many are trained, whose conditional distributions are averaged.
        labels: whether the networks are told the class, which the model then sums over.
        orders: how many of the eight orders the model is a mixture of.
        epochs, channels, layers, components, dropout, learning_rate: of each network.
        turned, moved, warped: shares of the training images that are.
    """

    model: str = "PixelCNN"
    note: str = ""
    networks: int = 1
    labels: bool = False
    orders: int = 1
    epochs: int = 60
    channels: int = 40
    layers: int = 4
    components: int = 5
    dropout: float = 0.25
    learning_rate: float = 4e-3
    turned: float = 0.0
    moved: float = 0.5
    warped: float = 0.4


WITHOUT_LABELS = Recipe(
    "PixelCNN", "no labels; training images moved and bent, and told so", dropout=0.1
)
AVERAGED = replace(WITHOUT_LABELS, model="three of them, averaged", networks=3)
CLASSES = Recipe(
    "PixelCNN, summed over classes",
    "labels of the training images only; training images moved and bent, and told so",
    labels=True,
    epochs=90,
)
RECIPES = {"plain": WITHOUT_LABELS, "averaged": AVERAGED, "classes": CLASSES}
#: What time allowed. The networks that are averaged have this seed and the next ones.
REPORTED = {"plain": SEEDS[:3], "averaged": SEEDS[:1], "classes": SEEDS[:2]}


def augment(x: Tensor, y: Tensor, recipe: Recipe, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Levels (B, 1, 8, 8) changed at random, and the flags (B, 5) that say how."""
    n = len(x)
    rows = torch.arange(n)
    x, warped = bend(x, recipe.warped, rng)
    x, (down, right) = move(x, recipe.moved, rng)
    # one of the eight symmetries
    symmetry = torch.randint(8, (n,), generator=rng)
    symmetry = symmetry * (torch.rand(n, generator=rng) < recipe.turned)
    turned = torch.stack([turn_square(x, g) for g in range(8)])
    x = turned[symmetry, rows]
    return x, torch.stack([down % 3, right % 3, symmetry, warped.long(), y], 1)


def make_network(recipe: Recipe) -> nn.Module:
    """A network for all flags."""
    return PixelCNN(
        IMAGE,
        3 * recipe.components + 2,
        channels=recipe.channels,
        layers=recipe.layers,
        conditions=FLAGS,
        dropout=recipe.dropout,
    )


def make_model(network: nn.Module, order: Tensor | None = None) -> AutoregressiveModel:
    """The network's numbers as a model of levels."""
    likelihood = partial(LogisticLevels, levels=LEVELS)
    return AutoregressiveModel(network, IMAGE, levels=LEVELS, likelihood=likelihood, order=order)


def train(digits: ImageSplits, recipe: Recipe, seed: int) -> nn.Module:
    """One network, trained on changed images and the flags that announce it."""
    seed_everything(seed)
    rng = torch.Generator().manual_seed(seed)
    model = make_model(make_network(recipe))
    part = digits.train
    y = part.y if recipe.labels else torch.full_like(part.y, NO_CLASS)
    batches = Batches(part.levels, y, batch_size=BATCH_SIZE, rng=rng)
    optimizer = torch.optim.AdamW(
        model.parameters(), recipe.learning_rate, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY
    )
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        recipe.learning_rate,
        total_steps=recipe.epochs * len(batches),
        pct_start=0.15,
    )
    update = gradient_step(model, optimizer, scheduler=scheduler, max_norm=MAX_NORM)
    fit(
        lambda x, y: update(*augment(x, y, recipe, rng)),
        batches,
        epochs=recipe.epochs,
        progress=False,
    )
    return model.network.eval()


def combine(networks: list[nn.Module], recipe: Recipe) -> ModelMixture:
    """The model of images as they are: a mixture over orders and classes of averaged networks."""
    parts = []
    for symmetry in range(recipe.orders):
        turned = [Turned(network, symmetry, 8) for network in networks]
        order = turned[0].order
        members = [make_model(network, order) for network in turned]
        model = members[0]
        if len(members) > 1:
            model = AutoregressiveModel(
                MeanOfConditionals(members), IMAGE, levels=LEVELS, order=order
            )
        classes = range(10) if recipe.labels else [NO_CLASS]
        conditions = torch.tensor([[0, 0, symmetry, 0, y] for y in classes])
        parts.append(ConditionMixture(model, conditions))
    return ModelMixture(parts)


@torch.no_grad()
def nats(model: Any, levels: Tensor) -> float:
    """Mean of −log p, a hundred images at a time."""
    return -torch.cat([model.log_prob(part) for part in levels.split(100)]).mean().item()


def run(seed: int, recipe: Recipe = WITHOUT_LABELS) -> dict[str, Any]:
    """Train and evaluate one recipe."""
    digits = load("digits")
    start = time.process_time()
    networks = [train(digits, recipe, seed + k) for k in range(recipe.networks)]
    seconds = time.process_time() - start
    model = combine(networks, recipe).eval()
    return {
        "model": model,
        "test_nats": nats(model, digits.test.levels),
        "validation_nats": nats(model, digits.validation.levels),
        "training_cpu_seconds": seconds,
        "weights": sum(p.numel() for network in networks for p in network.parameters()),
    }


def rows(names: Sequence[str]) -> list[dict[str, Any]]:
    """One row for each recipe."""
    made = []
    for name in names:
        recipe, seeds = RECIPES[name], REPORTED[name]
        runs = [{**run(seed, recipe), "model": recipe.model} for seed in seeds]
        made.append(row(runs, data="digits", bound=False, note=recipe.note, seeds=seeds))
    return made


def main() -> None:
    """Run the seeds that are reported, and write the result file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipes", nargs="+", choices=tuple(RECIPES), default=list(RECIPES))
    names = parser.parse_args().recipes
    torch.set_num_threads(1)
    write_rows("autoregressive", rows(names), "python -m benchmarks.ladder.autoregressive")


if __name__ == "__main__":
    main()
