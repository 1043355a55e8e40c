"""Evaluation mode for as long as it is needed."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(*modules: nn.Module) -> Iterator[None]:
    """Evaluation mode inside a ``with`` block: no dropout; every submodule's mode comes back.

    >>> network = nn.Dropout(0.5)
    >>> with evaluating(network):
    ...     network.training
    False

    Taught in: models/vae
    """
    training = [part for module in modules for part in module.modules() if part.training]
    for part in training:
        part.training = False
    try:
        yield
    finally:
        for part in training:
            part.training = True
