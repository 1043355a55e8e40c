r"""Stop when the validation score no longer improves, and go back to the best weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

from torch import nn

from helpers.checks import argument_error, check_at_least


class EarlyStopping:
    r"""Callback of `fit` that watches a validation score and ends the training.

    After each epoch it calls `score`; the weights of the lowest score are kept in memory. When the
    score has not improved for `patience` epochs it raises `StopTraining`, which `fit` catches.
    Whether stopped or run to the end, `restore` puts the best weights back.

    The validation split that chose the epoch has been used: a score on it is optimistic, and the
    one to report comes from the test split.

    Args:
        model: whose weights are kept.
        score: called without arguments after each epoch; lower is better.
        patience: epochs without improvement that are allowed, at least 1.
        tolerance: an improvement must exceed it, at least 0, in the unit of the score.

    Raises:
        ValueError: an option is out of range.

    >>> from helpers.networks import MLP
    >>> scores = iter([3.0, 2.0, 2.5, 2.4, 1.0])
    >>> stop = EarlyStopping(MLP(2, [3], 1), lambda: next(scores), patience=2)
    >>> from helpers.training import fit
    >>> import torch
    >>> history = fit(lambda x: {"loss": x.mean()}, [torch.ones(4)], epochs=5,
    ...               callbacks=[stop], progress=False)
    >>> len(history["loss"]), stop.best_epoch, stop.best
    (4, 1, 2.0)

    Taught in: better_training.
    """

    def __init__(
        self,
        model: nn.Module,
        score: Callable[[], float],
        *,
        patience: int,
        tolerance: float = 0.0,
    ) -> None:
        check_at_least("patience", patience, 1)
        check_at_least("tolerance", tolerance, 0.0)
        self.model, self.score = model, score
        self.patience, self.tolerance = patience, tolerance
        self.best, self.best_epoch = math.inf, -1
        self.scores: list[float] = []
        self._weights = copy.deepcopy(model.state_dict())

    def __call__(self, epoch: int, means: dict[str, float]) -> None:
        """Look at the score after an epoch; raise `StopTraining` when patience is at its end."""
        value = float(self.score())
        if math.isnan(value):
            hint = "look for values that are not finite in the model's weights"
            raise argument_error("score", "return a number", f"NaN after epoch {epoch}", hint)
        self.scores.append(value)
        if value < self.best - self.tolerance:
            self.best, self.best_epoch = value, epoch
            self._weights = copy.deepcopy(self.model.state_dict())
        elif epoch - self.best_epoch >= self.patience:
            raise StopTraining(f"no improvement on {self.best:.6g} since epoch {self.best_epoch}")

    def restore(self) -> None:
        r"""Put the weights of the best epoch back; those of the start if there was none."""
        self.model.load_state_dict(self._weights)


class StopTraining(Exception):
    r"""Raised by a callback to end `fit` after the epoch that called it."""
