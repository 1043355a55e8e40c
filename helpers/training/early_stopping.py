"""Stop when the validation score no longer improves, and go back to the best weights."""

import copy
import math
from collections.abc import Callable

from torch import nn

from helpers.checks import argument_error


class EarlyStopping:
    """Callback of `fit` that watches a validation score and ends the training.

    After each epoch it calls `score`, and keeps the weights of the lowest one in memory, for
    `restore`. It allows `patience` epochs without improvement. The validation split that chose the
    epoch has been used: the score to report comes from the test split.

    Taught in: optimisation/better_training
    """

    def __init__(self, model: nn.Module, score: Callable[[], float], *, patience: int) -> None:
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
