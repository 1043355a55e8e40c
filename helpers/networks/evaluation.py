"""Evaluation mode, or no gradients for the parameters, for as long as it is needed."""

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


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Inside a ``with`` block no parameter needs a gradient; after it nothing has changed.

    Gradients still flow *through* the network to its inputs. Buffers that a forward pass moves
    (running statistics) and each ``requires_grad`` are put back at the end.

    >>> import torch
    >>> layer = nn.Linear(3, 2)
    >>> with frozen(layer):
    ...     layer(torch.ones(1, 3, requires_grad=True)).sum().backward()
    >>> layer.weight.grad is None, layer.weight.requires_grad
    (True, True)

    Taught in: models/gan
    """
    needing = [p for module in modules for p in module.parameters() if p.requires_grad]
    buffers = [(b, b.detach().clone()) for module in modules for b in module.buffers()]
    for parameter in needing:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in needing:
            parameter.requires_grad_(True)
        for buffer, before in buffers:
            buffer.data.copy_(before)  # .data: a later backward pass is no business of this copy
