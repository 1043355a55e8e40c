r"""Evaluation mode for as long as it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(*modules: nn.Module) -> Iterator[None]:
    r"""Evaluation mode inside a ``with`` block: no dropout; every submodule's mode comes back.

    >>> from helpers.networks import MLP
    >>> network = MLP(4, [8], 3, dropout=0.5)
    >>> with evaluating(network):
    ...     network.training
    False
    >>> network.training
    True

    Taught in: Variational autoencoders.
    """
    training = [part for module in modules for part in module.modules() if part.training]
    for part in training:
        part.training = False
    try:
        yield
    finally:
        for part in training:
            part.training = True
