"""Sounds against their closed forms: companding, harmonics, the string's recursion."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from helpers.data.sound.synthesis import FORMANTS, plucked_string, vowel
from helpers.random import seeded
from helpers.signal.mu_law import mu_law_decode, mu_law_encode
from helpers.signal.waveform import check_waveform


@pytest.mark.parametrize("levels", [16, 256])
def test_every_level_comes_back(levels: int) -> None:
    codes = torch.arange(levels)
    x = mu_law_decode(codes, levels)
    assert torch.equal(mu_law_encode(x, levels), codes)
    assert (x.diff() > 0).all()
    assert torch.allclose(x, -x.flip(0))


def test_the_round_trip_errs_by_half_a_step_of_the_curve(seed: int) -> None:
    """The error of companding: half a level times the slope of the curve's inverse, at most."""
    x = 2 * torch.rand(5000, generator=seeded(seed)) - 1
    error = (mu_law_decode(mu_law_encode(x)) - x).abs()
    mu = 255
    for name, far in (("near zero", x.abs() < 0.01), ("loud", x.abs() > 0.9)):
        largest = x[far].abs().max().item() * 1.05 + 1e-3
        slope = math.log1p(mu) * (1 + mu * largest) / mu
        assert error[far].max() <= slope / mu * 1.1, name
    assert error[x.abs() < 0.01].max() < error[x.abs() > 0.9].max() / 10


@pytest.mark.equation("eq-speech-mulaw")
def test_the_curve_is_the_textbooks(seed: int) -> None:
    """numpy, written as in the recommendation's continuous form, with its values at both ends."""
    x = 2 * torch.rand(1000, generator=seeded(seed)) - 1
    v = x.numpy()
    curve = np.sign(v) * np.log(1 + 255 * np.abs(v)) / np.log(256)
    assert np.abs(mu_law_encode(x).numpy() - (curve + 1) / 2 * 255).max() <= 0.5 + 1e-9
    assert mu_law_encode(torch.tensor([-1.0, 1.0])).tolist() == [0, 255]


@pytest.mark.parametrize("name", FORMANTS)
def test_a_vowel_has_its_pitch_and_its_resonances(name: str) -> None:
    """numpy's Fourier transform: energy at multiples of the pitch, most of it at a formant."""
    pitch, rate = 125.0, 8000
    x = vowel(name, pitch=pitch, seconds=0.8, sample_rate=rate)
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


def test_sounds_that_cannot_be_used_are_refused() -> None:
    tone = torch.sin(torch.arange(100.0))
    check_waveform("x", tone)
    with pytest.raises(ValueError, match=r"x must be one channel.*stereo"):
        check_waveform("x", torch.stack([tone, tone]))
    with pytest.raises(ValueError, match=r"x must .*clipped or not scaled"):
        check_waveform("x", 3 * tone)
    with pytest.raises(ValueError, match="x must hold a sound, got silence"):
        check_waveform("x", 0 * tone)
    with pytest.raises(TypeError, match="x must be a floating-point tensor"):
        check_waveform("x", tone.long())
    with pytest.raises(ValueError, match=r"x must .*finite"):
        check_waveform("x", tone / 0)
    with pytest.raises(ValueError, match="x must"):
        check_waveform("x", tone[:0])


def test_bad_options_are_refused() -> None:
    with pytest.raises(ValueError, match="name must be one of a, e, i, o, u, got 'y'"):
        vowel("y")
    for make in (lambda **o: vowel("a", **o), plucked_string):
        with pytest.raises(ValueError, match="sample_rate must be an integer of at least 1, got 0"):
            make(sample_rate=0)
        with pytest.raises(ValueError, match=r"seconds must be .*positive"):
            make(seconds=0.0)
        with pytest.raises(ValueError, match=r"pitch must be .*positive"):
            make(pitch=-1.0)
        with pytest.raises(ValueError, match="pitch must be"):
            make(pitch=5000.0)
    with pytest.raises(ValueError, match="levels must be an integer of at least 2"):
        mu_law_encode(torch.zeros(2), 1)
    with pytest.raises(ValueError, match="x must"):
        mu_law_encode(torch.tensor([1.5]))
    with pytest.raises(ValueError, match="codes must"):
        mu_law_decode(torch.tensor([256]))
    with pytest.raises(TypeError, match="codes must"):
        mu_law_decode(torch.tensor([0.5]))
