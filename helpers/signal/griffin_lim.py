"""Finding the phases of a spectrogram."""

import math

import torch
from torch import Tensor

from helpers.checks import check_between, check_counts, check_data, check_shape
from helpers.random import uniform
from helpers.signal.stft import istft, transform


def griffin_lim(
    magnitude: Tensor,
    *,
    hop: int = 64,
    length: int,
    iterations: int = 60,
    momentum: float = 0.9,
    rng: torch.Generator | None = None,
) -> Tensor:
    """A waveform whose spectrogram has (nearly) the given magnitudes; the phases are found.

    Starting from random phases, each iteration goes to the nearest waveform and back and keeps the
    phases of what returns. With `momentum` the next phases are extrapolated, which is faster.

    Args:
        magnitude: of a spectrum by `stft` with this hop.
        hop: samples between two frames.
        length: samples to return.
        iterations: how many.
        momentum: in [0, 1); 0 is the plain algorithm, whose squared error never rises.
        rng: draws the first phases.

    Reference: Griffin and Lim 1984; Perraudin et al. 2013 for the momentum.

    >>> from helpers.signal import stft
    >>> x = torch.sin(torch.arange(2000) * 0.3)
    >>> y = griffin_lim(stft(x).abs(), length=2000, rng=torch.Generator().manual_seed(0))
    >>> spectral_error(stft(x).abs(), y) < 0.1
    True

    Taught in: applications/speech
    """
    magnitude = check_data("magnitude", magnitude, ("frequencies", "frames"), low=0)
    check_counts(length=length, iterations=iterations)
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
    """Relative error of the magnitudes of a waveform: the norm of the difference over the norm.

    >>> from helpers.signal import stft
    >>> x = torch.linspace(-1, 1, 1000)
    >>> spectral_error(stft(x).abs(), x)
    0.0

    Taught in: applications/speech
    """
    found = transform(x, 2 * (len(magnitude) - 1), hop).abs()
    check_shape("magnitude", magnitude, found.shape)
    return float((found - magnitude).norm() / magnitude.norm())
