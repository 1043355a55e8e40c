r"""Training steps of one and the same coupling flow of the plane: ours, and that of zuko.

Eight affine coupling layers with networks 1-64-64-2 that move one coordinate after the other,
batches of two moons. The program is a worker like `benchmarks.steps`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.steps import TrainingStep, run_worker
from helpers.data.toy import Standardised, TwoMoons
from helpers.random import seeded

LAYERS, HIDDEN = 8, (64, 64)
LEARNING_RATE = 1e-3
DISTINCT_BATCHES = 32


def make_batches(batch_size: int, seed: int) -> list[Tensor]:
    r"""Draws from two standardised moons, (B, 2) each."""
    moons, rng = Standardised(TwoMoons(std=0.05)), seeded(seed)
    return [moons.sample(batch_size, rng=rng) for _ in range(DISTINCT_BATCHES)]


def helpers_step(seed: int) -> TrainingStep:
    r"""The flow and the step that the book uses."""
    from helpers.models import Flow
    from helpers.networks import MLP, Coupling
    from helpers.training import gradient_step

    torch.manual_seed(seed)
    moved = [torch.arange(2) == i % 2 for i in range(LAYERS)]
    flow = Flow([Coupling(MLP(1, HIDDEN, 2), mask) for mask in moved], (2,))
    return gradient_step(flow, torch.optim.Adam(flow.parameters(), lr=LEARNING_RATE))


def zuko_step(seed: int) -> TrainingStep:
    r"""Zuko's RealNVP with networks of the same sizes, in a plain loop."""
    import zuko

    torch.manual_seed(seed)
    flow: nn.Module = zuko.flows.RealNVP(2, transforms=LAYERS, hidden_features=HIDDEN)
    optimizer = torch.optim.Adam(flow.parameters(), lr=LEARNING_RATE)

    def step(x: Tensor) -> dict[str, Tensor]:
        loss = -flow().log_prob(x).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach()}

    return step


MAKERS: dict[str, Callable[[int], TrainingStep]] = {"helpers": helpers_step, "zuko": zuko_step}


if __name__ == "__main__":
    run_worker(MAKERS, make_batches, __doc__)
