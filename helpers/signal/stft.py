"""Short-time spectra of a waveform, and the way back.

Taught in: applications/speech
"""

import torch
from torch import Tensor

from helpers.checks import argument_error
from helpers.signal.waveform import check_waveform


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
        raise argument_error("window", "be even and at least twice the hop", got)
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
