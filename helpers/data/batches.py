"""Batches of tensors that already fit in memory: shuffled where they live, no worker processes."""

from collections.abc import Iterator

import torch
from torch import Tensor

from helpers.checks import argument_error, check_counts
from helpers.device import pick_device


class Batches:
    """An iterable over tuples of aligned batches; each pass over it is one epoch.

    An epoch visits every example once, in a new order; the last batch may be smaller. The tensors
    move to `device` once, here; shuffling and indexing then happen on that device.

    Args:
        *tensors: tensors of equal length N along the first dimension.
        batch_size: examples in a batch; more than N gives one batch.
        rng: draws the orders, on `device`. Without one, a source of its own is seeded with the
            current seed of PyTorch's global state, which stays untouched.
        device: where the batches live; a name as in `pick_device`.
        shuffle: False keeps the order of the tensors.
        drop_last: leave a smaller last batch out of each epoch.

    >>> batches = Batches(torch.arange(5), torch.arange(5) ** 2, batch_size=2, shuffle=False)
    >>> len(batches), batches.num_examples
    (3, 5)
    >>> for x, square in batches:
    ...     print(x.tolist(), square.tolist())
    [0, 1] [0, 1]
    [2, 3] [4, 9]
    [4] [16]

    Taught in: background/what_is_a_generative_model
    """

    def __init__(
        self,
        *tensors: Tensor,
        batch_size: int,
        rng: torch.Generator | None = None,
        device: torch.device | str = "cpu",
        shuffle: bool = True,
        drop_last: bool = False,
    ) -> None:
        lengths = [len(tensor) for tensor in tensors]
        if not lengths or len(set(lengths)) > 1 or lengths[0] == 0:
            raise argument_error("tensors", "have one common length of at least 1", lengths)
        check_counts(batch_size=batch_size)
        if drop_last and lengths[0] < batch_size:
            got = f"{batch_size} with drop_last=True"
            raise argument_error("batch_size", f"be at most the {lengths[0]} examples", got)
        self.device = pick_device(device)
        if rng is None:
            rng = torch.Generator(self.device).manual_seed(torch.initial_seed())
        self.tensors = tuple(tensor.to(self.device) for tensor in tensors)
        self.num_examples, self.batch_size, self.rng = lengths[0], batch_size, rng
        self.shuffle, self.drop_last = shuffle, drop_last

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        rest = 0 if self.drop_last else self.batch_size - 1
        return (self.num_examples + rest) // self.batch_size

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """One epoch; every batch is a copy, so that changing it in place never harms the data."""
        if self.shuffle:
            order = torch.randperm(self.num_examples, generator=self.rng, device=self.device)
        else:
            order = torch.arange(self.num_examples, device=self.device)
        for rows in torch.split(order, self.batch_size)[: len(self)]:
            yield tuple(tensor.index_select(0, rows) for tensor in self.tensors)
