"""Griffin and Lim's promise: the error of the magnitudes falls."""

from __future__ import annotations

import pytest
import torch

from helpers.data.sound import plucked_string, vowel
from helpers.random import seeded
from helpers.signal import griffin_lim, spectral_error, stft


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
