"""Short-time spectra against numpy, their inversion, Griffin and Lim's promise, mel filters."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from helpers.data.sound.synthesis import plucked_string, vowel
from helpers.random import seeded
from helpers.signal.spectrogram import griffin_lim, istft, mel_filters, spectral_error, stft

WINDOW, HOP = 64, 16


@pytest.mark.equation("eq-speech-stft")
def test_a_frame_is_numpys_transform(seed: int) -> None:
    """numpy's Fourier transform of one windowed piece, centred where the frame says."""
    x = 2 * torch.rand(400, generator=seeded(seed)) - 1
    spectrum = stft(x, window=WINDOW, hop=HOP)
    assert spectrum.shape == (33, 1 + 400 // HOP)
    hann = 0.5 - 0.5 * np.cos(2 * math.pi * np.arange(WINDOW) / WINDOW)
    for frame in (3, 10, 20):
        piece = x[frame * HOP - WINDOW // 2 : frame * HOP + WINDOW // 2].numpy()
        assert np.allclose(spectrum[:, frame].numpy(), np.fft.rfft(piece * hann), atol=1e-9)


def test_a_tone_stands_in_its_row() -> None:
    rate, frequency = 8000, 1000.0
    x = torch.sin(2 * math.pi * frequency * torch.arange(4000) / rate)
    magnitude = stft(x).abs()
    assert (magnitude[:, 5:-5].argmax(0) == frequency / rate * 256).all()


@pytest.mark.parametrize("hop", [8, 16, 32])
def test_the_inverse_gives_the_waveform_back(hop: int, seed: int, device: torch.device) -> None:
    x = (2 * torch.rand(415, generator=seeded(seed)) - 1).to(device)
    back = istft(stft(x, window=WINDOW, hop=hop), window=WINDOW, hop=hop, length=415)
    assert torch.allclose(back[: 415 - hop], x[: 415 - hop], atol=1e-9)


@pytest.mark.equation("eq-speech-istft")
def test_the_inverse_is_the_nearest_waveform(seed: int) -> None:
    """Any spectra: the gradient of the squared error vanishes at the inverse, by autograd."""
    rng = seeded(seed)
    x = 2 * torch.rand(16 * HOP, generator=rng) - 1
    wild = stft(x, window=WINDOW, hop=HOP)
    wild = wild + torch.view_as_complex(torch.randn(*wild.shape, 2, generator=rng))
    best = istft(wild, window=WINDOW, hop=HOP, length=len(x)).requires_grad_()
    hann = torch.hann_window(WINDOW)

    def error(y: torch.Tensor) -> torch.Tensor:
        padded = torch.nn.functional.pad(y, (WINDOW // 2, WINDOW // 2))
        frames = padded.unfold(0, WINDOW, HOP) * hann
        full = torch.fft.irfft(wild.T, WINDOW)  # the frames that the spectra ask for
        return (frames - full).square().sum()

    (slope,) = torch.autograd.grad(error(best), best)
    assert slope.abs().max() < 1e-8
    assert error(best + 0.01) > error(best)


@pytest.mark.parametrize("sound", ["vowel", "string"])
def test_griffin_lim_finds_a_waveform_with_these_magnitudes(sound: str, seed: int) -> None:
    x = vowel("o") if sound == "vowel" else plucked_string(rng=seeded(seed))
    magnitude = stft(x).abs()
    errors = [
        spectral_error(
            magnitude,
            griffin_lim(magnitude, length=len(x), iterations=n, rng=seeded(seed)),
        )
        for n in (1, 60)
    ]
    assert errors[1] < 0.25
    assert errors[1] < errors[0] / 2


@pytest.mark.equation("eq-speech-griffin")
def test_plain_griffin_lim_never_gets_worse(seed: int) -> None:
    """The theorem: without momentum the squared distance of the spectra falls at each iteration."""
    magnitude = stft(vowel("e", seconds=0.25)).abs()
    errors = []
    for n in range(1, 12):
        y = griffin_lim(magnitude, length=2000, iterations=n, momentum=0.0, rng=seeded(seed))
        hann = torch.hann_window(256)
        found = torch.stft(y, 256, 64, window=hann, return_complex=True).abs()
        weight = torch.full((129, 1), 2.0)
        weight[0] = weight[-1] = 1  # both halves of a real signal's spectrum
        errors.append((weight * (found - magnitude).square()).sum().item())
    assert all(after <= before * (1 + 1e-9) for before, after in zip(errors, errors[1:]))  # noqa: RUF007


def test_same_generator_same_sound(seed: int) -> None:
    magnitude = stft(vowel("a", seconds=0.2)).abs()
    a, b = (griffin_lim(magnitude, length=1600, iterations=3, rng=seeded(seed)) for _ in range(2))
    assert torch.equal(a, b)


def test_mel_filters_are_a_partition_between_their_peaks() -> None:
    filters = mel_filters(20)
    peaks = filters.argmax(1)
    assert (peaks.diff() > 0).all()
    inside = filters[:, peaks[0] + 1 : peaks[-1]]
    assert torch.allclose(inside.sum(0), torch.ones(inside.shape[1]))
    assert (filters >= 0).all()
    assert filters.max() <= 1
    # 1000 Hz is near 1000 mel by the scale's construction
    assert 2595 * math.log10(1 + 1000 / 700) == pytest.approx(1000, abs=0.1)


def test_bad_spectra_are_refused() -> None:
    x = vowel("a", seconds=0.2)
    with pytest.raises(ValueError, match="x must have at least 256 samples, one window, got 100"):
        stft(x[:100])
    with pytest.raises(ValueError, match="stereo"):
        stft(torch.stack([x, x]))
    with pytest.raises(ValueError, match="window must be even, got 63"):
        stft(x, window=63)
    with pytest.raises(ValueError, match="hop must be at most half the window, 128, got 200"):
        stft(x, hop=200)
    magnitude = stft(x).abs()
    with pytest.raises(ValueError, match="magnitude must be at least 0"):
        griffin_lim(-magnitude, length=1600)
    with pytest.raises(ValueError, match=r"momentum must lie in \[0, 1\)"):
        griffin_lim(magnitude, length=1600, momentum=1.0)
    with pytest.raises(ValueError, match="iterations must be"):
        griffin_lim(magnitude, length=1600, iterations=0)
    with pytest.raises(ValueError, match="magnitude must have shape"):
        griffin_lim(magnitude[:-1], length=1600)
    with pytest.raises(ValueError, match="bands must be few enough"):
        mel_filters(120)
    with pytest.raises(ValueError, match="lowest must be below half the sample rate"):
        mel_filters(10, lowest=5000.0)
    with pytest.raises(ValueError, match="sample_rate must be"):
        mel_filters(10, sample_rate=0)
