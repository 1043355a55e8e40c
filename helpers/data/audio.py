r"""Sound as numbers: waveforms, their spectrograms, and the way back.

A waveform is a tensor of samples in [-1, 1], one channel, at a sample rate in Hz. Times are in
seconds, frequencies in Hz.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from helpers.checks import (
    argument_error,
    check_at_least,
    check_finite,
    check_floating,
    check_integer,
    check_nonempty,
    check_positive,
    check_range,
)

#: The first three formants, resonances of the mouth, of five vowels in Hz: rounded textbook values.
FORMANTS = {
    "a": (730.0, 1090.0, 2440.0),
    "e": (530.0, 1840.0, 2480.0),
    "i": (270.0, 2290.0, 3010.0),
    "o": (570.0, 840.0, 2410.0),
    "u": (300.0, 870.0, 2240.0),
}


def check_waveform(name: str, x: Tensor) -> None:
    r"""Raise unless `x` is one channel of finite samples in [-1, 1], not all of them zero.

    >>> check_waveform("x", torch.zeros(8))
    Traceback (most recent call last):
    ValueError: x must hold a sound, got silence: all samples are 0
    """
    check_floating(name, x)
    check_nonempty(name, x)
    if x.ndim != 1:
        hint = "stereo: take the mean over the channels" if x.ndim == 2 else ""
        raise argument_error(name, "be one channel, shape (T,)", tuple(x.shape), hint)
    check_finite(name, x)
    check_range(name, x, -1.0, 1.0, hint="clipped or not scaled: divide by the largest magnitude")
    if not bool(x.any()):
        raise argument_error(name, "hold a sound", "silence", "all samples are 0")


def mu_law_encode(x: Tensor, levels: int = 256) -> Tensor:
    r"""Samples as levels that are finer near zero, as the ear is.

    $$ f(x) = \mathrm{sign}(x) \frac{\log(1 + \mu |x|)}{\log(1 + \mu)}, \qquad \mu = V - 1 $$

    and f, in [-1, 1], is rounded to the nearest of V evenly spaced levels.

    Args:
        x: samples in [-1, 1], any shape.
        levels: V, at least 2.

    Returns:
        int64 levels 0 … V − 1, of the shape of x.

    Raises:
        TypeError: `x` is no floating-point tensor.
        ValueError: samples outside [-1, 1] or not finite.

    Reference: ITU-T recommendation G.711 uses mu = 255 in a piecewise-linear form.

    >>> mu_law_encode(torch.tensor([-1.0, -0.01, 0.01, 1.0]))
    tensor([  0,  98, 157, 255])

    Taught in: speech.
    """
    check_floating("x", x)
    check_finite("x", x)
    check_range("x", x, -1.0, 1.0, hint="divide by the largest magnitude")
    check_at_least("levels", levels, 2)
    mu = levels - 1
    squeezed = x.sign() * torch.log1p(mu * x.abs()) / math.log1p(mu)
    return ((squeezed + 1) / 2 * mu).round().long()


def mu_law_decode(codes: Tensor, levels: int = 256) -> Tensor:
    r"""The samples of levels: the inverse of the curve of `mu_law_encode`.

    Args:
        codes: int64 levels 0 … V − 1, any shape.
        levels: V, at least 2.

    Returns:
        Samples in [-1, 1] of torch's default floating-point type.

    Raises:
        TypeError: `codes` is no integer tensor.
        ValueError: a level outside 0 … V − 1.

    >>> mu_law_decode(torch.tensor([0, 255]))
    tensor([-1.,  1.])

    Taught in: speech.
    """
    check_at_least("levels", levels, 2)
    check_integer("codes", codes)
    check_range("codes", codes, 0, levels - 1)
    mu = levels - 1
    return mu_law_expand(2 * codes.to(torch.get_default_dtype()) / mu - 1, mu)


def mu_law_expand(squeezed: Tensor, mu: int) -> Tensor:
    r"""The inverse of the curve f of `mu_law_encode`, on [-1, 1] and without rounding.

    >>> mu_law_expand(torch.tensor([-1.0, 0.0, 0.5]), 3)
    tensor([-1.0000,  0.0000,  0.3333])

    Taught in: speech.
    """
    return squeezed.sign() * torch.expm1(squeezed.abs() * math.log1p(mu)) / mu


def vowel(
    name: str,
    *,
    seconds: float = 0.5,
    pitch: float = 120.0,
    mouth: float = 1.0,
    sample_rate: int = 8000,
) -> Tensor:
    r"""A synthetic vowel: a buzz at the pitch of a voice, filtered by three resonances.

    The buzz is a sum of all harmonics below half the sample rate. Each harmonic is weighted by the
    gain of the resonances (second order, bandwidths of 80, 100 and 120 Hz) and by 1/frequency, the
    fall of the voice's source.

    Args:
        name: one of `FORMANTS`.
        seconds: length, above 0.
        pitch: fundamental frequency in Hz, above 0 and below half the sample rate.
        mouth: factor of all resonances, above 0; a child's short mouth has one above 1.
        sample_rate: in Hz, at least 1.

    Returns:
        (T,) samples, the largest magnitude 0.9, with 10 ms of fading in and out.

    Raises:
        ValueError: an unknown vowel or an option out of range.

    >>> vowel("a", seconds=0.25).shape
    torch.Size([2000])

    Taught in: speech.
    """
    if name not in FORMANTS:
        raise argument_error("name", f"be one of {', '.join(FORMANTS)}", repr(name))
    check_at_least("sample_rate", sample_rate, 1)
    check_positive("seconds", seconds)
    check_positive("pitch", pitch)
    check_positive("mouth", mouth)
    if pitch >= sample_rate / 2:
        raise argument_error("pitch", f"be below half the sample rate, {sample_rate / 2} Hz", pitch)
    time = torch.arange(round(seconds * sample_rate)) / sample_rate  # (T,)
    harmonics = pitch * torch.arange(1, int(sample_rate / 2 / pitch) + 1)  # (K,)
    gain = 1 / harmonics
    for centre, bandwidth in zip(FORMANTS[name], (80.0, 100.0, 120.0)):
        centre = mouth * centre
        detuned = (centre**2 - harmonics**2) ** 2 + (bandwidth * harmonics) ** 2
        gain = gain * centre**2 / detuned.sqrt()
    wave = (gain[:, None] * torch.sin(2 * math.pi * harmonics[:, None] * time)).sum(0)
    return _finish(wave, sample_rate)


def plucked_string(
    *,
    seconds: float = 1.0,
    pitch: float = 220.0,
    sample_rate: int = 8000,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""A plucked string by Karplus and Strong: noise that circles in a delay line and is smoothed.

    $$ y_t = \tfrac12 (y_{t-P} + y_{t-P-1}), \qquad P = \mathrm{round}(r / f - \tfrac12) $$

    so that the pitch is r/(P + ½), near f at the sample rate r.

    Args:
        seconds: length, above 0.
        pitch: f in Hz, above 0 and at most a quarter of the sample rate.
        sample_rate: r in Hz, at least 1.
        generator: draws the noise of the pluck.

    Returns:
        (T,) samples, the largest magnitude 0.9.

    Raises:
        ValueError: an option is out of range.

    Reference: Karplus and Strong 1983, Computer Music Journal 7(2).

    >>> plucked_string(seconds=0.5).shape
    torch.Size([4000])

    Taught in: speech.
    """
    check_at_least("sample_rate", sample_rate, 1)
    check_positive("seconds", seconds)
    check_positive("pitch", pitch)
    if pitch > sample_rate / 4:
        raise argument_error("pitch", f"be at most {sample_rate / 4} Hz", pitch, "a quarter of r")
    period, length = round(sample_rate / pitch - 0.5), round(seconds * sample_rate)
    wave = torch.zeros(max(length, period + 1))
    wave[: period + 1] = 2 * torch.rand(period + 1, generator=generator) - 1
    for start in range(period + 1, length, period):  # the next period depends on the last only
        end = min(start + period, length)
        here = wave[start - period : end - period]
        before = wave[start - period - 1 : end - period - 1]
        wave[start:end] = 0.5 * (here + before)
    return _finish(wave[:length], sample_rate)


def _finish(wave: Tensor, sample_rate: int) -> Tensor:
    """Fade 10 ms in and out, and scale the largest magnitude to 0.9."""
    fade = min(len(wave) // 2, round(0.01 * sample_rate))
    ramp = torch.linspace(0, 1, fade + 1)[1:]
    wave = wave - wave.mean()
    wave = torch.cat(
        [wave[:fade] * ramp, wave[fade : len(wave) - fade], wave[len(wave) - fade :] * ramp.flip(0)]
    )
    return 0.9 * wave / wave.abs().max().clamp_min(1e-12)
