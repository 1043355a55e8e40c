"""What is a sound; short-time spectra against numpy, their inversion, the search for phases."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from helpers.data.sound import plucked_string, vowel
from helpers.random import seeded
from helpers.signal import check_waveform, griffin_lim, istft, spectral_error, stft
from helpers.signal.stft import transform
from tests.printed import tex

WINDOW, HOP = 64, 16
TONE = torch.sin(torch.arange(100.0))


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
    window = tex("eq-speech-stft", statement=1)
    found = tex("eq-speech-stft")(
        H=HOP,
        W=WINDOW,
        k=5,
        m=20,
        w=lambda i: window(i=i, W=WINDOW),
        x=lambda n: x[int(n)].item(),
    )
    assert found == pytest.approx(spectrum[5, 20].item())


def test_a_tone_stands_in_its_row() -> None:
    rate, frequency = 8000, 1000.0
    x = torch.sin(2 * math.pi * frequency * torch.arange(4000) / rate)
    magnitude = stft(x).abs()
    assert (magnitude[:, 5:-5].argmax(0) == frequency / rate * 256).all()


@pytest.mark.parametrize("hop", [8, 16, 32])
def test_the_inverse_gives_the_waveform_back(hop: int, seed: int, device: torch.device) -> None:
    x = (2 * torch.rand(415, generator=seeded(seed)) - 1).to(device)
    back = istft(stft(x, window=WINDOW, hop=hop), hop=hop, length=415)
    assert torch.allclose(back[: 415 - hop], x[: 415 - hop], atol=1e-9)


def distance(y: Tensor, spectra: Tensor) -> Tensor:
    """Squared distance of the spectra of y to these; a real sound has each inner row twice."""
    weight = torch.full((len(spectra), 1), 2.0)
    weight[0] = weight[-1] = 1
    return (weight * (transform(y, WINDOW, HOP) - spectra).abs().square()).sum()


@pytest.mark.equation("eq-speech-istft", frozen="9f097b02")
@pytest.mark.parametrize("length", [16 * HOP, 16 * HOP + 5])
def test_the_inverse_is_the_nearest_waveform(length: int, seed: int) -> None:
    """Any spectra: the gradient of the distance that `stft` sees vanishes at the inverse."""
    rng = seeded(seed)
    x = torch.rand(length, generator=rng) - 0.5
    wild = stft(x, window=WINDOW, hop=HOP)
    wild = wild + 0.3 * torch.view_as_complex(torch.randn(*wild.shape, 2, generator=rng))
    best = istft(wild, hop=HOP, length=length).requires_grad_()
    (slope,) = torch.autograd.grad(distance(best, wild), best)
    assert slope.abs().max() < 1e-9
    for place in (0, 3, length // 2, length - 1):  # the ends too
        moved = best.detach().clone()
        moved[place] += 0.01
        assert distance(moved, wild) > distance(best, wild)


@pytest.mark.parametrize(
    ("length", "options", "message"),
    [
        (100, {}, "x must have at least 256 samples, one window, got 100"),
        (300, {"window": 63}, "window must be even and at least twice the hop, got 63, hop 64"),
        (300, {"hop": 200}, "the frames do not determine the sound"),
    ],
)
def test_bad_frames_are_named(length: int, options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        stft(torch.sin(torch.arange(float(length))), **options)


def test_a_sound_is_let_through() -> None:
    assert check_waveform("x", TONE) is TONE


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.stack([TONE, TONE]), r"x must have shape \(T,\), .*average the channels"),
        (3 * TONE, r"x must lie in \[-1, 1\].*largest magnitude"),
        (0 * TONE, "x must hold a sound, got silence"),
        (TONE[:0], "x must hold at least one example"),
        (TONE / 0, "x must be finite"),
    ],
)
def test_other_tensors_are_refused(x: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_waveform("x", x)


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
@pytest.mark.parametrize("kind", ["noise", "vowel", "no sound has these"])
def test_plain_griffin_lim_never_gets_worse(kind: str, seed: int) -> None:
    """The theorem: without momentum the squared distance of the spectra falls at each iteration."""
    rng, length = seeded(seed), 20 * HOP + 7
    x = vowel("e", seconds=1.0)[400 : 400 + length]  # loud at both ends
    if kind == "noise":
        x = 2 * torch.rand(length, generator=rng) - 1
    magnitude = stft(x, window=WINDOW, hop=HOP).abs()
    if kind == "no sound has these":
        magnitude = torch.rand(magnitude.shape, generator=rng)
    errors = []
    for n in range(1, 16):
        y = griffin_lim(
            magnitude, hop=HOP, length=length, iterations=n, momentum=0.0, rng=seeded(seed)
        )
        phase = torch.polar(torch.ones_like(magnitude), transform(y, WINDOW, HOP).angle())
        errors.append(distance(y, magnitude * phase).item())  # the nearest with these magnitudes
    rows, columns = magnitude.shape
    printed = tex("eq-speech-griffin", statement=1)(
        {"k": range(rows), "m": range(columns)},
        c=[1.0, *[2.0] * (rows - 2), 1.0].__getitem__,
        X=lambda k, m: transform(y, WINDOW, HOP)[k, m].item(),
        S=lambda k, m: magnitude[k, m].item(),
    )
    assert errors[-1] == pytest.approx(float(printed))
    assert all(after <= before * (1 + 1e-9) for before, after in zip(errors, errors[1:]))  # noqa: RUF007


def test_same_generator_same_sound(seed: int) -> None:
    magnitude = stft(vowel("a", seconds=0.2)).abs()
    a, b = (griffin_lim(magnitude, length=1600, iterations=3, rng=seeded(seed)) for _ in range(2))
    assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("factor", "options", "message"),
    [
        (-1.0, {}, r"magnitude must lie in \[0, inf\]"),
        (1.0, {"momentum": 1.0}, r"momentum must lie in \[0, 1\)"),
    ],
)
def test_bad_spectra_are_named(factor: float, options: dict[str, float], message: str) -> None:
    magnitude = factor * stft(vowel("a", seconds=0.2)).abs()
    with pytest.raises(ValueError, match=message):
        griffin_lim(magnitude, length=1600, **options)
