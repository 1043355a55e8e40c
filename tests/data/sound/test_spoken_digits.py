"""The archive of spoken digits: its splits, and what happens without it or with another."""

from __future__ import annotations

import hashlib
import os
import threading
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
from tests.data.sound.test_wav import tone, wav

REAL = Path(os.environ.get("DGM_DATA") or "no folder") / spoken_digits.FILE


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
    monkeypatch.setenv("DGM_DATA", str(tmp_path / "cache"))
    data = sounds.load("spoken_digits")
    assert (tmp_path / "cache" / spoken_digits.FILE).is_file()
    sizes = [len(part) for part in (data.train, data.validation, data.test)]
    assert sizes == [8, 8, 8]
    assert data.test.y.tolist() == [0, 0, 0, 0, 7, 7, 7, 7]
    assert data.test.lengths[:2].tolist() == [900 + ord("a"), 940 + ord("a")]
    assert data.classes == tuple("0123456789")
    assert data.train.x.abs().amax(1).tolist() == pytest.approx([0.9] * 8, rel=1e-5)
    expected = tone(997)[:997] / np.abs(tone(997)).max() * 0.9
    assert np.allclose(data.test.x[0, :997].numpy(), expected, atol=1e-6)
    server.body = b"not asked again"  # type: ignore[attr-defined]
    assert torch.equal(sounds.load("spoken_digits").train.x, data.train.x)


def test_another_content_is_refused(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DGM_DATA", str(tmp_path / "cache"))
    archive(tmp_path / "made.zip")
    server.body = (tmp_path / "made.zip").read_bytes()  # type: ignore[attr-defined]
    with pytest.raises(DownloadError, match="not the expected one, its sha256 is"):
        sounds.load("spoken_digits")
    assert not (tmp_path / "cache" / spoken_digits.FILE).exists()


@pytest.mark.skipif(not REAL.is_file(), reason="no archive of spoken digits in DGM_DATA")
def test_the_real_archive() -> None:
    data = sounds.load("spoken_digits")
    assert [len(part) for part in (data.train, data.validation, data.test)] == [2400, 300, 300]
    for part in (data.train, data.validation, data.test):
        assert torch.bincount(part.y).tolist() == [len(part) // 10] * 10
