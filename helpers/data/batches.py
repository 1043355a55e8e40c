r"""Batches of tensors that already fit in memory: shuffled where they live, no worker processes."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from helpers.checks import argument_error, check_at_least, check_same_device, check_tensor
from helpers.device import pick_device


class Batches:
    r"""An iterable over tuples of aligned batches; each pass over it is one epoch.

    An epoch visits every example exactly once: nothing is dropped, so the last batch may be
    smaller. Each pass draws a new order. The tensors move to `device` once, here; shuffling and
    indexing then happen on that device, which spares small models most of a data loader's cost.

    Args:
        *tensors: tensors of equal length N along the first dimension.
        batch_size: examples in a batch, at least 1; more than N gives one batch.
        rng: draws the orders; it must live on `device`. Without one, a generator of its own
            is seeded with the current seed of PyTorch's global generator, so that
            ``seed_everything`` fixes the orders and the global stream stays untouched.
        device: where the batches live; a name as in ``pick_device``.
        shuffle: False keeps the order of the tensors.

    Raises:
        TypeError: an argument is no tensor, or `batch_size` is no integer.
        ValueError: no tensors, unequal lengths, no examples, `batch_size` below 1, or a generator
            on another device.

    >>> batches = Batches(torch.arange(5), torch.arange(5) ** 2, batch_size=2, shuffle=False)
    >>> len(batches), batches.num_examples
    (3, 5)
    >>> for x, square in batches:
    ...     print(x.tolist(), square.tolist())
    [0, 1] [0, 1]
    [2, 3] [4, 9]
    [4] [16]

    Taught in: what_is_a_generative_model.
    """

    def __init__(
        self,
        *tensors: Tensor,
        batch_size: int,
        rng: torch.Generator | None = None,
        device: torch.device | str = "cpu",
        shuffle: bool = True,
    ) -> None:
        if not tensors:
            raise argument_error("tensors", "hold at least one tensor", "none")
        for i, tensor in enumerate(tensors):
            check_tensor(f"tensors[{i}]", tensor)
            if tensor.ndim == 0:
                raise argument_error(
                    f"tensors[{i}]", "have a first dimension over examples", "a scalar"
                )
        lengths = [len(tensor) for tensor in tensors]
        if len(set(lengths)) > 1:
            hint = "each example needs its row in every tensor"
            raise argument_error("tensors", "have equal lengths", lengths, hint)
        if lengths[0] == 0:
            raise argument_error("tensors", "hold at least one example", "length 0")
        check_at_least("batch_size", batch_size, 1)
        self.device = pick_device(device)
        if rng is None:
            rng = torch.Generator(self.device).manual_seed(torch.initial_seed())
        check_same_device("rng", rng, "the batches", self.device)
        self.tensors = tuple(tensor.to(self.device) for tensor in tensors)
        self.num_examples = lengths[0]
        self.batch_size = int(batch_size)
        self.rng = rng
        self.shuffle = shuffle

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return -(-self.num_examples // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """One epoch; every batch is a copy, so that changing it in place never harms the data."""
        if self.shuffle:
            order = torch.randperm(self.num_examples, generator=self.rng, device=self.device)
        else:
            order = torch.arange(self.num_examples, device=self.device)
        for rows in torch.split(order, self.batch_size):
            yield tuple(tensor.index_select(0, rows) for tensor in self.tensors)
