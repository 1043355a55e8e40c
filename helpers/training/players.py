r"""A step of several players, each with its own loss and its own parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from helpers.checks import argument_error
from helpers.training.loop import Step

Player = tuple[Callable[..., Mapping[str, Tensor]], torch.optim.Optimizer]


def players_step(
    players: Mapping[str, Player],
    *,
    schedulers: tuple[torch.optim.lr_scheduler.LRScheduler, ...] = (),
) -> Step:
    r"""One update of each player in turn; each later one sees what the earlier ones did.

    A player's gradient is taken with respect to the parameters of its own optimiser and nothing
    else: no gradient is left on the others, and none of them moves. A parameter may belong to two
    players, as the encoder of an adversarial autoencoder does.

    Args:
        players: for each name the player's loss, a function of the batch that returns ``loss``, a
            scalar with graph, and further detached terms; and the optimiser of its parameters.
        schedulers: stepped after each call.

    Returns:
        ``step(*batch)``, which returns the detached loss of each player under its name, and the
        further terms as ``"player term"``.

    Raises:
        ValueError: no players; in a call, a parameter on which its player's loss does not depend.

    >>> a, b = (torch.nn.Parameter(torch.ones(())) for _ in range(2))
    >>> step = players_step({
    ...     "low": (lambda: {"loss": a * b}, torch.optim.SGD([a], lr=0.5)),
    ...     "high": (lambda: {"loss": -a * b}, torch.optim.SGD([b], lr=0.5)),
    ... })
    >>> _ = step()
    >>> a.item(), b.item()  # the second player saw the first one's move
    (0.5, 1.25)

    Taught in: hybrids.
    """
    if not players:
        raise argument_error("players", "hold at least one player", "none")

    def step(*batch: Tensor) -> dict[str, Tensor]:
        terms: dict[str, Tensor] = {}
        for name, (loss, optimizer) in players.items():
            found = loss(*batch)
            own: list[Any] = [p for group in optimizer.param_groups for p in group["params"]]
            gradients = torch.autograd.grad(found["loss"], own, allow_unused=True)
            unused = sum(gradient is None for gradient in gradients)
            if unused:
                expected = "have a loss that depends on every parameter of its optimizer"
                raise argument_error(f"player {name!r}", expected, f"{unused} without a gradient")
            for parameter, gradient in zip(own, gradients):
                parameter.grad = gradient
            optimizer.step()
            for term, value in found.items():
                terms[name if term == "loss" else f"{name} {term}"] = value.detach()
        for scheduler in schedulers:
            scheduler.step()
        return terms

    return step
