r"""A coupling flow of the 8×8 digits, on levels filled with uniform noise.

    python -m benchmarks.ladder.flow [--seeds 20 21 22 23 24]

Protocol: `load_digits` of scikit-learn in its order, 1,000 / 350 / 447 images, levels 0 … 16, bound
on −log P of the integers in nats per image (lower is better). Everything here was chosen on the
validation split, with seeds 0 to 9.

What was done to a training image (moved by a pixel, bent) is announced to the flow by five flags,
so that all flags at zero ask for images as they are. Each layer moves half of the pixels by a
linear spline with a bin for each level.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.ladder.augmentation import bend, move
from benchmarks.ladder.record import row, run_command
from helpers.data.batches import Batches
from helpers.data.images import load
from helpers.distributions import StandardUniform
from helpers.models import DequantisedFlow, Flow
from helpers.networks import MLP, Coupling, LinearSpline, start_at_identity
from helpers.random import seed_everything, seeded
from helpers.training import EMA, fit, gradient_step

PIXELS, SIDE, LEVELS, FLAGS = 64, 8, 17, 5
LAYERS = 12
HIDDEN = [160, 160]
DROPOUT = 0.2
EPOCHS = 300
BATCH_SIZE = 100
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.3
MAX_NORM = 64.0
DECAY = 0.99
MOVED, BENT = 0.5, 0.4  # shares of the training images
DRAWS = 100  # of the noise, for each image of the validation and test parts


class Features(nn.Module):
    """Values in [0, 1] to what a network reads: centred, and whether they are black or white."""

    def forward(self, x: Tensor) -> Tensor:
        black, white = (x < 1 / LEVELS).to(x), (x >= 1 - 1 / LEVELS).to(x)
        return torch.cat([2 * x - 1, black, white], 1)


def masks() -> list[Tensor]:
    """Halves of the pixels: checkerboard, columns, rows, diagonal bands, and the other halves."""
    row, column = (i.flatten() for i in torch.meshgrid(*[torch.arange(SIDE)] * 2, indexing="ij"))
    first = [(row + column) % 2, column % 2, row % 2, (row + column) % 4 // 2]
    return [half == side for half in first for side in (0, 1)]


def make_model() -> DequantisedFlow:
    """Layers that begin as the identity, on the unit cube."""
    spline, halves, layers = LinearSpline(LEVELS), masks(), []
    for i in range(LAYERS):
        moved = halves[i % len(halves)]
        inputs, outputs = PIXELS - int(moved.sum()) + FLAGS, (int(moved.sum()), LEVELS)
        net = MLP(3 * inputs, HIDDEN, outputs, activation=nn.GELU, dropout=DROPOUT)
        network = nn.Sequential(Features(), start_at_identity(net))
        layers.append(Coupling(network, moved, spline))
    flow = Flow(layers, (PIXELS,), base=StandardUniform(), condition=FLAGS)
    return DequantisedFlow(flow, LEVELS)


def augment(levels: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Images (B, 64), bent or moved or neither, and the flags (B, 5) that say what was done."""
    x, bent = bend(levels.reshape(-1, 1, SIDE, SIDE), BENT, rng)
    x, (down, right) = move(x, MOVED, rng)
    flags = torch.stack([bent, down == 1, down == -1, right == 1, right == -1], 1)
    return x.flatten(1), flags.float()


def train(levels: Tensor, epochs: int, seed: int) -> DequantisedFlow:
    """A flow with the average of the weights that it went through."""
    seed_everything(seed)
    rng, model = seeded(seed), make_model()
    batches = Batches(levels, batch_size=BATCH_SIZE, rng=rng)
    optimizer = torch.optim.AdamW(
        model.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True
    )
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        LEARNING_RATE,
        total_steps=epochs * len(batches),
        pct_start=0.03,
        cycle_momentum=False,
    )
    update = gradient_step(model, optimizer, scheduler=scheduler, max_norm=MAX_NORM, rng=rng)
    average = EMA(model, DECAY)

    def step(levels: Tensor) -> dict[str, Tensor]:
        terms: dict[str, Tensor] = update(*augment(levels, rng))
        average.update()
        return terms

    fit(step, batches, epochs=epochs, progress=False)
    model.load_state_dict({**model.state_dict(), **average.state_dict()})
    return model.eval()


def nats(model: DequantisedFlow, levels: Tensor, draws: int, seed: int) -> float:
    """Mean bound on −log P(x), with all flags at zero."""
    flags = torch.zeros(len(levels), FLAGS)
    return -model.log_prob_bound(levels, flags, num_samples=draws, rng=seeded(seed)).mean().item()


def run(seed: int, epochs: int = EPOCHS) -> dict[str, Any]:
    """Train on the training part; the bound on both others, with one draw and with many."""
    digits = load("digits")
    parts = {name: getattr(digits, name).levels.flatten(1) for name in ("validation", "test")}
    start = time.process_time()
    model = train(digits.train.levels.flatten(1), epochs, seed)
    seconds = time.process_time() - start
    found = {
        f"{name}_nats{'' if draws > 1 else '_one_draw'}": round(nats(model, x, draws, seed), 3)
        for name, x in parts.items()
        for draws in (DRAWS, 1)
    }
    return {
        "model": "coupling flow, linear splines",
        **found,
        "draws": DRAWS,
        "training_cpu_seconds": round(seconds, 1),
        "weights": sum(p.numel() for p in model.parameters()),
    }


def rows(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """The bound with many draws of the noise, and the one with a single draw, of the same runs."""
    runs, made = [run(seed) for seed in seeds], []
    for name, end in ((f"{DRAWS} draws", ""), ("one draw", "_one_draw")):
        figures = [
            {
                "model": f"{one['model']}, {name} of the noise",
                "test_nats": one[f"test_nats{end}"],
                "validation_nats": one[f"validation_nats{end}"],
                "training_cpu_seconds": one["training_cpu_seconds"],
                "weights": one["weights"],
            }
            for one in runs
        ]
        note = "uniform noise over the whole cell; training images moved and bent, and told so"
        made.append(row(figures, data="digits", bound=True, note=note, seeds=seeds))
    return made


if __name__ == "__main__":
    run_command("flow", rows, __doc__)
