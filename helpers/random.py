"""Seeds: one call for a whole notebook, and generators for everything that is drawn."""

import random
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from helpers.checks import argument_error, check_at_least, check_same_device


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, NumPy and PyTorch (all its devices).

    A chapter calls it once, after its parameters. Inside the package everything that draws takes a
    ``rng=`` and leaves these global states alone when it is given one.

    Args:
        seed: an integer in [0, 2³²), the range that NumPy accepts.

    Raises:
        TypeError: `seed` is no integer.
        ValueError: `seed` is out of range.

    >>> seed_everything(3)
    >>> first = torch.rand(2)
    >>> seed_everything(3)
    >>> bool((torch.rand(2) == first).all())
    True
    """
    check_seed(seed)
    random.seed(int(seed))
    np.random.seed(int(seed))  # noqa: NPY002  libraries still draw from the global state
    torch.manual_seed(int(seed))  # seeds every device, lazily where CUDA has not started yet


def seeded(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A seeded generator on `device`, independent of the global state.

    Args:
        seed: an integer in [0, 2³²).
        device: where the drawn tensors will live.

    Returns:
        A fresh generator; two made with equal arguments give bit-equal draws.

    Raises:
        TypeError: `seed` is no integer.
        ValueError: `seed` is out of range.

    >>> a, b = seeded(7), seeded(7)
    >>> bool((torch.rand(3, generator=a) == torch.rand(3, generator=b)).all())
    True
    """
    check_seed(seed)
    return torch.Generator(device).manual_seed(int(seed))


def normal(shape: Sequence[int], like: Tensor, rng: torch.Generator | None = None) -> Tensor:
    """Standard normal numbers with the device and type of `like`.

    Args:
        shape: of the result.
        like: a tensor, a model's weight for instance.
        rng: source of the draws, on the device of `like`; without one, the global state.

    >>> normal((2, 3), torch.zeros(1)).shape
    torch.Size([2, 3])
    """
    _check_device(rng, like)
    return torch.randn(shape, generator=rng, device=like.device, dtype=like.dtype)


def uniform(shape: Sequence[int], like: Tensor, rng: torch.Generator | None = None) -> Tensor:
    """Numbers drawn evenly from [0, 1), with the device and type of `like`; see `normal`.

    >>> uniform((2, 3), torch.zeros(1)).shape
    torch.Size([2, 3])
    """
    _check_device(rng, like)
    return torch.rand(shape, generator=rng, device=like.device, dtype=like.dtype)


def choose(
    probabilities: Tensor, rng: torch.Generator | None = None, *, n: int | None = None
) -> Tensor:
    """One index for each row of probabilities, which need not sum to 1: (..., K) to (...) int64.

    With `n`, so many independent indices from each row of (K,) or (R, K): (..., n).

    >>> choose(torch.tensor([[0.0, 1.0], [3.0, 0.0]]))
    tensor([1, 0])
    >>> choose(torch.tensor([0.0, 1.0]), n=3)
    tensor([1, 1, 1])
    """
    _check_device(rng, probabilities)
    if n is not None:
        return torch.multinomial(probabilities, n, replacement=True, generator=rng)
    rows = probabilities.reshape(-1, probabilities.shape[-1])
    return torch.multinomial(rows, 1, generator=rng).reshape(probabilities.shape[:-1])


def _check_device(rng: torch.Generator | None, like: Tensor) -> None:
    if rng is not None:
        check_same_device("rng", rng, "the model", like.device)


def check_seed(seed: int) -> None:
    """Raise unless `seed` is an integer in [0, 2³²).

    >>> check_seed(-1)
    Traceback (most recent call last):
    ValueError: seed must be an integer of at least 0, got -1
    """
    check_at_least("seed", seed, 0)
    if seed >= 2**32:
        raise argument_error("seed", "be below 2**32", seed, "NumPy's seeds have 32 bits")
