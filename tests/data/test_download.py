"""Faults of a download, each against a local server that commits it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import tempfile
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
PARTIAL = f".{NAME}.part"


class Server(ThreadingHTTPServer):
    """Answers each request with the next function of `script`, the last of which is kept."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Callable[[Handler], None]] = [serve]
        self.ranges: list[str | None] = []
        self.targets: list[str] = []
        self.release = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/files/{NAME}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers.get("Range"))
        self.server.targets.append(self.path)
        script = self.server.script
        (script.pop(0) if len(script) > 1 else script[0])(self)

    def start(self, status: int, length: int | None, **headers: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def serve(handler: Handler, body: bytes = BODY, sent: int | None = None) -> None:
    """A correct server; with `sent`, one that announces everything and closes after so much."""
    wanted = handler.headers.get("Range")
    start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted else 0
    if start >= len(body):
        handler.start(416, 0, Content_Range=f"bytes */{len(body)}")
        return
    extra = {"Content_Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if wanted else {}
    handler.start(206 if wanted else 200, len(body) - start, **extra)
    handler.wfile.write(body[start:][:sent])


def truncate(sent: int) -> Callable[[Handler], None]:
    return lambda handler: serve(handler, sent=sent)


def ignore_range(handler: Handler) -> None:
    handler.start(200, len(BODY))
    handler.wfile.write(BODY)


def status(code: int) -> Callable[[Handler], None]:
    return lambda handler: handler.start(code, 0)


def other_bytes(handler: Handler) -> None:
    serve(handler, BODY[::-1])


def stall(handler: Handler) -> None:
    """Half of the body, then silence until the test ends."""
    handler.start(200, len(BODY))
    handler.wfile.write(BODY[:600])
    handler.wfile.flush()
    handler.server.release.wait(20)


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(download, "BACKOFF", 0.0)
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


def get(server: Server, folder: Path, **options) -> Path:
    return fetch(NAME, **{"url": server.url, "sha256": SHA256, "folder": folder} | options)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_once(server, tmp_path):
    folder = tmp_path / "new" / "folder"
    path = get(server, folder)
    assert path == folder / NAME
    assert path.read_bytes() == BODY
    assert names(folder) == [NAME]
    assert get(server, folder) == path
    assert server.ranges == [None]


def test_checksum_may_be_in_capitals_and_length_unknown(server, tmp_path):
    def without_length(handler: Handler) -> None:
        handler.start(200, None)
        handler.wfile.write(BODY)

    server.script = [without_length]
    assert get(server, tmp_path, sha256=SHA256.upper()).read_bytes() == BODY


@pytest.mark.parametrize("code", [404, 403, 410])
def test_a_missing_page_fails_at_once(server, tmp_path, code):
    server.script = [status(code)]
    with pytest.raises(DownloadError) as caught:
        get(server, tmp_path)
    text = str(caught.value)
    for part in (NAME, server.url, str(tmp_path), f"HTTP {code}", "by hand", "DGM_DATA"):
        assert part in text
    assert names(tmp_path) == []
    assert len(server.ranges) == 1


@pytest.mark.parametrize("code", [500, 503, 429, 408])
def test_a_server_in_trouble_is_asked_again(server, tmp_path, monkeypatch, code):
    server.script = [status(code), status(code), serve]
    assert get(server, tmp_path).read_bytes() == BODY
    server.script = [status(code)]
    server.ranges.clear()
    monkeypatch.setattr(download, "RETRIES", 3)
    with pytest.raises(DownloadError, match=f"the server answered HTTP {code}"):
        get(server, tmp_path / "other")
    assert len(server.ranges) == 4
    assert names(tmp_path / "other") == []


def test_a_truncated_body_is_resumed_at_its_byte(server, tmp_path):
    server.script = [truncate(600), truncate(100), serve]
    assert get(server, tmp_path).read_bytes() == BODY
    assert server.ranges == [None, "bytes=600-", "bytes=700-"]
    assert names(tmp_path) == [NAME]


def test_a_truncated_body_is_an_error_and_the_next_call_resumes(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "RETRIES", 0)
    server.script = [truncate(600)]
    with pytest.raises(DownloadError, match=r"ended after 600 of 1287 bytes; call again to resume"):
        get(server, tmp_path)
    assert names(tmp_path) == [PARTIAL]
    server.script = [serve]
    assert get(server, tmp_path).read_bytes() == BODY
    assert server.ranges == [None, "bytes=600-"]
    assert names(tmp_path) == [NAME]


@pytest.fixture
def _interrupts():
    """Ctrl-C raises KeyboardInterrupt also where the tests run in a shell's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interrupts")
def test_an_interrupt_leaves_what_the_next_call_resumes(server, tmp_path):
    server.script = [stall, serve]
    main = threading.main_thread().ident

    def interrupt() -> None:
        partial = tmp_path / PARTIAL
        for _ in range(1000):
            if partial.exists() and partial.stat().st_size == 600:
                break
            threading.Event().wait(0.01)
        signal.pthread_kill(main, signal.SIGINT)

    helper = threading.Thread(target=interrupt)
    helper.start()
    with pytest.raises(KeyboardInterrupt):
        get(server, tmp_path)
    helper.join()
    assert names(tmp_path) == [PARTIAL]
    assert get(server, tmp_path).read_bytes() == BODY
    assert server.ranges == [None, "bytes=600-"]
    assert names(tmp_path) == [NAME]


def test_a_server_that_ignores_ranges_starts_again(server, tmp_path):
    server.script = [truncate(600), ignore_range]
    assert get(server, tmp_path).read_bytes() == BODY
    assert server.ranges == [None, "bytes=600-"]


def test_a_stale_beginning_is_dropped(server, tmp_path):
    (tmp_path / PARTIAL).write_bytes(b"from an older version of the file")
    assert get(server, tmp_path).read_bytes() == BODY
    assert server.ranges == ["bytes=33-", None]


def test_a_beginning_longer_than_the_file_is_dropped(server, tmp_path):
    (tmp_path / PARTIAL).write_bytes(BODY + b"more")
    assert get(server, tmp_path).read_bytes() == BODY
    assert server.ranges == ["bytes=1291-", None]


def test_an_answer_at_another_byte_is_refused(server, tmp_path):
    def elsewhere(handler: Handler) -> None:
        handler.start(206, 10, Content_Range=f"bytes 5-14/{len(BODY)}")
        handler.wfile.write(BODY[5:15])

    (tmp_path / PARTIAL).write_bytes(BODY[:600])
    server.script = [elsewhere]
    with pytest.raises(DownloadError, match="answered with another part than asked"):
        get(server, tmp_path)
    assert (tmp_path / PARTIAL).read_bytes() == BODY[:600]


def test_a_part_that_nobody_asked_for_is_refused(server, tmp_path):
    """It must not count as resumed: a wrong file would then be fetched again without end."""

    def unasked(handler: Handler) -> None:
        handler.start(206, len(BODY), Content_Range=f"bytes 0-{len(BODY) - 1}/{len(BODY)}")
        handler.wfile.write(BODY[::-1])

    server.script = [unasked]
    with pytest.raises(DownloadError, match="answered with another part than asked"):
        get(server, tmp_path)
    assert len(server.ranges) == 1


def test_a_wrong_checksum_leaves_nothing(server, tmp_path):
    server.script = [other_bytes]
    got = hashlib.sha256(BODY[::-1]).hexdigest()
    expected = rf"sent another file than expected \(its sha256 is {got}, not {SHA256}\)"
    with pytest.raises(DownloadError, match=expected):
        get(server, tmp_path)
    assert names(tmp_path) == []
    assert len(server.ranges) == 1


def test_resumed_bytes_of_another_file_leave_nothing(server, tmp_path):
    server.script = [truncate(600), other_bytes]
    with pytest.raises(DownloadError, match="the server sent another file than expected"):
        get(server, tmp_path)
    assert server.ranges == [None, "bytes=600-", None]
    assert names(tmp_path) == []


def test_content_check_decides(server, tmp_path):
    def ends_well(path: Path) -> None:
        if not path.read_bytes().endswith(b"the end"):
            raise ValueError("no end")

    assert get(server, tmp_path, sha256=None, content_check=ends_well).read_bytes() == BODY
    server.script = [other_bytes]
    folder = tmp_path / "other"
    with pytest.raises(DownloadError, match=r"another file than expected \(ValueError: no end\)"):
        get(server, folder, sha256=None, content_check=ends_well)
    assert names(folder) == []
    server.script = [serve]
    with pytest.raises(DownloadError, match="its sha256 is"):  # both must hold
        get(server, folder, sha256="0" * 64, content_check=ends_well)


def test_a_good_file_is_never_touched(server, tmp_path):
    (tmp_path / NAME).write_bytes(BODY)
    os.utime(tmp_path / NAME, (1, 1))
    server.script = [other_bytes]
    assert get(server, tmp_path).read_bytes() == BODY
    assert (tmp_path / NAME).stat().st_mtime == 1
    assert server.ranges == []


def test_a_wrong_file_is_reported_and_kept(server, tmp_path):
    (tmp_path / NAME).write_bytes(b"someone's own data")
    with pytest.raises(DownloadError, match=r"the file there is not the expected one \(its sha256"):
        get(server, tmp_path)
    assert (tmp_path / NAME).read_bytes() == b"someone's own data"
    (tmp_path / "folder" / NAME).mkdir(parents=True)
    with pytest.raises(DownloadError, match=r"not the expected one \(IsADirectoryError"):
        get(server, tmp_path / "folder")
    assert server.ranges == []


def test_without_download_nothing_is_asked(server, tmp_path):
    with pytest.raises(DownloadError, match="it is not there, and download=False"):
        get(server, tmp_path / "absent", download=False)
    assert server.ranges == []
    assert not (tmp_path / "absent").exists()


def test_a_silent_server_times_out(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    monkeypatch.setattr(download, "RETRIES", 0)
    server.script = [stall]
    with pytest.raises(DownloadError, match=r"the server was silent for 0\.2 s"):
        get(server, tmp_path)
    assert (tmp_path / PARTIAL).read_bytes() == BODY[:600]  # kept for the next call
    server.script = [lambda handler: handler.server.release.wait(20)]
    with pytest.raises(DownloadError, match=r"the server was silent for 0\.2 s"):
        get(server, tmp_path)


def test_no_server(server, tmp_path):
    with pytest.raises(DownloadError, match=r"the connection failed .*Connection refused"):
        get(server, tmp_path, url="http://127.0.0.1:9/data.bin")
    assert names(tmp_path) == []


def test_a_server_that_hangs_up(server, tmp_path):
    server.script = [lambda handler: None]
    with pytest.raises(DownloadError, match="the connection failed"):
        get(server, tmp_path)
    assert len(server.ranges) == 3
    server.script = [lambda handler: None, serve]
    assert get(server, tmp_path).read_bytes() == BODY


def test_the_proxy_of_the_environment_is_asked(server, tmp_path, monkeypatch):
    get(server, tmp_path / "direct")
    monkeypatch.setenv("http_proxy", server.url.partition("/files")[0])
    monkeypatch.setenv("no_proxy", "")
    url = "http://data.invalid/data.bin"
    assert get(server, tmp_path, url=url).read_bytes() == BODY
    assert server.targets == [f"/files/{NAME}", url]


def test_folders_that_cannot_be_made_or_written(server, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    expected = r"the folder cannot be read or written \(.*Not a directory.*DGM_DATA"
    with pytest.raises(DownloadError, match=expected):
        get(server, tmp_path / "file" / "folder")
    with pytest.raises(DownloadError, match=r"the folder cannot be read or written \(.*exists"):
        get(server, tmp_path / "file")

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(
        DownloadError, match=r"cannot be read or written \(.*No space left on device"
    ):
        get(server, tmp_path)
    assert NAME not in names(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX")
def test_a_read_only_folder(server):
    folder = Path(tempfile.mkdtemp())  # not tmp_path, whose parents only root may enter
    root = os.geteuid() == 0
    folder.chmod(0o555)
    if root:
        os.seteuid(65534)  # permissions do not bind root
    try:
        expected = (
            r"data\.bin .* the folder cannot be read or written \(.*Permission denied.*by hand"
        )
        with pytest.raises(DownloadError, match=expected):
            get(server, folder)
        assert names(folder) == []
        if root:
            os.seteuid(0)
        folder.chmod(0o755)
        (folder / NAME).write_bytes(BODY)
        folder.chmod(0o555)
        if root:
            os.seteuid(65534)
        assert get(server, folder).read_bytes() == BODY  # what is there can be read
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_two_at_once_ask_once(server, tmp_path):
    pause = threading.Event()

    def slowly(handler: Handler) -> None:
        pause.wait(0.3)
        serve(handler)

    server.script = [slowly]
    done: list[Path] = []
    threads = [
        threading.Thread(target=lambda: done.append(get(server, tmp_path))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_bytes() for path in done] == [BODY] * 3
    assert len(server.ranges) == 1
    assert names(tmp_path) == [NAME]


def test_the_folder_comes_from_dgm_data_or_the_home(server, tmp_path, monkeypatch):
    monkeypatch.setenv("DGM_DATA", str(tmp_path / "data"))
    assert get(server, None) == tmp_path / "data" / NAME
    monkeypatch.delenv("DGM_DATA")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert get(server, None) == tmp_path / "home/.cache/deep-generative-models" / NAME
    assert get(server, "~/mine") == tmp_path / "home/mine" / NAME


def test_a_relative_dgm_data_is_refused(tmp_path, monkeypatch):
    """Each notebook runs in its own folder, and would look for its data there."""
    monkeypatch.setenv("DGM_DATA", "data")
    monkeypatch.chdir(tmp_path)
    expected = f"DGM_DATA must be an absolute path, got 'data': .* write {tmp_path / 'data'}"
    with pytest.raises(ValueError, match=expected):
        fetch(NAME, url="http://x/y", sha256=SHA256)


@pytest.mark.skipif(os.name == "nt", reason="homes are POSIX")
def test_without_a_home_the_remedy_is_named(monkeypatch):
    import pwd

    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.delenv("HOME")
    monkeypatch.delenv("DGM_DATA", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(
        DownloadError, match=r"no home folder to keep files in: set the environment variable DGM_"
    ):
        fetch(NAME, url="http://x/y", sha256=SHA256)


def test_a_home_that_cannot_be_read(tmp_path, monkeypatch):
    def forbidden(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", forbidden)
    with pytest.raises(DownloadError, match=r"cannot be read or written .*Permission.* by hand"):
        fetch(NAME, url="http://x/y", sha256=SHA256, folder=tmp_path)


def test_a_file_without_a_check_is_refused(tmp_path):
    with pytest.raises(ValueError, match="sha256 must be given, or content_check, got neither"):
        fetch(NAME, url="http://x/y", folder=tmp_path)
