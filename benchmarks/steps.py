r"""Training steps of one and the same VAE, 784-512-16-512-784: ours, plain PyTorch, pythae.

Each maker returns a function that takes one batch, updates the weights and returns the loss and
its two parts, so that the steps can be timed against each other. This file is also a program, a
worker: it waits for a number of steps on standard input, does them, and answers with the processor
time they took. Workers are separate processes, so pythae can live in its own environment, and the
peak memory of one does not count for another.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INPUTS, HIDDEN, LATENT = 784, 512, 16
LEARNING_RATE = 1e-3
DISTINCT_BATCHES = 32

TrainingStep = Callable[[Tensor], dict[str, Tensor]]


def make_batches(batch_size: int, seed: int) -> list[Tensor]:
    r"""Binary images in which 13 % of the pixels are on, as in MNIST; their content is irrelevant.

    Returns:
        `DISTINCT_BATCHES` tensors of shape (B, 784).
    """
    generator = torch.Generator().manual_seed(seed)
    shape = (DISTINCT_BATCHES, batch_size, INPUTS)
    return list((torch.rand(shape, generator=generator) < 0.13).float())


def make_networks(seed: int) -> tuple[nn.Sequential, nn.Sequential]:
    r"""Encoder 784-512-32 and decoder 16-512-784."""
    torch.manual_seed(seed)
    encoder = nn.Sequential(nn.Linear(INPUTS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENT))
    decoder = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, INPUTS))
    return encoder, decoder


def helpers_step(seed: int) -> TrainingStep:
    r"""The VAE and the step that the book uses."""
    from helpers.models import VAE
    from helpers.training import gradient_step

    model = VAE(*make_networks(seed), LATENT)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    return gradient_step(model, optimizer)


def plain_step(seed: int) -> TrainingStep:
    r"""What one would type in a notebook for the same three numbers, with no checks around it."""
    encoder, decoder = make_networks(seed)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=LEARNING_RATE)

    def step(x: Tensor) -> dict[str, Tensor]:
        mu, log_var = encoder(x).chunk(2, -1)  # (B, L) each
        z = mu + (0.5 * log_var).exp() * torch.randn_like(mu)
        nll = F.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum") / len(x)
        kl = 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum() / len(x)
        loss = nll + kl
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return {"loss": loss.detach(), "reconstruction": nll.detach(), "kl": kl.detach()}

    return step


def pythae_step(seed: int) -> TrainingStep:
    r"""The VAE of pythae with its default networks, in its trainer's loop without the rest.

    Its default networks are the same but for two separate last layers of the encoder.
    """
    from pythae.models import VAE, VAEConfig  # type: ignore[import-not-found]

    torch.manual_seed(seed)
    model = VAE(VAEConfig(input_dim=(INPUTS,), latent_dim=LATENT, reconstruction_loss="bce"))
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    model.train()

    def step(x: Tensor) -> dict[str, Tensor]:
        output = model({"data": x})
        optimizer.zero_grad()
        output.loss.backward()
        optimizer.step()
        terms = {"loss": output.loss, "reconstruction": output.recon_loss, "kl": output.reg_loss}
        return {name: term.detach() for name, term in terms.items()}

    return step


MAKERS: dict[str, Callable[[int], TrainingStep]] = {
    "helpers": helpers_step,
    "plain": plain_step,
    "pythae": pythae_step,
}


def serve(
    name: str,
    batch_size: int,
    seed: int,
    makers: Mapping[str, Callable[[int], TrainingStep]] = MAKERS,
    data: Callable[[int, int], list[Tensor]] = make_batches,
    report: str = "loss",
) -> None:
    r"""Do as many steps as each line of standard input says; answer each line with one of JSON.

    `report` names the term of a step whose last value goes into the answer.
    """
    torch.set_num_threads(1)
    step = makers[name](seed)
    batches = data(batch_size, seed)
    found = {"torch": version("torch")}
    if name in {"pythae", "zuko"}:
        found[name] = version(name)
    print(json.dumps({"versions": found}), flush=True)
    done = 0
    for line in sys.stdin:
        start = time.process_time()
        for _ in range(int(line)):
            terms = step(batches[done % len(batches)])
            done += 1
        seconds = time.process_time() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        answer = {"seconds": seconds, "loss": terms[report].item(), "peak_memory_mib": memory}
        print(json.dumps(answer), flush=True)


def run_worker(
    makers: Mapping[str, Callable[[int], TrainingStep]],
    data: Callable[[int, int], list[Tensor]],
    description: str | None,
    report: str = "loss",
) -> None:
    r"""The command line of a worker: its step's name, the batch size, the seed."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("name", choices=tuple(makers))
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    serve(options.name, options.batch_size, options.seed, makers, data, report)


if __name__ == "__main__":
    run_worker(MAKERS, make_batches, __doc__)
