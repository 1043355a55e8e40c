"""Finding the phases of a spectrogram.

Taught in: applications/speech
"""

import math

import torch
from torch import Tensor

from helpers.checks import check_between, check_data, check_shape
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
