r"""The device to compute on, chosen by name once for each notebook."""

from __future__ import annotations

import re

import torch

from helpers.checks import argument_error

OPTIONS = "'auto', 'cpu', 'cuda', 'cuda:<index>', 'mps'"


def pick_device(name: str | torch.device = "auto") -> torch.device:
    r"""The device called `name`; ``"auto"`` is the CUDA device where there is one, else the CPU.

    Apple's ``"mps"`` must be asked for by name: it has no float64 and draws other numbers, so
    ``"auto"`` never picks it.

    Args:
        name: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"`` (with any index), ``"mps"``, or a
            ``torch.device`` of these types.

    Returns:
        A device that is present; ``"cuda"`` comes back with its index, as tensors report it.

    Raises:
        TypeError: `name` is neither a string nor a device.
        ValueError: the name is unknown, or the device is absent on this machine.

    >>> pick_device("cpu")
    device(type='cpu')
    >>> pick_device("gpu")
    Traceback (most recent call last):
    ValueError: device must be one of 'auto', 'cpu', 'cuda', 'cuda:<index>', 'mps', got 'gpu'
    """
    if not isinstance(name, str | torch.device):
        got = type(name).__name__  # type: ignore[unreachable]  # callers need not be typed
        raise argument_error("device", "be a string or a torch.device", got, kind=TypeError)
    name = str(name)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name in ("cpu", "cpu:0"):
        return torch.device("cpu")
    if name in ("mps", "mps:0"):
        if not torch.backends.mps.is_available():
            raise _absent(name, "torch finds no Apple GPU", "use device='auto'")
        return torch.device("mps", 0)
    if not re.fullmatch(r"cuda(:\d+)?", name):
        raise argument_error("device", f"be one of {OPTIONS}", repr(name))
    if not torch.cuda.is_available():
        raise _absent(name, "torch finds no CUDA device", "use device='auto'")
    _, _, digits = name.partition(":")
    index = int(digits) if digits else torch.cuda.current_device()
    count = torch.cuda.device_count()
    if index >= count:
        raise _absent(name, f"the last CUDA device here is cuda:{count - 1}", "use device='cuda'")
    return torch.device("cuda", index)


def _absent(name: str, reason: str, hint: str) -> Exception:
    return argument_error("device", "be present on this machine", f"{name!r} ({reason})", hint)
