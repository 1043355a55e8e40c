"""The device to compute on, chosen by name once for each notebook."""

import torch

from helpers.checks import argument_error


def pick_device(name: str | torch.device = "auto") -> torch.device:
    """The device called `name`; `"auto"` is the CUDA device where there is one, else the CPU.

    Apple's `"mps"` must be asked for by name, since it has no float64 and draws other numbers.
    `"cuda"` comes back with its index, as tensors report it.
    """
    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if str(name) == "auto":
        name = "cuda" if cuda else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        options = "'auto', 'cpu', 'cuda', 'cuda:<index>', 'mps'"
        raise argument_error("device", f"be one of {options}", repr(name)) from error
    present = {"cpu": 1, "cuda": cuda, "mps": int(torch.backends.mps.is_available())}
    if (device.index or 0) >= present.get(device.type, 0):
        got, hint = repr(str(name)), "use device='auto'"
        raise argument_error("device", "be present on this machine", got, hint)
    if device.type == "cpu":
        return torch.device("cpu")
    index = torch.cuda.current_device() if str(device) == "cuda" else device.index or 0
    return torch.device(device.type, index)
