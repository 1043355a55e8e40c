"""The loop around a step: epochs, averages, progress."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from helpers.checks import argument_error
from helpers.training.early_stopping import StopTraining

Step = Callable[..., Mapping[str, Tensor]]
Callback = Callable[[int, dict[str, float]], None]
History = dict[str, list[float]]


def fit(
    step: Step,
    batches: Iterable[Any],
    *,
    epochs: int,
    callbacks: Iterable[Callback] = (),
    progress: bool = True,
) -> History:
    """Call ``step(*batch)`` for every batch of every epoch and average what it returns.

    Averages are weighted with the batch sizes and summed in double precision on the device. A term
    that is not finite is a FloatingPointError: on the CPU at the step where it appears; on an
    accelerator, where looking at each step would stall the queue, at the end of the epoch.

    Args:
        step: takes the tensors of one batch, updates the model, returns scalar terms.
        batches: goes through the data once for each epoch; a batch is a tensor, or a tuple of
            tensors whose first dimension is the batch.
        epochs: how many times to go through the data.
        callbacks: each is called as ``callback(epoch, means)`` after an epoch, epochs from 0. One
            that raises `StopTraining` ends the training after this epoch; the others still run.
        progress: show a bar on stderr (the environment variable TQDM_DISABLE=1 hides it too).

    Returns:
        History ``{name: [mean of each epoch]}``.

    >>> def step(x):
    ...     return {"loss": x.mean()}
    >>> fit(step, [torch.ones(3), torch.zeros(1)], epochs=2, progress=False)
    {'loss': [0.75, 0.75]}

    Taught in: models/vae
    """
    callbacks = list(callbacks)  # an iterator would be used up after the first epoch
    history: History = {}
    hidden = {} if progress else {"disable": True}
    with tqdm(range(epochs), unit="epoch", leave=False, **hidden) as bar:
        for epoch in bar:
            means = _epoch(step, batches, epoch, history)
            for name, value in means.items():
                history.setdefault(name, []).append(value)
            bar.set_postfix({name: f"{value:.4g}" for name, value in means.items()})
            stop = False
            for callback in callbacks:
                try:
                    callback(epoch, means)
                except StopTraining:
                    stop = True
            if stop:
                break
    return history


def _epoch(step: Step, batches: Iterable[Any], epoch: int, history: History) -> dict[str, float]:
    totals: dict[str, Tensor] = {}
    count = 0
    for number, item in enumerate(batches):
        batch = item if isinstance(item, tuple | list) else (item,)
        size = len(batch[0])
        terms = _call(step, batch, size)
        known = totals or history
        if known and terms.keys() != known.keys():
            expected = f"return the terms {sorted(known)} at each call"
            raise argument_error("step", expected, sorted(terms))
        for name, value in terms.items():
            # wide sums keep small terms; Apple's devices have no double precision
            term = value.detach().to(torch.float32 if value.is_mps else torch.float64)
            if term.is_cpu:
                _check_finite(name, term.item(), f"step {number} of epoch {epoch}")
            totals[name] = totals.get(name, 0) + term * size
        count += size
    if count == 0:
        hint = "an iterator is used up after one epoch; pass Batches, a DataLoader or a list"
        raise argument_error("batches", "hold at least one example", f"none in epoch {epoch}", hint)
    means = {name: total.item() / count for name, total in totals.items()}
    for name, mean in means.items():
        _check_finite(name, mean, f"epoch {epoch}")
    return means


def _call(step: Step, batch: Any, size: int) -> Mapping[str, Tensor]:
    try:
        return step(*batch)
    except ValueError as error:  # torch's own words: a rest of one example has no variance
        if "Expected more than 1 value per channel when training" not in str(error):
            raise
        hint = "Batches(…, drop_last=True) leaves a small rest out"
        expected = "hold more than one example each for batch normalisation"
        raise argument_error("batches", expected, size, hint) from error


def _check_finite(name: str, value: float, place: str) -> None:
    if not math.isfinite(value):
        raise FloatingPointError(
            f"{name} became {value} in {place} (counted from 0): lower the learning rate, clip the "
            "gradient with max_norm, or look for values that are not finite in the batch"
        )
