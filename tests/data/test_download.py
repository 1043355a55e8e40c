"""Faults of a download, each against a local server that commits it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from helpers.data import download
from helpers.data.download import DownloadError, fetch

BODY = bytes(range(256)) * 5 + b"the end"  # 1287 bytes
SHA256 = hashlib.sha256(BODY).hexdigest()
NAME = "data.bin"


class Server(ThreadingHTTPServer):
    """Answers each request with `answer`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer: Callable[[Handler], None] = serve
        self.asked = 0
        self.release = threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked += 1
        self.server.answer(self)

    def log_message(self, format: str, *args: object) -> None:
        pass


def serve(handler: Handler, body: bytes = BODY, status: int = 200) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(BODY)))
    handler.end_headers()
    handler.wfile.write(body)


def truncate(handler: Handler) -> None:
    serve(handler, BODY[:600])


def missing(handler: Handler) -> None:
    serve(handler, b"", 404)


def other_bytes(handler: Handler) -> None:
    serve(handler, BODY[::-1])


def stall(handler: Handler) -> None:
    """Half of the body, then silence until the test ends."""
    truncate(handler)
    handler.wfile.flush()
    handler.server.release.wait(20)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DGM_DATA", str(tmp_path / "new" / "folder"))
    return tmp_path / "new" / "folder"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


def get(server: Server, **options) -> Path:
    url = f"http://127.0.0.1:{server.server_address[1]}/files/{NAME}"
    return fetch(NAME, **{"url": url, "sha256": SHA256} | options)


def test_a_file_is_fetched_once(server: Server, folder: Path) -> None:
    path = get(server)
    assert path == folder / NAME
    assert path.read_bytes() == BODY
    assert list(folder.iterdir()) == [path]
    before = path.stat().st_mtime_ns
    server.answer = other_bytes
    assert get(server) == path
    assert (server.asked, path.stat().st_mtime_ns) == (1, before)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (missing, "HTTP Error 404"),
        (truncate, "not the expected one"),
        (other_bytes, f"its sha256 is {hashlib.sha256(BODY[::-1]).hexdigest()}, not {SHA256}"),
        (stall, "timed out"),
    ],
)
def test_a_fault_is_named_and_leaves_nothing(
    server: Server,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[Handler], None],
    reason: str,
) -> None:
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    server.answer = answer
    with pytest.raises(DownloadError) as caught:
        get(server)
    for part in (NAME, "http://127.0.0.1", str(folder), reason, "by hand", "DGM_DATA"):
        assert part in str(caught.value)
    if answer is missing:
        caught.value.__cause__.close()  # type: ignore[union-attr]  # the answer itself
    assert list(folder.iterdir()) == []
    server.answer = serve
    assert get(server).read_bytes() == BODY


def test_a_digest_of_the_content_decides(server: Server, folder: Path) -> None:
    def last(path: Path) -> str:
        return path.read_bytes()[-3:].decode()

    assert get(server, sha256="end", digest=last).read_bytes() == BODY
    (folder / NAME).write_bytes(b"\xff\xff\xff")
    with pytest.raises(DownloadError, match="UnicodeDecodeError"):
        get(server, sha256="end", digest=last)


def test_a_wrong_file_is_reported_and_kept(server: Server, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(b"someone's own data")
    with pytest.raises(DownloadError, match="the file is not the expected one, its sha256"):
        get(server)
    assert (folder / NAME).read_bytes() == b"someone's own data"
    assert server.asked == 0


def test_without_download_nothing_is_asked(server: Server, folder: Path) -> None:
    with pytest.raises(DownloadError, match="it is not there, and download=False"):
        get(server, download=False)
    assert server.asked == 0
    assert not folder.exists()


def test_two_at_once_do_not_disturb_each_other(server: Server, folder: Path) -> None:
    done: list[Path] = []
    threads = [threading.Thread(target=lambda: done.append(get(server))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_bytes() for path in done] == [BODY] * 3
    assert list(folder.iterdir()) == [folder / NAME]


def test_folders_that_cannot_be_used(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DGM_DATA", str(tmp_path / "file" / "folder"))
    with pytest.raises(DownloadError, match=r"Not a directory.*by hand"):
        get(server)
    monkeypatch.setenv("DGM_DATA", "data")  # each notebook would look in its own folder
    with pytest.raises(DownloadError, match="DGM_DATA must be an absolute path, got 'data'"):
        get(server)


def test_the_folder_is_in_the_home_by_default(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DGM_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert get(server) == tmp_path / ".cache/deep-generative-models" / NAME
