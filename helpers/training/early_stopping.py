r"""Stop when the validation score no longer improves, and go back to the best weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

from torch import nn

from helpers.checks import argument_error, check_counts


class EarlyStopping:
    r"""Callback of `fit` that watches a validation score and ends the training.

    After each epoch it calls `score`; the weights of the lowest score are kept in memory. When the
    score has not improved for `patience` epochs it raises `StopTraining`, which `fit` catches.
    Whether stopped or run to the end, `restore` puts the best weights back. The validation split
    that chose the epoch has been used: the score to report comes from the test split.

    Args:
        model: whose weights are kept.
        score: called without arguments after each epoch; lower is better.
        patience: epochs without improvement that are allowed.

    >>> scores = iter([3.0, 2.0, 2.5, 2.4, 1.0])
    >>> stop = EarlyStopping(nn.Linear(2, 1), lambda: next(scores), patience=2)
    >>> stop(0, {}), stop(1, {}), stop(2, {}), stop.best_epoch, stop.best
    (None, None, None, 1, 2.0)
    >>> stop(3, {})
    Traceback (most recent call last):
    helpers.training.early_stopping.StopTraining: no improvement on 2 since epoch 1

    Taught in: optimisation/better_training
    """

    def __init__(self, model: nn.Module, score: Callable[[], float], *, patience: int) -> None:
        check_counts(patience=patience)
        self.model, self.score, self.patience = model, score, patience
        self.best, self.best_epoch = math.inf, -1
        self.scores: list[float] = []
        self._weights = copy.deepcopy(model.state_dict())

    def __call__(self, epoch: int, means: dict[str, float]) -> None:
        """Look at the score after an epoch; raise `StopTraining` when patience is at its end."""
        value = float(self.score())
        if math.isnan(value):  # it would never count as an improvement
            raise argument_error("score", "return a number", f"NaN after epoch {epoch}")
        self.scores.append(value)
        if value < self.best:
            self.best, self.best_epoch = value, epoch
            self._weights = copy.deepcopy(self.model.state_dict())
        elif epoch - self.best_epoch >= self.patience:
            raise StopTraining(f"no improvement on {self.best:.6g} since epoch {self.best_epoch}")

    def restore(self) -> None:
        """Put the weights of the best epoch back; those of the start if there was none."""
        self.model.load_state_dict(self._weights)


class StopTraining(Exception):
    """Raised by a callback to end `fit` after the epoch that called it."""
