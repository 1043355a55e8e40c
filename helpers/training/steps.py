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
        max_norm: clip the gradient's norm to it; the norm before is returned as ``grad_norm``.
        rng: passed on to the loss.
        **loss_options: passed on to the loss, for example ``num_samples=5``.

    Returns:
        ``step(*batch)``, which updates the model and returns the loss's terms, detached.

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
        terms = {name: value.detach() for name, value in terms.items()}
        if max_norm is not None:
            terms["grad_norm"] = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        return terms

    return step
