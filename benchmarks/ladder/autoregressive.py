r"""Autoregressive models of the 8×8 digits: without labels, with a mixture over classes, the best.

    python -m benchmarks.ladder.autoregressive [--recipe plain|classes|best] [--seed 0]

Protocol: `load_digits` of scikit-learn in its order, 1,000 / 350 / 447 images, levels 0 … 16, exact
likelihood, nats per image (lower is better). Everything here was chosen on the validation split.

What a training image went through is announced to the network by flags, so that all flags at zero
ask for images as they are: turned images and moved ones teach without being confused with them. A
turned image is read in another order of pixels, so each network is a model of eight orders.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.data.batches import Batches
from helpers.data.images import ImageSplits, load
from helpers.distributions import LogisticLevels
from helpers.models import AutoregressiveModel, ConditionMixture, MeanOfConditionals, ModelMixture
from helpers.networks import GatedPixelCNN, PixelCNN, Turned, turn_square
from helpers.random import seed_everything
from helpers.training import fit, gradient_step

IMAGE, LEVELS = (1, 8, 8), 17
#: Values of each flag: moved down, moved right (by 0, 1, −1), turned, warped, the class or "none".
FLAGS = (3, 3, 8, 2, 11)
NO_CLASS = 10
BATCH_SIZE = 64
WEIGHT_DECAY = 0.05
MAX_NORM = 50.0


@dataclass(frozen=True)
class Recipe:
    """What the recipes differ in.

    Attributes:
        networks: how many are trained, whose conditional distributions are averaged.
        labels: whether the networks are told the class, which the model then sums over.
        orders: how many of the eight orders the model is a mixture of.
        gated: whether they have two stacks.
        epochs, channels, layers, components, dropout, learning_rate: of each network.
        turned, moved, warped: shares of the training images that are.
    """

    networks: int = 1
    labels: bool = False
    orders: int = 1
    gated: bool = False
    epochs: int = 60
    channels: int = 64
    layers: int = 4
    components: int = 5
    dropout: float = 0.3
    learning_rate: float = 4e-3
    turned: float = 0.6
    moved: float = 0.5
    warped: float = 0.4


WITHOUT_LABELS = Recipe(orders=8, epochs=45)
CLASSES = Recipe(labels=True, orders=8, epochs=90)
BEST = Recipe(networks=6, labels=True, orders=8, epochs=120)
RECIPES = {"plain": WITHOUT_LABELS, "classes": CLASSES, "best": BEST}


def augment(x: Tensor, y: Tensor, recipe: Recipe, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Levels (B, 1, 8, 8) changed at random, and the flags (B, 5) that say how."""
    n = len(x)
    rows = torch.arange(n)

    def chosen(share: float) -> Tensor:
        return torch.rand(n, generator=rng) < share

    # a small affine map and another contrast
    warped = chosen(recipe.warped)
    spread = torch.tensor([[0.08, 0.12, 0.06], [0.08, 0.08, 0.06]])
    maps = torch.eye(2, 3) + spread * torch.randn(n, 2, 3, generator=rng)
    grid = F.affine_grid(maps, [n, *IMAGE], align_corners=False)
    contrast = 1 + 0.1 * torch.randn(n, 1, 1, 1, generator=rng)
    bent = F.grid_sample(x.float(), grid, align_corners=False) * contrast
    x = torch.where(warped[:, None, None, None], bent.round().clamp(0, LEVELS - 1).long(), x)
    # by one pixel
    moves = torch.randint(3, (2, n), generator=rng)
    down, right = torch.where(chosen(recipe.moved), moves, 1)
    windows = F.pad(x, (1, 1, 1, 1)).unfold(2, 8, 1).unfold(3, 8, 1)  # (B, 1, 3, 3, 8, 8)
    x = windows[rows, :, down, right]
    # one of the eight symmetries
    symmetry = torch.randint(8, (n,), generator=rng) * chosen(recipe.turned)
    turned = torch.stack([turn_square(x, g) for g in range(8)])
    x = turned[symmetry, rows]
    # the window in the middle moves nothing, the first one moves the image down or right
    return x, torch.stack([(1 - down) % 3, (1 - right) % 3, symmetry, warped.long(), y], 1)


def make_network(recipe: Recipe) -> nn.Module:
    """A network for all flags."""
    kind = GatedPixelCNN if recipe.gated else PixelCNN
    return kind(
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
    networks = [train(digits, recipe, seed + 1000 * k) for k in range(recipe.networks)]
    seconds = time.process_time() - start
    model = combine(networks, recipe).eval()
    return {
        "model": model,
        "test_nats": nats(model, digits.test.levels),
        "validation_nats": nats(model, digits.validation.levels),
        "training_cpu_seconds": seconds,
        "weights": sum(p.numel() for network in networks for p in network.parameters()),
    }


def main() -> None:
    r"""Run one recipe with one seed and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", choices=tuple(RECIPES), default="plain")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    result = run(options.seed, RECIPES[options.recipe])
    print(json.dumps({k: v for k, v in result.items() if k != "model"}))


if __name__ == "__main__":
    main()
