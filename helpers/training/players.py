"""A step of several players, each with its own loss and its own parameters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from helpers.checks import argument_error
from helpers.training.average import EMA

Player = tuple[Callable[..., Mapping[str, Tensor]], torch.optim.Optimizer]


@dataclass
class PlayersStep:
    """What `players_step` makes; `count` is the number of finished steps, and its whole state."""

    players: Mapping[str, Player]
    schedulers: Sequence[LRScheduler]
    ema: EMA | None
    count: int = 0

    def __call__(self, *batch: Tensor) -> dict[str, Tensor]:
        """One update of each player in turn; the detached terms of all."""
        terms: dict[str, Tensor] = {}
        for name, (loss, optimizer) in self.players.items():
            found = loss(*batch)
            groups = optimizer.param_groups
            own = [p for group in groups for p in group["params"] if p.requires_grad]
            gradients = torch.autograd.grad(found["loss"], own, allow_unused=True)
            if any(gradient is None for gradient in gradients):
                expected = "have a loss that depends on every parameter of its optimizer"
                raise argument_error(f"player {name!r}", expected, "one without a gradient")
            for parameter, gradient in zip(own, gradients):
                parameter.grad = gradient
            optimizer.step()
            for term, value in found.items():
                terms[name if term == "loss" else f"{name} {term}"] = value.detach()
        for scheduler in self.schedulers:
            scheduler.step()
        if self.ema is not None:
            self.ema.update()
        self.count += 1
        return terms

    def state_dict(self) -> dict[str, int]:
        """For a checkpoint."""
        return {"count": self.count}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on counting where another run stopped."""
        self.count = state["count"]


def players_step(
    players: Mapping[str, Player], *, schedulers: Sequence[LRScheduler] = (), ema: EMA | None = None
) -> PlayersStep:
    """One update of each player in turn; each later one sees what the earlier ones did.

    A gradient is taken with respect to the parameters of the player's own optimiser and left on no
    others; a parameter may belong to two players. A loss may read ``step.count``.

    Args:
        players: for each name a loss, which maps a batch to ``loss``, a scalar with graph, and
            further detached terms; and the optimiser of the player's parameters.
        schedulers: stepped after each call.
        ema: updated after each call.

    Returns:
        ``step(*batch)``, which returns each player's detached loss under its name, and the further
        terms as ``"player term"``. Checkpoints keep its count.

    >>> a, b = (torch.nn.Parameter(torch.ones(())) for _ in range(2))
    >>> step = players_step({
    ...     "low": (lambda: {"loss": a * b}, torch.optim.SGD([a], lr=0.5)),
    ...     "high": (lambda: {"loss": -a * b}, torch.optim.SGD([b], lr=0.5)),
    ... })
    >>> _ = step()
    >>> a.item(), b.item(), step.count  # the second player saw the first one's move
    (0.5, 1.25, 1)

    Taught in: models/gan, models/hybrids
    """
    return PlayersStep(players, schedulers, ema)
