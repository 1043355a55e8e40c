"""Short-time spectra of a waveform, and the way back.

Taught in: applications/speech
"""

import torch
from torch import Tensor

from helpers.checks import argument_error, check_data


def check_waveform(name: str, x: Tensor) -> Tensor:
    """The one look at a sound: one channel of finite samples in [-1, 1], not all of them zero."""
    hint = "average the channels, divide by the largest magnitude"
    x = check_data(name, x, ("T",), low=-1.0, high=1.0, hint=hint)
    if x.device.type == "cpu" and not x.any():
        raise argument_error(name, "hold a sound", "silence", "all samples are 0")
    return x


def stft(x: Tensor, *, window: int = 256, hop: int = 64) -> Tensor:
    """Short-time Fourier transform with a Hann window, frames centred on multiples of the hop.

    Args:
        x: waveform (T,), at least one window long.
        window: W, samples of a frame, even.
        hop: H, samples between two frames, at most half the window.

    Returns:
        Complex (W/2 + 1, 1 + T // H): row k is the frequency k · sample rate / W, column m the
        time m · H / sample rate.
    """
    x = check_waveform("x", x)
    if window % 2 or not 0 < hop <= window // 2:
        got = f"{window}, hop {hop}"
        hint = "with larger hops the frames do not determine the sound"
        raise argument_error("window", "be even and at least twice the hop", got, hint)
    if len(x) < window:
        raise argument_error("x", f"have at least {window} samples, one window", len(x))
    return transform(x, window, hop)


def istft(spectrum: Tensor, *, hop: int = 64, length: int) -> Tensor:
    """The waveform (length,) whose short-time spectra are nearest to these in squared error.

    For spectra of a waveform, as from `stft` with the same hop, it is that waveform.

    Reference: Griffin and Lim 1984, IEEE Transactions on Acoustics, Speech, and Signal Processing.
    """
    window = 2 * (len(spectrum) - 1)
    hann = torch.hann_window(window, dtype=spectrum.real.dtype, device=spectrum.device)
    return torch.istft(spectrum, window, hop, window=hann, length=length)


def transform(x: Tensor, window: int, hop: int) -> Tensor:
    """As `stft`, without a look at the sound: it may be silent or larger than 1."""
    hann = torch.hann_window(window, dtype=x.dtype, device=x.device)
    return torch.stft(x, window, hop, window=hann, return_complex=True)
