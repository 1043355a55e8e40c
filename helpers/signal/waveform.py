"""A sound as samples: one channel, in [-1, 1], at a sample rate in Hz."""

from torch import Tensor

from helpers.checks import argument_error, check_data

HINT = "average the channels, divide by the largest magnitude"


def check_waveform(name: str, x: Tensor) -> Tensor:
    """The one look at a sound: one channel of finite samples in [-1, 1], not all of them zero."""
    x = check_data(name, x, ("T",), low=-1.0, high=1.0, hint=HINT)
    if x.device.type == "cpu" and not x.any():
        raise argument_error(name, "hold a sound", "silence", "all samples are 0")
    return x
