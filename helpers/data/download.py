"""Fetch a file once, check it, keep it: a cache that never holds a wrong or a half file.

The bytes arrive in a hidden partial file beside the final one, are checked there, and take the
final name in one step. An interrupted transfer leaves the partial file, and the next call resumes
it; that is why this is not a library's downloader, which would start again on a slow or broken
line. Proxies are taken from the environment (`https_proxy`, `no_proxy`) at each call.
"""

from __future__ import annotations

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

CHUNK = 1 << 18  # bytes
TIMEOUT = 30.0  # seconds of silence after which a server is given up
RETRIES = 2  # further attempts after a lost connection, a timeout or a server's error (5xx)
BACKOFF = 1.0  # seconds before the second attempt; doubles each time
NETWORK_ERRORS = (OSError, http.client.HTTPException)


class DownloadError(OSError):
    """A file is missing and could not be fetched, or is not the expected one."""


class _Failed(Exception):
    """Why an attempt failed, and whether another one may succeed."""

    def __init__(self, reason: str, *, again: bool = False) -> None:
        super().__init__(reason)
        self.again = again


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
        reason = mismatch(target) if target.exists() else None
        if reason:
            raise _Failed(f"the file there is not the expected one ({reason})")
        return target.exists()

    try:
        if not there():
            if not download:
                raise _Failed("it is not there, and download=False")
            target.parent.mkdir(parents=True, exist_ok=True)
            with _locked(target.parent):
                if not there():  # another process may have fetched it meanwhile
                    _download(url, target, mismatch)
    except _Failed as error:
        raise _error(target, url, str(error)) from error.__cause__
    except OSError as error:  # the network's own errors never come this far
        raise _error(target, url, f"the folder cannot be read or written ({error})") from error
    return target


def _folder(folder: str | Path | None) -> Path:
    if folder is None and (given := os.environ.get("DGM_DATA")):
        folder = Path(given).expanduser()
        if not folder.is_absolute():
            hint = f"each notebook runs in its own folder; write {folder.absolute()}"
            raise argument_error("DGM_DATA", "be an absolute path", repr(given), hint)
    try:
        return Path(folder or "~/.cache/deep-generative-models").expanduser().absolute()
    except RuntimeError as error:
        reason = "there is no home folder to keep files in"
        remedy = "set the environment variable DGM_DATA to a folder of your own"
        raise DownloadError(f"{reason} ({error}): {remedy}") from error


def _error(target: Path, url: str, reason: str) -> DownloadError:
    return DownloadError(
        f"{target.name} could not be had from {url} for {target.parent}: {reason}. To supply it "
        f"by hand, put {target.name} into a folder and set the environment variable DGM_DATA to "
        "that folder"
    )


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
        except _Failed as error:
            if not error.again or attempt >= RETRIES:
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
    request = urllib.request.Request(url, headers={"User-Agent": "deep-generative-models-book"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    # A new opener reads the proxies of the environment; urlopen would keep those of its first call.
    try:
        response = urllib.request.build_opener().open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:  # the beginning is longer than the file: start again
            partial.unlink()
        again = error.code >= 500 or error.code in (408, 416, 429)
        raise _Failed(
            f"the server answered HTTP {error.code} {error.reason}", again=again
        ) from error
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
    expected = int(response.headers.get("Content-Length", size)) + (have if resumed else 0)
    if "Content-Length" in response.headers and size != expected:
        reason = f"the transfer ended after {size} of {expected} bytes; call again to resume it"
        raise _Failed(reason, again=True)
    return resumed


def _lost(error: Exception) -> _Failed:
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    reason = f"the connection failed ({inner or type(inner).__name__})"
    if isinstance(inner, TimeoutError):
        reason = f"the server was silent for {TIMEOUT:g} s"
    return _Failed(f"{reason}; call again to resume", again=True)
