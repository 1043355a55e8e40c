"""Short-time spectra of a waveform, and the ways back, with phases and without.

Taught in: applications/speech
"""

import math

import torch
from torch import Tensor

from helpers.checks import argument_error, check_between, check_data, check_shape
from helpers.random import uniform


def check_waveform(name: str, x: Tensor) -> Tensor:
    """The one look at a sound: one channel of finite samples in [-1, 1], not all of them zero."""
    hint = "average the channels, divide by the largest magnitude"
    x = check_data(name, x, ("T",), low=-1.0, high=1.0, hint=hint)
    if x.device.type == "cpu" and not x.any():
        raise argument_error(name, "hold a sound", "silence", "all samples are 0")
    return x


def stft(x: Tensor, *, window: int = 256, hop: int = 64) -> Tensor:
    """Short-time Fourier transform with a Hann window, frames centred on multiples of the hop.

    Before the first and behind the last sample there is silence.

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
    # With zeros outside, each sample is in a frame once, so `istft` is the nearest waveform.
    return torch.stft(x, window, hop, window=hann, pad_mode="constant", return_complex=True)


def griffin_lim(
    magnitude: Tensor,
    *,
    hop: int = 64,
    length: int,
    iterations: int = 60,
    momentum: float = 0.9,
    rng: torch.Generator | None = None,
) -> Tensor:
    """A waveform (length,) whose spectrogram has nearly the given magnitudes; phases are found.

    Starting from random phases, each iteration goes to the nearest waveform and back and keeps the
    phases of what returns. The next phases are extrapolated with a momentum in [0, 1); at 0, the
    plain algorithm, the squared error never rises.

    Reference: Griffin and Lim 1984; Perraudin et al. 2013 for the momentum.
    """
    magnitude = check_data("magnitude", magnitude, ("frequencies", "frames"), low=0)
    check_between("momentum", momentum, 0, 1, ends="[)")
    unit, window = torch.ones_like(magnitude), 2 * (len(magnitude) - 1)
    phase = torch.polar(unit, 2 * math.pi * uniform(magnitude.shape, magnitude, rng))
    before = torch.zeros_like(phase)
    for _ in range(iterations):
        wave = istft(magnitude * phase, hop=hop, length=length)
        again = transform(wave, window, hop)
        ahead = again + momentum * (again - before)
        phase = torch.polar(unit, ahead.angle())
        before = again
    return istft(magnitude * phase, hop=hop, length=length)


def spectral_error(magnitude: Tensor, x: Tensor, *, hop: int = 64) -> float:
    """Relative error of the magnitudes of a waveform: norm of the difference over the norm."""
    found = transform(x, 2 * (len(magnitude) - 1), hop).abs()
    check_shape("magnitude", magnitude, found.shape)
    return float((found - magnitude).norm() / magnitude.norm())
