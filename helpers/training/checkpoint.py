r"""Checkpoints: state dicts in one file, written atomically, read without running code."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from helpers.checks import argument_error


def save_checkpoint(path: str | Path, **objects: Any) -> None:
    r"""Write state dicts to one file, atomically: a file that was there survives a failure.

    Args:
        path: the file; its folder is created.
        **objects: by name, models, optimisers, schedulers, `EMA` (anything with a ``state_dict``),
            generators (``torch.default_generator`` is the CPU's global one, which dropout draws
            from), and plain numbers, strings, tensors, or lists and dicts of them.

    >>> import tempfile
    >>> from torch import nn
    >>> layer = nn.Linear(2, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(Path(folder) / "last.pt", model=layer, epoch=3)
    ...     load_checkpoint(Path(folder) / "last.pt", model=layer)
    {'epoch': 3}

    Taught in: Variational autoencoders.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            torch.save({name: _state(value) for name, value in objects.items()}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def keep_checkpoint(path: str | Path, **objects: Any) -> Callable[[int, dict[str, float]], None]:
    r"""A callback for `fit` that saves after each good epoch, so that the last good one survives.

    An epoch is good when its terms are finite (`fit` sees to it before it calls) and so is every
    tensor of the objects: a last update may break the weights after the last loss was computed.

    Args:
        path: the file, written by `save_checkpoint` with ``epoch``, the number of finished epochs.
        **objects: as for `save_checkpoint`.

    Returns:
        ``callback(epoch, means)``.

    Raises:
        FloatingPointError: from the callback, if a tensor is not finite; it names the epoch and the
            tensor, and the file keeps the epoch before.

    >>> import tempfile
    >>> from torch import nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     keep_checkpoint(Path(folder) / "good.pt", model=nn.Linear(2, 1))(0, {})
    ...     load_checkpoint(Path(folder) / "good.pt")["epoch"]
    1

    Taught in: gan.
    """

    def callback(epoch: int, means: dict[str, float]) -> None:
        for name, value in objects.items():
            bad = _not_finite(name, _state(value))
            if bad:
                raise FloatingPointError(
                    f"{bad} is not finite after epoch {epoch} (counted from 0): {path} keeps the "
                    "last good state; lower the learning rate, or clip the gradient"
                )
        save_checkpoint(path, **objects, epoch=epoch + 1)

    return callback


def load_checkpoint(path: str | Path, **objects: Any) -> dict[str, Any]:
    r"""Read a file of `save_checkpoint` into the objects; on the CPU, training then goes on
    bit for bit as if it had not stopped.

    Only tensors and plain values are read (``weights_only=True``): a file cannot run code.

    Args:
        path: the file.
        **objects: by the names they were saved under, the objects to fill.

    Returns:
        The saved values that were not asked for: plain ones as they are, others as state dicts.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no checkpoint, or lacks one of the names.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"path must be an existing checkpoint, got {path}")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise argument_error("path", "be a readable checkpoint", path, str(error)) from error
    if not isinstance(saved, dict):
        raise argument_error("path", "be a readable checkpoint", path, "it holds no names")
    for name in objects:
        if name not in saved:
            raise argument_error(name, f"be one of {sorted(saved)}, saved in {path}", "a new name")
    for name, value in objects.items():
        if isinstance(value, torch.Generator):
            value.set_state(saved.pop(name))
        else:
            value.load_state_dict(saved.pop(name))
    return dict(saved)


def _state(value: Any) -> Any:
    if isinstance(value, torch.Generator):
        return value.get_state()
    return value.state_dict() if hasattr(value, "state_dict") else value


def _not_finite(name: str, state: Any) -> str:
    """Name of the first tensor in a state that is not finite, or nothing."""
    if isinstance(state, Tensor):
        broken = state.is_floating_point() and not bool(torch.isfinite(state).all())
        return name if broken else ""
    parts: list[tuple[Any, Any]] = []
    if isinstance(state, dict):
        parts = list(state.items())
    elif isinstance(state, list | tuple):
        parts = list(enumerate(state))
    return next(filter(None, (_not_finite(f"{name}.{key}", part) for key, part in parts)), "")
