r"""A restricted Boltzmann machine on black-and-white digits, beside models with a likelihood.

    python -m benchmarks.ladder.rbm [--seeds 20 21 22 23 24]

Protocol: `load_digits` of scikit-learn in its order, 1,000 / 350 / 447 images; a pixel is white
from level 8 of 16 on; nats per image (lower is better). Everything here was chosen on the
validation split, with seeds 0 to 9. The nats of the machine are a bracket: those of the lower and
of the upper estimate of log Z by annealed importance sampling. Those of the VAE are a bound.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.ladder.record import row, run_command
from helpers.data.batches import Batches
from helpers.data.images import Split, load
from helpers.metrics import mean_and_standard_error
from helpers.models import RBM, VAE, CategoricalMixture, ChowLiuTree, IndependentCategorical
from helpers.networks import MLP
from helpers.random import seed_everything, seeded
from helpers.training import fit, gradient_step

WHITE = 8  # the first level that counts as white

HIDDEN = 100
CHAINS = 100
GIBBS_STEPS = 2
EPOCHS = 500
BATCH_SIZE = 100
LEARNING_RATE = 0.02
WEIGHT_DECAY = 0.001
TEMPERATURES, ANNEALED, BURN_IN = 2000, 500, 5000

COMPONENTS, SMOOTHING, PRIOR_EXAMPLES = 160, 0.05, 2.0  # of the mixture
TREE_SMOOTHING = 4.0
LATENT, WIDTH, DROPOUT = 12, 384, 0.2  # of the VAE
VAE_EPOCHS, VAE_LEARNING_RATE, VAE_WEIGHT_DECAY, WEIGHTED_SAMPLES = 200, 3e-3, 0.2, 4


def white(split: Split) -> Tensor:
    """Zeros and ones (N, 1, 8, 8)."""
    return (split.levels >= WHITE).float()


def make_model(x: Tensor) -> RBM:
    """Biases and annealing start at the frequencies of the pixels, with one example of either."""
    frequencies = (x.sum(0) + 1) / (len(x) + 2)
    event = x.shape[1:]
    return RBM(event, HIDDEN, frequencies=frequencies, steps=GIBBS_STEPS, chains=CHAINS)


def train(x: Tensor, seed: int) -> RBM:
    """Persistent contrastive divergence, with a learning rate that falls to zero."""
    seed_everything(seed)
    model, batches = make_model(x), Batches(x, batch_size=BATCH_SIZE)
    biases = [model.visible_bias, model.hidden_bias]
    optimizer = torch.optim.Adam(
        [{"params": [model.weight], "weight_decay": WEIGHT_DECAY}, {"params": biases}],
        LEARNING_RATE,
        betas=(0.5, 0.999),
    )
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, EPOCHS * len(batches))
    step = gradient_step(model, optimizer, scheduler=scheduler)
    fit(step, batches, epochs=EPOCHS)
    return model


def run(seed: int) -> dict[str, Any]:
    """The machine: `test_nats` is the upper end of its bracket."""
    data = load("digits")
    start = time.process_time()
    model = train(white(data.train), seed)
    seconds = time.process_time() - start
    rng = seeded(seed)
    draws = model.sample(ANNEALED, steps=BURN_IN, rng=rng)
    log_z = model.log_normaliser_bracket(draws, temperatures=TEMPERATURES, rng=rng)
    figures: dict[str, Any] = {
        "model": "RBM",
        "training_cpu_seconds": round(seconds, 1),
        "weights": sum(parameter.numel() for parameter in model.parameters()),
        "log_normaliser": {end: list(value) for end, value in log_z._asdict().items()},
    }
    for part in ("test", "validation"):
        with torch.no_grad():
            energy, error = mean_and_standard_error(model.free_energy(white(getattr(data, part))))
        figures[f"{part}_nats"] = energy + log_z.upper.value
        figures[f"{part}_nats_lower_end"] = energy + log_z.lower.value
        figures[f"{part}_standard_error"] = error
    return figures


def beside(seed: int) -> list[dict[str, Any]]:
    """The other models on the same images."""
    makers = [independent, mixture, tree, vae]
    return [compare(maker, seed) for maker in makers]


Maker = Callable[[Tensor], tuple[str, nn.Module, Callable[[Tensor], Tensor]]]


def compare(make: Maker, seed: int) -> dict[str, Any]:
    """Train one of them and evaluate it; `weights` counts the entries of tables too."""
    data = load("digits")
    seed_everything(seed)
    start = time.process_time()
    name, model, log_prob = make(white(data.train))
    seconds = time.process_time() - start
    figures: dict[str, Any] = {
        "model": name,
        "training_cpu_seconds": round(seconds, 1),
        "weights": sum(value.numel() for value in model.state_dict().values()),
    }
    for part in ("test", "validation"):
        nats, error = mean_and_standard_error(-log_prob(white(getattr(data, part))))
        figures |= {f"{part}_nats": nats, f"{part}_standard_error": error}
    return figures


def independent(x: Tensor) -> tuple[str, nn.Module, Callable[[Tensor], Tensor]]:
    """Each pixel by itself."""
    model = IndependentCategorical(x.shape[1:], 2).fit(x.long())
    return "independent pixels", model, lambda x: model.log_prob(x.long())


def mixture(x: Tensor) -> tuple[str, nn.Module, Callable[[Tensor], Tensor]]:
    """A mixture of independent pixels."""
    model = CategoricalMixture(COMPONENTS, 2, smoothing=SMOOTHING, prior_examples=PRIOR_EXAMPLES)
    model.fit(x.long(), restarts=5)
    return "mixture", model, lambda x: model.log_prob(x.long())


def tree(x: Tensor) -> tuple[str, nn.Module, Callable[[Tensor], Tensor]]:
    """The best tree."""
    model = ChowLiuTree(2, smoothing=TREE_SMOOTHING).fit(x.long())
    return "tree", model, lambda x: model.log_prob(x.long())


def vae(x: Tensor) -> tuple[str, nn.Module, Callable[[Tensor], Tensor]]:
    """A dense VAE, by the importance-weighted bound with 500 draws."""
    event = x.shape[1:]
    encoder = MLP(event, [WIDTH], 2 * LATENT, activation=nn.GELU, dropout=DROPOUT)
    decoder = MLP(LATENT, [WIDTH], event, activation=nn.GELU, dropout=DROPOUT)
    model, batches = VAE(encoder, decoder, LATENT), Batches(x, batch_size=64)
    optimizer = torch.optim.AdamW(
        model.parameters(), VAE_LEARNING_RATE, betas=(0.9, 0.99), weight_decay=VAE_WEIGHT_DECAY
    )
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, VAE_LEARNING_RATE, total_steps=VAE_EPOCHS * len(batches), pct_start=0.15
    )
    step = gradient_step(model, optimizer, scheduler=scheduler, num_samples=WEIGHTED_SAMPLES)
    fit(step, batches, epochs=VAE_EPOCHS)
    return "VAE (bound)", model, lambda x: model.log_prob_bound(x, num_samples=500)


NOTES = {
    "RBM": "upper end of the bracket, lower ends {gap:.2f} below at most; nine settings tried",
    "independent pixels": "smoothing by default; others are within 0.02 on validation",
    "mixture": "components, smoothing and prior chosen among eight settings",
    "tree": "smoothing chosen among seven",
    "VAE (bound)": "500 draws; dropout, decay and code chosen among five settings",
}


def rows(seeds: Sequence[int]) -> list[dict[str, Any]]:
    """One row for each model, as all families of the ladder have it."""
    runs = [[run(seed), *beside(seed)] for seed in seeds]
    machines = [figures[0] for figures in runs]
    gap = max(one["test_nats"] - one["test_nats_lower_end"] for one in machines)
    made = []
    for column in zip(*runs):
        name = column[0]["model"]
        bound = name in ("RBM", "VAE (bound)")
        note = NOTES[name].format(gap=gap)
        made.append(row(column, data="digits, binarised", bound=bound, note=note, seeds=seeds))
    return made


if __name__ == "__main__":
    run_command("rbm", rows, __doc__)
