"""A network that may be used and not changed."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


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
