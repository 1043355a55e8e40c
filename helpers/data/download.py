"""Fetch a file once, check it, keep it: a cache that never holds a wrong or a half file.

The bytes arrive in a hidden partial file beside the final one, are checked there, and take the
final name in one step. An interrupted transfer leaves the partial file, and the next call resumes
it. A library such as pooch would start again on a broken line, and would have to be installed: the
set-up cell of a chapter adds this package alone to what a reader has. Proxies are taken from the
environment (`https_proxy`, `no_proxy`) at each call.
"""

import contextlib
import hashlib
import http.client
import itertools
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from helpers.checks import argument_error

if sys.platform != "win32":
    import fcntl

Check = Callable[[Path], None]

AGENT = "deep-generative-models-book"
CHUNK = 1 << 18  # bytes
TIMEOUT = 30.0  # seconds of silence after which a server is given up
RETRIES = 2  # further attempts after a lost connection, a timeout or a server's error (5xx)
BACKOFF = 1.0  # seconds before the second attempt; doubles each time
NETWORK_ERRORS = (OSError, http.client.HTTPException)


class DownloadError(OSError):
    """A file is missing and could not be fetched, or is not the expected one."""


class _Failed(Exception):
    """Why an attempt failed."""


class _Lost(_Failed):
    """Why an attempt failed, where another one may succeed."""


def fetch(
    filename: str,
    *,
    url: str,
    sha256: str | None = None,
    content_check: Check | None = None,
    folder: str | Path | None = None,
    download: bool = True,
) -> Path:
    """The path of a checked file, downloaded only if it is not there yet.

    Args:
        filename: the file's plain name inside the folder.
        url: where it comes from, http or https.
        sha256: checksum of the whole file, 64 hexadecimal digits.
        content_check: called with a path, raises if the content is wrong; for archives that are
            made on demand, whose own bytes vary. Give this, `sha256`, or both.
        folder: where files are kept; by default the environment variable `DGM_DATA`, else
            `~/.cache/deep-generative-models`. A file that is there is only read.
        download: False forbids the network.

    Returns:
        The path of a file that has passed its checks.

    Raises:
        DownloadError: says which file, from where, why, and how to supply it by hand.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    >>> _ = (Path(folder) / "empty.txt").write_bytes(b"")
    >>> fetch("empty.txt", url="https://example.org/empty", sha256=empty, folder=folder).name
    'empty.txt'
    """
    if sha256 is None and content_check is None:
        raise argument_error("sha256", "be given, or content_check", "neither")
    target = _folder(folder) / filename

    def mismatch(path: Path) -> str | None:
        """Why the file is not the expected one; None if it is."""
        try:
            if sha256 is not None:
                got = hashlib.sha256(path.read_bytes()).hexdigest()
                if got != sha256.lower():
                    return f"its sha256 is {got}, not {sha256.lower()}"
            if content_check is not None:
                content_check(path)
        except Exception as error:  # wrong bytes make a reader raise anything at all
            return f"{type(error).__name__}: {error}"
        return None

    def there() -> bool:
        if not target.exists():
            return False
        if reason := mismatch(target):
            raise _Failed(f"the file there is not the expected one ({reason})")
        return True

    try:
        if there():
            return target
        if not download:
            raise _Failed("it is not there, and download=False")
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.parent):
            if not there():  # another process may have fetched it meanwhile
                _download(url, target, mismatch)
        return target
    except (_Failed, OSError) as error:  # the network's own errors are among the first kind
        known = isinstance(error, _Failed)
        reason = error if known else f"the folder cannot be read or written ({error})"
        raise DownloadError(
            f"{filename} could not be had from {url} for {target.parent}: {reason}. To supply it "
            f"by hand, put {filename} into a folder and set the environment variable DGM_DATA to "
            "that folder"
        ) from error


def _folder(folder: str | Path | None) -> Path:
    chosen = Path(folder or os.environ.get("DGM_DATA") or "~/.cache/deep-generative-models")
    try:
        chosen = chosen.expanduser()
    except RuntimeError as error:
        remedy = "set the environment variable DGM_DATA to a folder of your own"
        raise DownloadError(f"there is no home folder to keep files in: {remedy}") from error
    if folder is None and not chosen.is_absolute():
        hint = f"each notebook runs in its own folder; write {chosen.absolute()}"
        raise argument_error("DGM_DATA", "be an absolute path", repr(str(chosen)), hint)
    return chosen.absolute()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One download at a time in a folder; the lock is on the folder itself and leaves no file."""
    if sys.platform == "win32":  # no such lock there: two processes at once both download
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems know no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _download(url: str, target: Path, mismatch: Callable[[Path], str | None]) -> None:
    partial = target.with_name(f".{target.name}.part")
    for attempt in itertools.count():
        try:
            resumed = _transfer(url, partial)
        except _Lost:
            if attempt >= RETRIES:
                raise
            time.sleep(BACKOFF * 2**attempt)
            continue
        reason = mismatch(partial)
        if reason is None:
            partial.replace(target)
            return
        partial.unlink()
        if not resumed:
            raise _Failed(f"the server sent another file than expected ({reason})")
        # The rest was joined to a stale beginning: once more, from the first byte.


def _transfer(url: str, partial: Path) -> bool:
    """Complete `partial` from the server; True if it continued an earlier beginning."""
    have = partial.stat().st_size if partial.exists() else 0
    asked = {"Range": f"bytes={have}-"} if have else {}
    request = urllib.request.Request(url, headers={"User-Agent": AGENT, **asked})
    # A new opener reads the proxies of the environment; urlopen would keep those of its first call.
    try:
        response = urllib.request.build_opener().open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:  # the beginning is longer than the file: start again
            partial.unlink()
        kind = _Lost if error.code >= 500 or error.code in (408, 416, 429) else _Failed
        raise kind(f"the server answered HTTP {error.code} {error.reason}") from error
    except NETWORK_ERRORS as error:
        raise _lost(error) from error
    with response:
        resumed: bool = response.status == 206
        part = response.headers.get("Content-Range", "")
        if resumed and not (have and part.startswith(f"bytes {have}-")):
            raise _Failed("the server answered with another part than asked")
        with partial.open("ab" if resumed else "wb") as file:
            while True:
                try:
                    block = response.read1(CHUNK)  # what has arrived, not all of CHUNK
                except NETWORK_ERRORS as error:
                    raise _lost(error) from error
                if not block:
                    break
                file.write(block)
                file.flush()  # not even a killed process loses what it has received
            size = file.tell()
    start, announced = have if resumed else 0, response.headers.get("Content-Length")
    if announced is not None and size != start + int(announced):
        ended = f"the transfer ended after {size} of {start + int(announced)} bytes"
        raise _Lost(f"{ended}; call again to resume it")
    return resumed


def _lost(error: Exception) -> _Lost:
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    reason = f"the connection failed ({inner or type(inner).__name__})"
    if isinstance(inner, TimeoutError):
        reason = f"the server was silent for {TIMEOUT:g} s"
    return _Lost(f"{reason}; call again to resume")
