"""Data sets of sounds: splits, labels, the archive of spoken digits and its faults."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import wave
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.data import sound as sounds
from helpers.data.download import DownloadError
from helpers.data.sound import spoken_digits
from helpers.data.sound.datasets import SIZES
from helpers.data.sound.synthesis import FORMANTS, vowel

REAL = Path(os.environ.get("DGM_DATA") or "no folder") / spoken_digits.FILE


def wav(samples: np.ndarray, *, channels: int = 1, width: int = 2, rate: int = 8000) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2" if width == 2 else "u1").tobytes())
    return buffer.getvalue()


def tone(length: int, size: int = 3000) -> np.ndarray:
    return np.round(size * np.sin(np.arange(length)))


def archive(path: Path, indices: tuple[int, ...] = (0, 4, 5, 9, 10, 49)) -> str:
    """An archive of the real one's layout; returns the sha256 of its content."""
    content = hashlib.sha256()
    names = sorted(f"{d}_{s}_{i}.wav" for d in (0, 7) for s in ("ann", "bob") for i in indices)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("set-1234/README.md", "no sound")
        file.writestr("set-1234/elsewhere/0_ann_0.wav", "not a recording")
        for name in reversed(names):
            data = wav(tone(900 + 10 * int(name.split("_")[2][:-4]) + ord(name[2])))
            file.writestr(f"set-1234/recordings/{name}", data)
        for name in names:
            data = wav(tone(900 + 10 * int(name.split("_")[2][:-4]) + ord(name[2])))
            content.update(name.encode())
            content.update(b"\0")
            content.update(data)
    return content.hexdigest()


@pytest.mark.parametrize("name", ["vowels", "strings"])
def test_the_made_sets_keep_their_promises(name: str) -> None:
    data, again = sounds.load(name), sounds.load(name)
    for split, size in SIZES[name].items():
        part = getattr(data, split)
        assert len(part) == len(part.x) == len(part.lengths) == len(part.y) == size
        assert part.x.dtype == torch.float32
        assert torch.equal(part.x, getattr(again, split).x)
        assert part.x.abs().max() <= 1
        assert torch.bincount(part.y).tolist() == [size // 5] * 5
        behind = torch.arange(part.x.shape[1]) >= part.lengths[:, None]
        assert (part.x[behind] == 0).all()
        assert part.lengths.max() <= part.x.shape[1]
        assert part.x.square().sum(1).min() > 1
    rows = torch.cat([data.train.x, data.validation.x, data.test.x])
    assert len(rows.unique(dim=0)) == len(rows)  # no sound is in two splits


def test_the_nearest_clean_vowel_is_the_label_for_a_median_voice() -> None:
    """Spectral envelopes by numpy: most sounds are nearest to a template of their own class."""
    data = sounds.load("vowels")

    def envelope(x: torch.Tensor) -> np.ndarray:
        power = np.abs(np.fft.rfft(x.numpy(), 8000)) ** 2
        smooth = np.convolve(power, np.hanning(500), "same")[::50]
        return np.log(smooth / smooth.sum() + 1e-6)

    templates = [envelope(vowel(name, pitch=160.0)) for name in FORMANTS]
    right = [
        int(np.argmin([np.abs(envelope(x) - t).mean() for t in templates])) == y
        for x, y in zip(data.test.x, data.test.y.tolist())
    ]
    assert np.mean(right) > 0.6  # 0.2 by chance; mouths differ in size


def test_a_mouth_scales_the_resonances(seed: int) -> None:
    """numpy: the loudest harmonic near the first resonance moves with the factor."""
    for mouth in (0.9, 1.0 + 0.01 * (seed % 5), 1.2):
        x = vowel("a", pitch=20.0, mouth=mouth, seconds=1.0)
        power = np.abs(np.fft.rfft(x.numpy() * np.hanning(len(x)))) ** 2
        at = np.fft.rfftfreq(len(x), 1 / 8000)
        low = (at > 500) & (at < 950)
        assert abs(at[low][power[low].argmax()] - 730 * mouth) < 40


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body: bytes = self.server.body  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    local = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    local.body = b""  # type: ignore[attr-defined]
    threading.Thread(target=local.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{local.server_address[1]}/archive.zip"
    monkeypatch.setattr(spoken_digits, "URL", address)
    yield local
    local.shutdown()
    local.server_close()


def test_the_digits_come_from_a_server_and_are_split_by_index(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "made.zip"
    monkeypatch.setattr(spoken_digits, "CONTENT", archive(made))
    server.body = made.read_bytes()  # type: ignore[attr-defined]
    data = sounds.load("spoken_digits", folder=tmp_path / "cache")
    assert (tmp_path / "cache" / spoken_digits.FILE).is_file()
    sizes = [len(part) for part in (data.train, data.validation, data.test)]
    assert sizes == [8, 8, 8]
    assert data.test.y.tolist() == [0, 0, 0, 0, 7, 7, 7, 7]
    assert data.test.lengths[:2].tolist() == [900 + ord("a"), 940 + ord("a")]
    assert data.classes == tuple("0123456789")
    assert data.train.x.abs().amax(1).tolist() == pytest.approx([0.9] * 8, rel=1e-5)
    expected = tone(997)[:997] / np.abs(tone(997)).max() * 0.9
    assert np.allclose(data.test.x[0, :997].numpy(), expected, atol=1e-6)
    offline = sounds.load("spoken_digits", folder=tmp_path / "cache", download=False)
    assert torch.equal(offline.train.x, data.train.x)


def test_another_content_is_refused(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    archive(tmp_path / "made.zip")
    server.body = (tmp_path / "made.zip").read_bytes()  # type: ignore[attr-defined]
    with pytest.raises(DownloadError, match=r"another file than expected.*recordings must"):
        sounds.load("spoken_digits", folder=tmp_path / "cache")
    assert not (tmp_path / "cache" / spoken_digits.FILE).exists()


def test_without_file_and_network_the_error_names_both_ways_out(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="DGM_DATA"):
        sounds.load("spoken_digits", folder=tmp_path, download=False)


@pytest.mark.skipif(not REAL.is_file(), reason="no archive of spoken digits in DGM_DATA")
def test_the_real_archive() -> None:
    data = sounds.load("spoken_digits", download=False)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [2400, 300, 300]
    for part in (data.train, data.validation, data.test):
        assert torch.bincount(part.y).tolist() == [len(part) // 10] * 10


def test_bad_files_and_sounds_are_named() -> None:
    read = spoken_digits.read_wav
    with pytest.raises(ValueError, match=r"0_a_0\.wav must have one channel, got 2.*stereo"):
        read("0_a_0.wav", wav(tone(100), channels=2))
    with pytest.raises(ValueError, match="must have samples of 16 bits, got 8 bits"):
        read("a", wav(tone(100, 100) + 100, width=1))
    with pytest.raises(ValueError, match="must have a sample rate of 8000 Hz, got 44100 Hz"):
        read("a", wav(tone(100), rate=44100))
    with pytest.raises(ValueError, match="must hold a sound, got no samples"):
        read("a", wav(tone(0)))
    with pytest.raises(ValueError, match="must be a WAV file of PCM samples"):
        read("a", b"RIFF, but no more")
    with pytest.raises(ValueError, match="name must be one of"):
        sounds.load("birds")
    x = torch.sin(torch.arange(50.0))
    with pytest.raises(ValueError, match="waves must hold at least one sound"):
        sounds.pack([], [], room=5)
    with pytest.raises(ValueError, match="y must hold 1 labels, got 2"):
        sounds.pack([x], [0, 1], room=5)
    with pytest.raises(ValueError, match=r"waves\[1\] must hold a sound, got silence"):
        sounds.pack([x, 0 * x], [0, 1], room=5)
    with pytest.raises(ValueError, match=r"waves\[0\] must be one channel.*stereo"):
        sounds.pack([torch.stack([x, x])], [0], room=5)
    with pytest.raises(ValueError, match=r"waves\[0\] must .*clipped"):
        sounds.pack([2 * x], [0], room=5)
    with pytest.raises(ValueError, match="mouth must be"):
        vowel("a", mouth=0.0)
