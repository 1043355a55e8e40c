"""Checkpoints: state dicts in one file, written atomically, read without running code.

Taught in: models/vae, models/gan
"""

import copy
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from helpers.checks import argument_error

PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.Size, torch.device, torch.dtype)


def save_checkpoint(path: str | Path, **objects: Any) -> None:
    """Write state dicts to one file, atomically: a file that was there survives a failure.

    The objects are, by name, anything with a ``state_dict``, generators (dropout draws from
    ``torch.default_generator``), and numbers, strings, paths, tensors, arrays, or lists and dicts
    of them.

    >>> import tempfile
    >>> layer = torch.nn.Linear(2, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(Path(folder) / "last.pt", model=layer, epoch=3)
    ...     load_checkpoint(Path(folder) / "last.pt", model=layer)
    {'epoch': 3}
    """
    states = {name: _plain(name, _state(value)) for name, value in objects.items()}
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            torch.save(states, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def keep_checkpoint(path: str | Path, **objects: Any) -> Callable[[int, dict[str, float]], None]:
    """A callback for `fit` that saves after each good epoch, so that the last good one survives.

    The last update may break the weights after the last loss was computed: if a tensor of the
    objects is not finite, it raises FloatingPointError and the file keeps the epoch before. The
    file also holds ``epoch``, the number of finished ones.
    """

    def callback(epoch: int, means: dict[str, float]) -> None:
        for name, value in objects.items():
            for where, x in _tensors(name, _state(value)):
                if x.is_floating_point() and not bool(torch.isfinite(x).all()):
                    raise FloatingPointError(
                        f"{where} is not finite after epoch {epoch} (counted from 0): {path} keeps "
                        "the last good state; lower the learning rate, or clip the gradient"
                    )
        save_checkpoint(path, **objects, epoch=epoch + 1)

    return callback


def load_checkpoint(path: str | Path, **objects: Any) -> dict[str, Any]:
    """Read a file of `save_checkpoint` into the objects: all of them, or none if one fails.

    It returns the saved values that were not asked for. On the CPU, training then goes on bit for
    bit as if it had not stopped. A file cannot run code.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"path must be an existing checkpoint, got {path}")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        saved.keys()
    except Exception as error:
        raise argument_error("path", "be a readable checkpoint", path, str(error)) from error
    for name in objects.keys() - saved.keys():
        raise argument_error(name, f"be one of {sorted(saved)}, saved in {path}", "a new name")
    before = {name: copy.deepcopy(_state(value)) for name, value in objects.items()}
    try:
        for name, value in objects.items():
            _fill(value, saved.pop(name))
    except Exception:
        for name, value in objects.items():
            _fill(value, before[name])
        raise
    return dict(saved)


def _state(value: Any) -> Any:
    if isinstance(value, torch.Generator):
        return value.get_state()
    return value.state_dict() if hasattr(value, "state_dict") else value


def _fill(value: Any, state: Any) -> None:
    if isinstance(value, torch.Generator):
        value.set_state(state)
    else:
        value.load_state_dict(state)


def _plain(name: str, value: Any) -> Any:
    """The same in types that can be read back, or an error that names the place."""
    if isinstance(value, Tensor) or type(value) in PLAIN:
        return value
    if isinstance(value, np.generic):
        return _plain(name, value.item())
    if isinstance(value, np.ndarray):
        return torch.as_tensor(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, dict):
        # a shallow copy of an OrderedDict keeps the versions that a module's state carries
        same = copy.copy(value) if type(value) is OrderedDict else dict(value)
        same.update({key: _plain(f"{name}.{key}", part) for key, part in value.items()})
        return same
    if type(value) in (list, tuple, set):
        return type(value)(_plain(f"{name}.{key}", part) for key, part in enumerate(value))
    expected = "hold tensors, numbers, strings, or lists and dicts of them"
    raise argument_error(name, expected, type(value).__name__, kind=TypeError)


def _tensors(name: str, state: Any) -> Iterator[tuple[str, Tensor]]:
    if isinstance(state, Tensor):
        yield name, state
    elif isinstance(state, dict | list | tuple):
        for key, part in state.items() if isinstance(state, dict) else enumerate(state):
            yield from _tensors(f"{name}.{key}", part)
