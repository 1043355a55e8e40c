r"""One longer run on MNIST for the VAE and one for the conditional GAN: a picture and its scores.

    python -m benchmarks.mnist_pictures vae
    python -m benchmarks.mnist_pictures gan

The VAE sees pixels that are drawn black or white anew in each epoch (dynamic binarisation) and is
scored by the importance-weighted bound on the 10,000 test images, binarised once. The GAN is scored
in the features of a small classifier that is trained here: Fréchet distance to the test images,
beside that of 10,000 training images, and how often the classifier sees the digit that was asked
for. One seed each; nothing was chosen on the test images, and what is shown was drawn first.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.record import RESULTS, markdown_table, versions, write_result
from helpers import plotting
from helpers.data.batches import Batches
from helpers.data.images import ImageSplits, binarise, load
from helpers.metrics import frechet_distance, mean_and_standard_error
from helpers.models import GAN, VAE
from helpers.networks import MLP, ConvDiscriminator, ConvEncoder, ConvGenerator, evaluating
from helpers.random import seed_everything, seeded
from helpers.training import EMA, fit, gradient_step, players_step

LATENT = 40
COLUMNS = 10


def train_vae(data: ImageSplits, epochs: int) -> VAE:
    r"""Two dense layers of 512 each way, first the ELBO, then the bound with five samples."""
    encoder = MLP((1, 28, 28), [512, 512], 2 * LATENT, activation=nn.GELU)
    decoder = MLP(LATENT, [512, 512], (1, 28, 28), activation=nn.GELU)
    model = VAE(encoder, decoder, LATENT)
    batches = Batches(data.train.x, batch_size=128)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    total = epochs * len(batches)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total, pct_start=0.1)
    for part, samples in ((epochs // 2, 1), (epochs - epochs // 2, 5)):
        update = gradient_step(model, optimizer, scheduler=scheduler, num_samples=samples)
        fit(lambda x, update=update: update(binarise(x)), batches, epochs=part)
    return model


def score_vae(model: VAE, data: ImageSplits, samples: int) -> dict[str, Any]:
    r"""Nats per binarised test image: the bound with one sample and with many."""
    x, rng = binarise(data.test.x, rng=seeded(0)), seeded(1)
    figures: dict[str, Any] = {}
    for name, number in (("elbo", 1), ("importance_weighted", samples)):
        parts = [model.log_prob_bound(part, num_samples=number, rng=rng) for part in x.split(50)]
        nats, error = mean_and_standard_error(-torch.cat(parts))
        figures[name] = {"nats": round(nats, 3), "standard_error": round(error, 3)}
    return figures


def train_gan(data: ImageSplits, epochs: int) -> GAN:
    r"""R1 on real images, rates that fall, an averaged generator; no noise."""
    image = (1, 28, 28)
    model = GAN(
        ConvGenerator(LATENT + 10, image, (96, 48, 24)),
        ConvDiscriminator(image, (32, 64), 10),
        LATENT,
        classes=10,
    )
    optimizers = [
        torch.optim.Adam(network.parameters(), 1e-3, betas=(0.0, 0.99))
        for network in (model.discriminator, model.generator)
    ]
    batches = Batches(data.train.x, data.train.y, batch_size=64)
    total = epochs * len(batches)
    falling = [
        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total, 1e-4)
        for optimizer in optimizers
    ]
    average = EMA(model.generator, 0.999)

    def judge(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        return model.discriminator_loss(x, y, r1=1.0)

    def deceive(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        return model.generator_loss(len(x), y)

    players = {"discriminator": (judge, optimizers[0]), "generator": (deceive, optimizers[1])}
    fit(players_step(players, schedulers=falling, ema=average), batches, epochs=epochs)
    model.generator.load_state_dict(average.state_dict(), strict=False)  # buffers stay its own
    return model


def train_classifier(data: ImageSplits) -> tuple[nn.Module, nn.Module]:
    r"""Features (B, 64) and a linear layer on them, two epochs."""
    features = nn.Sequential(ConvEncoder((1, 28, 28), [16, 32], 64), nn.ReLU())
    last = nn.Linear(64, 10)
    classifier = nn.Sequential(features, last)
    optimizer = torch.optim.Adam(classifier.parameters(), 2e-3)

    def step(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        loss = F.cross_entropy(classifier(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach()}

    fit(step, Batches(data.train.x, data.train.y, batch_size=64), epochs=2)
    return features, last


def score_gan(model: GAN, data: ImageSplits) -> dict[str, Any]:
    r"""Fréchet distance and obeyed classes of 10,000 samples, and of 10,000 training images."""
    features, last = train_classifier(data)
    features.requires_grad_(False), last.requires_grad_(False)
    real = features(data.test.x)
    asked = data.test.y
    shuffled = torch.randperm(len(data.train), generator=seeded(2))[: len(asked)]
    fakes = {
        "samples": (model.sample(len(asked), y=asked, rng=seeded(3)), asked),
        "training_images": (data.train.x[shuffled], data.train.y[shuffled]),
    }
    figures: dict[str, Any] = {}
    for name, (x, y) in fakes.items():
        code = torch.cat([features(part) for part in x.split(1000)])
        distance = frechet_distance(code, real)
        probability = last(code).softmax(1)
        figures[name] = {
            "frechet": round(distance.value, 3),
            "standard_error": round(distance.standard_error, 3),
            "asked_class": round((probability.argmax(1) == y).float().mean().item(), 4),
            "largest_probability": round(probability.max(1).values.mean().item(), 4),
        }
    return figures


def save_grid(images: Tensor, name: str) -> None:
    r"""Images (N, 1, 28, 28), ten in a row: a drawing for the page, pixels for its copies."""
    figure = plotting.image_grid(images, columns=COLUMNS).figure
    for kind in ("svg", "png"):
        undated = {"Date": None} if kind == "svg" else {}
        figure.savefig(
            RESULTS / f"mnist_pictures_{name}.{kind}", bbox_inches="tight", metadata=undated
        )
    plt.close(figure)


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    r"""Train, score, draw the picture, write the result file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", choices=["vae", "gan"])
    parser.add_argument("--epochs", type=int, help="default: 30 for the VAE, 8 for the GAN")
    parser.add_argument("--samples", type=int, default=500, help="importance samples")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    data, name = load("mnist"), options.model
    epochs = options.epochs or {"vae": 30, "gan": 8}[name]
    seed_everything(0)
    start = time.process_time()
    figures: dict[str, Any] = {}
    if name == "vae":
        vae = train_vae(data, epochs)
        figures["training_cpu_seconds"] = round(time.process_time() - start)
        with torch.no_grad(), evaluating(vae):
            shown = binarise(data.test.x[: 2 * COLUMNS], rng=seeded(4))
            again = vae.likelihood(vae.posterior(shown).mean).mean
            prior = vae.likelihood(torch.randn(4 * COLUMNS, LATENT, generator=seeded(5))).mean
        rows = [shown[:COLUMNS], again[:COLUMNS], shown[COLUMNS:], again[COLUMNS:], prior]
        save_grid(torch.cat(rows), name)
        figures |= score_vae(vae, data, options.samples)
    else:
        gan = train_gan(data, epochs)
        figures["training_cpu_seconds"] = round(time.process_time() - start)
        with evaluating(gan):
            y = torch.arange(COLUMNS).repeat(8)
            save_grid(gan.sample(len(y), y=y, rng=seeded(5)), name)
            figures |= score_gan(gan, data)
    rows = [[key, str(value)] for key, value in figures.items()]
    print(markdown_table(["figure", "value"], rows))
    command = f"python -m benchmarks.mnist_pictures {name}"
    for option in ("epochs", "samples"):
        value = getattr(options, option)
        if value != parser.get_default(option):
            command += f" --{option} {value}"
    write_result(
        RESULTS / f"mnist_pictures_{name}.json",
        benchmark="mnist_pictures",
        command=command,
        versions=versions("torch", "numpy", "deep-generative-models-book"),
        seeds=[0],
        figures=figures,
        epochs=epochs,
        **({"importance_samples": options.samples} if name == "vae" else {}),
    )
    return figures


if __name__ == "__main__":
    main()
