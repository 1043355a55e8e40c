"""WAV files against the wave module and scipy: widths, channels, rates, cut files."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from helpers.data.sound import read_wav
from helpers.data.sound.wav import decode_wav


def wav(samples: np.ndarray, *, width: int = 2, rate: int = 8000) -> bytes:
    """A file of integer samples (T,) or (T, channels)."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(samples.shape[1] if samples.ndim == 2 else 1)
        file.setsampwidth(width)
        file.setframerate(rate)
        whole = samples.astype(np.int64) + (128 if width == 1 else 0)
        file.writeframes(
            b"".join(int(v).to_bytes(8, "little", signed=True)[:width] for v in whole.flat)
        )
    return buffer.getvalue()


def tone(length: int, size: int = 3000) -> np.ndarray:
    return np.round(size * np.sin(np.arange(length)))


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_all_widths_are_fractions_of_the_largest_number(width: int, tmp_path: Path) -> None:
    largest = 2 ** (8 * width - 1)
    samples = np.array([0, 1, -1, largest // 2, largest - 1, -largest])
    (tmp_path / "a.wav").write_bytes(wav(samples, width=width))
    found = read_wav(tmp_path / "a.wav")
    assert found.tolist() == (samples / largest).astype(np.float32).tolist()


def test_channels_are_averaged(tmp_path: Path) -> None:
    both = np.stack([tone(90), -tone(90) + 200], 1)
    assert decode_wav("a", wav(both)).numpy() * 32768 == pytest.approx(np.full(90, 100.0))


@pytest.mark.parametrize("rate", [4000, 11025, 44100])
def test_another_rate_keeps_the_tone(rate: int) -> None:
    """numpy's sine of the same frequency at the wanted rate; the ends ring."""
    frequency, seconds = 440.0, 0.5
    at = np.arange(round(rate * seconds)) / rate
    found = decode_wav("a", wav(np.round(20_000 * np.sin(2 * np.pi * frequency * at)), rate=rate))
    expected = 20_000 / 32768 * np.sin(2 * np.pi * frequency * np.arange(4000) / 8000)
    assert len(found) == 4000
    assert np.abs(found.numpy() - expected)[200:-200].max() < 0.01


def test_a_file_that_was_cut_is_named(tmp_path: Path) -> None:
    """Cut behind each of several bytes: in the header, and within a sample of 16 bits."""
    whole = wav(tone(1000))
    for size in (10, 30, 44, 45, 1001, len(whole) - 1):
        (tmp_path / "cut.wav").write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"cut\.wav must (hold|be)"):
            read_wav(tmp_path / "cut.wav")
    with pytest.raises(ValueError, match="hold the 1000 samples that it announces, got 478"):
        decode_wav("cut.wav", whole[:1001])


@pytest.mark.parametrize("content", [b"RIFF, but no more", b"", wav(tone(0))])
def test_other_files_are_named(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"a\.wav must "):
        decode_wav("a.wav", content)
