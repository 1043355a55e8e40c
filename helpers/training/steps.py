"""The usual training step."""

from typing import Any

import torch
from torch import Tensor, nn

from helpers.checks import check_between
from helpers.training.loop import Step


def gradient_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    max_norm: float | None = None,
    rng: torch.Generator | None = None,
    **loss_options: Any,
) -> Step:
    """The usual step: gradient of ``model.loss(*batch)``, one update.

    Args:
        model: has ``loss(*batch, rng=…) -> {"loss": scalar with graph, …}``.
        optimizer: holds the model's parameters.
        scheduler: stepped after each update (not each epoch).
        max_norm: clip the gradient's norm to it; the norm before clipping is returned as
            ``grad_norm``.
        rng: passed on to the loss.
        **loss_options: passed on to the loss, for example ``num_samples=5``.

    Returns:
        ``step(*batch)``, which updates the model and returns the loss's terms, detached.

    >>> class Mean(nn.Linear):
    ...     def loss(self, x, *, rng=None):
    ...         return {"loss": (self(x) - x).square().mean()}
    >>> model = Mean(2, 2)
    >>> step = gradient_step(model, torch.optim.SGD(model.parameters(), 0.1), max_norm=10.0)
    >>> sorted(step(torch.ones(5, 2)))
    ['grad_norm', 'loss']

    Taught in: models/vae
    """
    if max_norm is not None:
        check_between("max_norm", max_norm, 0, ends="()")

    def step(*batch: Tensor) -> dict[str, Tensor]:
        if not model.training:
            model.train()
        terms: dict[str, Tensor] = model.loss(*batch, rng=rng, **loss_options)  # type: ignore[operator]
        optimizer.zero_grad()
        terms["loss"].backward()  # type: ignore[no-untyped-call]
        result = {name: value.detach() for name, value in terms.items()}
        if max_norm is not None:
            result["grad_norm"] = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        return result

    return step
