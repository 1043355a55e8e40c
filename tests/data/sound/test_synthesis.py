"""Sounds against their closed forms: harmonics, the string's recursion."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers.data.sound import FORMANTS, plucked_string, vowel
from helpers.random import seeded


@pytest.mark.parametrize("name", FORMANTS)
def test_a_vowel_has_its_pitch_and_its_resonances(name: str) -> None:
    """numpy's Fourier transform: energy at multiples of the pitch, most of it at a formant."""
    pitch, rate = 125.0, 8000
    x = vowel(name, pitch=pitch, seconds=0.8)
    assert x.shape == (6400,)
    assert x.abs().max().item() == pytest.approx(0.9)
    power = np.abs(np.fft.rfft(x.numpy() * np.hanning(len(x)))) ** 2
    at = np.fft.rfftfreq(len(x), 1 / rate)
    near = np.abs(at - pitch * np.round(at / pitch)) < 8
    assert power[near].sum() / power.sum() > 0.99
    loudest = at[power.argmax()]
    assert min(abs(loudest - f) for f in FORMANTS[name]) < pitch


def test_vowels_differ_in_their_second_formant() -> None:
    power = {}
    for name in FORMANTS:
        spectrum = np.abs(np.fft.rfft(vowel(name).numpy())) ** 2
        at = np.fft.rfftfreq(4000, 1 / 8000)
        band = (at > 1200) & (at < 2700)
        power[name] = spectrum[band].sum() / spectrum.sum()
    assert min(power["e"], power["i"]) > max(power["o"], power["u"])


def test_a_mouth_scales_the_resonances(seed: int) -> None:
    """numpy: the loudest harmonic near the first resonance moves with the factor."""
    for mouth in (0.9, 1.0 + 0.01 * (seed % 5), 1.2):
        x = vowel("a", pitch=20.0, mouth=mouth, seconds=1.0)
        power = np.abs(np.fft.rfft(x.numpy() * np.hanning(len(x)))) ** 2
        at = np.fft.rfftfreq(len(x), 1 / 8000)
        low = (at > 500) & (at < 950)
        assert abs(at[low][power[low].argmax()] - 730 * mouth) < 40


def test_a_string_obeys_its_recursion_and_its_pitch(seed: int) -> None:
    """The recursion written out sample by sample; the spectrum peaks at r/(P + ½)."""
    rate, pitch = 8000, 200.0
    x = plucked_string(seconds=0.6, pitch=pitch, rng=seeded(seed)).numpy()
    period = round(rate / pitch - 0.5)
    noise = 2 * torch.rand(period + 1, generator=seeded(seed)).numpy() - 1
    y = list(noise)
    while len(y) < len(x):
        y.append(0.5 * (y[-period] + y[-period - 1]))
    y = np.array(y[: len(x)]) - np.mean(y[: len(x)])
    inside = slice(80, len(x) - 80)  # the ends are faded
    scale = (x[inside] @ y[inside]) / (y[inside] @ y[inside])
    assert np.abs(x[inside] - scale * y[inside]).max() < 1e-6
    power = np.abs(np.fft.rfft(x[2000:], 65536)) ** 2
    at = np.fft.rfftfreq(65536, 1 / rate)
    low = (at > 100) & (at < 300)
    assert at[low][power[low].argmax()] == pytest.approx(rate / (period + 0.5), rel=0.01)


def test_bad_options_are_named() -> None:
    with pytest.raises(ValueError, match="name must be one of 'a', 'e', 'i', 'o', 'u', got 'y'"):
        vowel("y")
    with pytest.raises(ValueError, match=r"pitch must lie in \(0, 4000\), got 5000"):
        vowel("a", pitch=5000.0)
    with pytest.raises(ValueError, match=r"pitch must lie in \(0, 2000\], got 2001"):
        plucked_string(pitch=2001.0)
