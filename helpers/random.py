"""Seeds: one call for a whole notebook, and generators for everything that is drawn."""

import random
from collections.abc import Sequence

import numpy as np
import torch
from torch import Generator, Tensor

from helpers.checks import check_counts


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, NumPy and PyTorch (all its devices), from [0, 2³²).

    Everything that draws takes a ``rng=`` and leaves these alone when it is given one.
    """
    check_counts(0, seed=seed)
    np.random.seed(seed)  # noqa: NPY002  libraries still draw from the global state
    random.seed(int(seed))
    torch.manual_seed(seed)  # seeds every device, lazily where CUDA has not started yet


def seeded(seed: int, device: torch.device | str = "cpu") -> Generator:
    """A fresh generator on `device`, independent of the global state; equal seeds, equal draws."""
    check_counts(0, seed=seed)
    return Generator(device).manual_seed(int(seed))


def normal(shape: Sequence[int], like: Tensor, rng: Generator | None = None) -> Tensor:
    """Standard normal numbers with the device and type of `like`, a model's weight for instance.

    Without `rng`, on the same device, they come from the global state.
    """
    return torch.randn(shape, generator=rng, device=like.device, dtype=like.dtype)


def uniform(shape: Sequence[int], like: Tensor, rng: Generator | None = None) -> Tensor:
    """Numbers drawn evenly from [0, 1); see `normal`."""
    return torch.rand(shape, generator=rng, device=like.device, dtype=like.dtype)


def choose(probabilities: Tensor, rng: Generator | None = None, *, n: int | None = None) -> Tensor:
    """One index for each row of probabilities, which need not sum to 1: (..., K) to (...) int64.

    With `n`, so many independent indices from each row of (K,) or (R, K): (..., n).

    >>> choose(torch.tensor([[0.0, 1.0], [3.0, 0.0]]))
    tensor([1, 0])
    """
    if n is not None:
        return torch.multinomial(probabilities, n, replacement=True, generator=rng)
    rows = probabilities.reshape(-1, probabilities.shape[-1])
    return torch.multinomial(rows, 1, generator=rng).reshape(probabilities.shape[:-1])
