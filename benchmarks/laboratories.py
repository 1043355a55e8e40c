"""What the laboratories of the pages start from: weights, counts, and their static pictures.

    python -m benchmarks.laboratories

The figures that train in the page (`book/_pages/laboratories`) compute in the reader's browser. Two
of them start from something learnt: the decoder of a VAE with two latent coordinates on the 8×8
digits, and the counts of a chain of order 4 over the reference text of Python, in lower case. The
pictures are what a reader without JavaScript sees; `helpers` computes them.
Numbers are packed: whole numbers of 16 bits, low byte first, in base64, times a scale.
"""

from __future__ import annotations

import argparse
import base64
import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from benchmarks.record import RESULTS, versions, write_result
from helpers.data import images, text
from helpers.data.batches import Batches
from helpers.data.toy import Ring
from helpers.distributions import Categorical
from helpers.games import DiracGAN, Simultaneous, play
from helpers.models import GAN, VAE, MarkovChain
from helpers.networks import MLP
from helpers.optim import SGD, trajectory
from helpers.random import seed_everything, seeded
from helpers.samplers import nucleus, temperature
from helpers.training import fit, gradient_step, players_step

ORDER, CHARACTERS, ALPHABET = 4, 110_000, " ',.abcdefghijklmnopqrstuvwxyz"
CONTEXT = "the value of the "
RING_WIDTH, RING_HIDDEN, RING_BATCH = 0.05, [48, 48], 64


def pack(values: Tensor) -> dict[str, Any]:
    """Numbers as 16-bit integers in base64, times a scale.

    >>> [round(value, 3) for value in unpack(pack(torch.tensor([1.0, -0.5]))).tolist()]
    [1.0, -0.5]
    """
    scale = float(f"{values.abs().max().item() / 32_766:.8g}") or 1.0
    whole = (values.double() / scale).round().to(torch.int16).numpy().astype("<i2")
    data = base64.b64encode(whole.tobytes()).decode()
    return {"shape": list(values.shape), "scale": scale, "data": data}


def unpack(packed: dict[str, Any]) -> Tensor:
    """The numbers again, in double precision."""
    whole = torch.frombuffer(bytearray(base64.b64decode(packed["data"])), dtype=torch.int16)
    return (packed["scale"] * whole.double()).reshape(packed["shape"])


def make_plane() -> VAE:
    """Two latent coordinates; the decoder is narrow before its last layer, to be small to send."""
    encoder = MLP((1, 8, 8), [256], 4)
    return VAE(encoder, MLP(2, [64, 16], (17, 1, 8, 8)), 2, likelihood=Categorical)


def vae_plane(seed: int, epochs: int) -> tuple[dict[str, Any], Tensor]:
    """The trained decoder, the places of the validation images, and decoded squares (49, 8, 8)."""
    seed_everything(seed)
    data = images.load("digits")
    model = make_plane()
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    batches = Batches(data.train.levels, batch_size=64, rng=seeded(seed))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, epochs * len(batches))
    step = gradient_step(model, optimizer, scheduler=schedule)
    fit(step, batches, epochs=epochs, progress=False)
    validation = data.validation
    with torch.no_grad():
        terms = model.loss(validation.levels, rng=seeded(seed))
        places = model.posterior(validation.levels).mean
    axis = Normal(0.0, 1.0).icdf((torch.arange(7) + 0.5) / 7)
    grid = torch.cartesian_prod(axis.flip(0), axis).flip(1)  # rows from the top
    found = {
        "decoder": [pack(weight.detach()) for weight in model.decoder.parameters()],
        "places": pack(places),
        "digits": "".join(str(int(digit)) for digit in validation.y),
        "nats_per_validation_image": round(terms["loss"].item(), 2),
    }
    return found, model.decode_mean(grid)[:, 0]


def plain(words: str) -> str:
    r"""Lower case, and nothing but the letters and signs of the alphabet.

    >>> plain("An (integer): 2 times.")
    'an integer times.'
    """
    return re.sub(" +", " ", re.sub(f"[^{ALPHABET}]+", " ", words.lower()))


def trie(windows: Sequence[str]) -> str:
    """All windows, sorted, as a tree: each letter is followed by its branches and a bracket.

    A last letter is followed by its count, unless that is 1.

    >>> trie(["ab", "ab", "ac", "ba"])
    'ab2c)ba)'
    """
    parts = []
    for letter, group in groupby(sorted(windows), key=lambda window: window[0]):
        rest = [window[1:] for window in group]
        count = str(len(rest)) if len(rest) > 1 else ""
        parts.append(letter + (f"{trie(rest)})" if rest[0] else count))
    return "".join(parts)


def decoding() -> tuple[dict[str, Any], MarkovChain]:
    """Counts of all runs of five symbols, and the chain that has them."""
    words = plain(text.load("pydoc").train)[:CHARACTERS]
    codes = torch.tensor([ALPHABET.index(letter) for letter in words])
    windows = [words[k : k + ORDER + 1] for k in range(len(words) - ORDER)]
    found = {
        "alphabet": ALPHABET,
        "order": ORDER,
        "characters": len(words),
        "start": words[:ORDER],
        "counts": trie(windows),
        "text": "reference text of Python (pydoc_data.topics), lower case",
    }
    return found, MarkovChain(len(ALPHABET), order=ORDER).fit(codes)


def next_letter(chain: MarkovChain, context: str) -> Tensor:
    """Log-probabilities (V,) of the letter behind a context."""
    codes = torch.tensor([ALPHABET.index(letter) for letter in context], dtype=torch.int64)
    symbols = torch.arange(len(ALPHABET))[:, None]
    rows = torch.cat([codes.expand(len(symbols), -1), symbols], 1)
    return chain.log_conditionals(rows)[:, -1]


def ring_samples(seed: int, steps: int) -> Tensor:
    """300 samples of a plain GAN on the ring, networks and rates as the laboratory begins."""
    seed_everything(seed)
    ring = Ring(std=RING_WIDTH)

    def slope() -> nn.Module:
        return nn.LeakyReLU(0.2)

    gan = GAN(MLP(2, RING_HIDDEN, 2, activation=slope), MLP(2, RING_HIDDEN, 1, activation=slope), 2)
    first, second = (
        torch.optim.Adam(player.parameters(), 2e-3, betas=(0.5, 0.999))
        for player in (gan.discriminator, gan.generator)
    )
    step = players_step(
        {
            "discriminator": (gan.discriminator_loss, first),
            "generator": (lambda x: gan.generator_loss(len(x)), second),
        }
    )
    rng = seeded(seed)
    for _ in range(steps):
        step(ring.sample(RING_BATCH, rng=rng))
    return gan.sample(300, rng=rng)


def pictures(seed: int, chain: MarkovChain, steps: int) -> dict[str, dict[str, Any]]:
    """Lines, dots and bars of the static pictures, in the coordinates of the laboratories."""
    dirac = play(Simultaneous(0.3), DiracGAN(), torch.tensor([1.2, 0.0]), steps=60)
    curvature = torch.tensor([0.1, 1.0])
    slow, heavy = (
        trajectory(SGD(1.9, momentum=beta), lambda p: curvature * p, torch.tensor([-9.0, 2.0]),
                   steps=40)
        for beta in (0.0, 0.6)
    )  # fmt: skip
    x = torch.linspace(-7, 7, 141)
    target = 0.6 * Normal(-2.2, 0.7).log_prob(x).exp() + 0.4 * Normal(2.2, 0.9).log_prob(x).exp()
    mean = 0.6 * -2.2 + 0.4 * 2.2
    variance = 0.6 * (0.7**2 + 2.2**2) + 0.4 * (0.9**2 + 2.2**2) - mean**2
    fits = {"forward": Normal(mean, variance**0.5), "reverse": Normal(-2.2, 0.7)}
    logits = next_letter(chain, CONTEXT)
    kept = nucleus(temperature(logits, 0.7), 0.9).softmax(-1)
    return {
        "dirac-gan": {"path": pack(dirac)},
        "momentum": {"gradient descent": pack(slow), "momentum 0.6": pack(heavy)},
        "kl-fit": {
            "target": pack(torch.stack([x, target], 1)),
            **{
                name: pack(torch.stack([x, q.log_prob(x).exp()], 1))  # type: ignore[no-untyped-call]
                for name, q in fits.items()
            },
        },
        "decoding": {"model": pack(logits.exp()), "filtered": pack(kept)},
        "gan-ring": {"samples": pack(ring_samples(seed, steps))},
    }


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Train, count, draw, write the result file, return the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=150, help="of the VAE")
    parser.add_argument("--steps", type=int, default=600, help="of the GAN of the picture")
    parser.add_argument("--output", type=Path, default=RESULTS / "laboratories.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    plane, squares = vae_plane(options.seed, options.epochs)
    counts, chain = decoding()
    drawn = pictures(options.seed, chain, options.steps)
    drawn["vae-plane"] = {"squares": pack(squares.flatten(1))}
    figures = {"vae-plane": plane, "decoding": counts, "pictures": drawn}
    command = "python -m benchmarks.laboratories"
    command += "".join(
        f" --{name} {value}"
        for name, value in (
            ("seed", options.seed),
            ("epochs", options.epochs),
            ("steps", options.steps),
        )
        if value != parser.get_default(name)
    )
    write_result(
        options.output,
        benchmark="laboratories",
        command=command,
        versions=versions("torch", "numpy", "scikit-learn", "deep-generative-models-book"),
        seeds=[options.seed],
        figures=figures,
        settings={"epochs": options.epochs, "steps": options.steps, "characters": CHARACTERS},
    )
    print(f"VAE: {plane['nats_per_validation_image']} nats per validation image")
    print(f"chain: {len(counts['counts'])} bytes for its counts")
    return figures


if __name__ == "__main__":
    main()
