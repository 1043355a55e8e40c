"""Sounds by formula: vowels and a plucked string.

Taught in: applications/speech
"""

import math

import torch
from torch import Tensor

from helpers.checks import check_between, check_option

SAMPLE_RATE = 8000  # Hz

#: The first three formants, resonances of the mouth, of five vowels in Hz: rounded textbook values.
FORMANTS = {
    "a": (730.0, 1090.0, 2440.0),
    "e": (530.0, 1840.0, 2480.0),
    "i": (270.0, 2290.0, 3010.0),
    "o": (570.0, 840.0, 2410.0),
    "u": (300.0, 870.0, 2240.0),
}


def vowel(name: str, *, seconds: float = 0.5, pitch: float = 120.0, mouth: float = 1.0) -> Tensor:
    """A synthetic vowel: a buzz at the pitch of a voice, filtered by three resonances.

    The buzz is a sum of all harmonics below half the sample rate, 8000 Hz. Each is weighted by the
    gain of the resonances (second order, bandwidths of 80, 100 and 120 Hz) and by 1/frequency, the
    fall of the voice's source.

    Args:
        name: one of `FORMANTS`.
        seconds: length.
        pitch: fundamental frequency in Hz, below half the sample rate.
        mouth: factor of all resonances; a child's short mouth has one above 1.

    Returns:
        (T,) samples, the largest magnitude 0.9, with 10 ms of fading in and out.
    """
    check_option("name", name, FORMANTS)
    check_between("pitch", pitch, 0, SAMPLE_RATE / 2, ends="()")
    time = torch.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE  # (T,)
    harmonics = pitch * torch.arange(1, int(SAMPLE_RATE / 2 / pitch) + 1)  # (K,)
    gain = 1 / harmonics
    for centre, bandwidth in zip(FORMANTS[name], (80.0, 100.0, 120.0)):
        centre = mouth * centre
        detuned = (centre**2 - harmonics**2) ** 2 + (bandwidth * harmonics) ** 2
        gain = gain * centre**2 / detuned.sqrt()
    wave = (gain[:, None] * torch.sin(2 * math.pi * harmonics[:, None] * time)).sum(0)
    return _finish(wave)


def plucked_string(
    *, seconds: float = 1.0, pitch: float = 220.0, rng: torch.Generator | None = None
) -> Tensor:
    r"""A plucked string by Karplus and Strong: noise that circles in a delay line and is smoothed.

    $$ y_t = \tfrac12 (y_{t-P} + y_{t-P-1}), \qquad P = \mathrm{round}(r / f - \tfrac12) $$

    so that the pitch is r/(P + ½), near f at the sample rate r, 8000 Hz.

    Args:
        seconds: length.
        pitch: f in Hz, at most a quarter of the sample rate.
        rng: draws the noise of the pluck.

    Reference: Karplus and Strong 1983, Computer Music Journal 7(2).
    """
    check_between("pitch", pitch, 0, SAMPLE_RATE / 4, ends="(]")
    period, length = round(SAMPLE_RATE / pitch - 0.5), round(seconds * SAMPLE_RATE)
    wave = torch.zeros(max(length, period + 1))
    wave[: period + 1] = 2 * torch.rand(period + 1, generator=rng) - 1
    for start in range(period + 1, length, period):  # the next period depends on the last only
        end = min(start + period, length)
        here = wave[start - period : end - period]
        before = wave[start - period - 1 : end - period - 1]
        wave[start:end] = 0.5 * (here + before)
    return _finish(wave[:length])


def _finish(wave: Tensor) -> Tensor:
    """Fade 10 ms in and out, and scale the largest magnitude to 0.9."""
    fade = min(len(wave) // 2, round(0.01 * SAMPLE_RATE))
    ramp = torch.linspace(0, 1, fade + 1)[1:]
    wave = wave - wave.mean()
    wave = torch.cat(
        [wave[:fade] * ramp, wave[fade : len(wave) - fade], wave[len(wave) - fade :] * ramp.flip(0)]
    )
    return 0.9 * wave / wave.abs().max().clamp_min(1e-12)
