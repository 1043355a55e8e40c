r"""Fetch a file once, check it, keep it: a cache that never holds a wrong or a half file.

The bytes arrive in a hidden partial file beside the final one, are checked there, and take the
final name in one step. An interrupted transfer leaves the partial file, and the next call resumes
it. Proxies are taken from the environment (``https_proxy``, ``no_proxy``) at each call.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from helpers.checks import argument_error, check_at_least, check_positive

if sys.platform != "win32":
    import fcntl

CHUNK = 1 << 18  # bytes
BACKOFF = 1.0  # seconds before the second attempt; doubles each time


class DownloadError(OSError):
    """A file is missing and could not be fetched, or is not the expected one."""


class _Wrong(Exception):
    """Why an attempt failed for good."""


class _Retry(Exception):
    """Why an attempt failed, where another one may succeed."""


def fetch(
    filename: str,
    *,
    url: str,
    sha256: str | None = None,
    content_check: Callable[[Path], None] | None = None,
    folder: str | Path | None = None,
    timeout: float = 30.0,
    retries: int = 2,
    download: bool = True,
) -> Path:
    r"""The path of a checked file, downloaded only if it is not there yet.

    Args:
        filename: the file's plain name inside the folder.
        url: where it comes from, http or https.
        sha256: checksum of the whole file, 64 hexadecimal digits.
        content_check: called with a path, raises if the content is wrong; for archives that are
            made on demand, whose own bytes vary. Give this, `sha256`, or both.
        folder: where files are kept; by default the environment variable ``DGM_DATA``, else
            ``~/.cache/deep-generative-models``. A file that is there is only read, so that the
            folder may be read-only.
        timeout: longest silence of the server, in seconds.
        retries: further attempts after a lost connection, a timeout or a server's error (5xx).
        download: False forbids the network.

    Returns:
        The path of a file that has passed its checks.

    Raises:
        ValueError: a bad argument.
        DownloadError: says which file, from where, why, and how to supply it by hand.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    >>> _ = (Path(folder) / "empty.txt").write_bytes(b"")
    >>> fetch("empty.txt", url="https://example.org/empty", sha256=empty, folder=folder).name
    'empty.txt'
    """
    if filename in ("", ".", "..") or Path(filename).name != filename:
        raise argument_error("filename", "be a plain file name", repr(filename))
    if not url.startswith(("http://", "https://")):
        raise argument_error("url", "start with http:// or https://", repr(url))
    if sha256 is not None and not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise argument_error("sha256", "be 64 hexadecimal digits", repr(sha256))
    if sha256 is None and content_check is None:
        raise argument_error("sha256", "be given, or content_check", "neither")
    check_positive("timeout", timeout)
    check_at_least("retries", retries, 0)

    target = _folder(folder) / filename

    def checked() -> bool:
        if not target.exists():
            return False
        reason = _mismatch(target, sha256, content_check)
        if reason:
            raise _error(target, url, f"the file there is not the expected one ({reason})")
        return True

    if checked():
        return target
    if not download:
        raise _error(target, url, "it is not there, and download=False")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.parent):
            if not checked():  # another process may have fetched it meanwhile
                _download(target, url, sha256, content_check, timeout, retries)
    except (_Wrong, _Retry) as error:
        raise _error(target, url, str(error)) from error.__cause__
    except DownloadError:
        raise
    except OSError as error:  # the network's own errors never come this far
        raise _error(target, url, f"the folder cannot be written ({error})") from error
    return target


def _folder(folder: str | Path | None) -> Path:
    if folder is None:
        folder = os.environ.get("DGM_DATA") or "~/.cache/deep-generative-models"
    return Path(folder).expanduser()


def _error(target: Path, url: str, reason: str) -> DownloadError:
    return DownloadError(
        f"{target.name} could not be had from {url} for {target.parent}: {reason}. To supply it "
        f"by hand, put {target.name} into a folder and set the environment variable DGM_DATA to "
        "that folder"
    )


def _mismatch(
    path: Path, sha256: str | None, content_check: Callable[[Path], None] | None
) -> str | None:
    """Why the file is not the expected one; None if it is."""
    try:
        if sha256 is not None:
            with path.open("rb") as file:
                got = hashlib.file_digest(file, "sha256").hexdigest()
            if got != sha256.lower():
                return f"its sha256 is {got}, not {sha256.lower()}"
        if content_check is not None:
            content_check(path)
    except Exception as error:  # wrong bytes make a reader raise anything at all
        return f"{type(error).__name__}: {error}"
    return None


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


def _download(
    target: Path,
    url: str,
    sha256: str | None,
    content_check: Callable[[Path], None] | None,
    timeout: float,
    retries: int,
) -> None:
    partial = target.with_name(f".{target.name}.part")
    attempt = 0
    while True:
        try:
            resumed = _transfer(url, partial, timeout)
        except _Retry:
            if attempt == retries:
                raise
            time.sleep(BACKOFF * 2**attempt)
            attempt += 1
            continue
        reason = _mismatch(partial, sha256, content_check)
        if reason is None:
            partial.replace(target)
            return
        partial.unlink()
        if not resumed:
            raise _Wrong(f"the server sent another file than expected ({reason})")
        # The rest was joined to a stale beginning: once more, from the first byte.


def _transfer(url: str, partial: Path, timeout: float) -> bool:
    """Complete `partial` from the server; True if it continued an earlier beginning."""
    have = partial.stat().st_size if partial.exists() else 0
    headers = {"User-Agent": "deep-generative-models-book"}
    if have:
        headers["Range"] = f"bytes={have}-"
    # A new opener reads the proxies of the environment; urlopen would keep those of its first call.
    opener = urllib.request.build_opener()
    try:
        response = opener.open(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:  # the beginning is longer than the file: start again
            partial.unlink()
            return _transfer(url, partial, timeout)
        kind = _Retry if error.code >= 500 or error.code in (408, 429) else _Wrong
        raise kind(f"the server answered HTTP {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _Retry(_network_reason(error, timeout)) from error
    with response:
        resumed = have > 0 and response.status == 206 and _range_start(response) == have
        if response.status == 206 and not resumed:
            raise _Wrong("the server answered with another part than asked")
        start = have if resumed else 0
        announced = response.headers.get("Content-Length")
        with partial.open("ab" if resumed else "wb") as file:
            while True:
                try:
                    block = response.read1(CHUNK)  # what has arrived, not all of CHUNK
                except (OSError, http.client.HTTPException) as error:
                    raise _Retry(_network_reason(error, timeout)) from error
                if not block:
                    break
                file.write(block)
                file.flush()  # not even a killed process loses what it has received
            size = file.tell()
    if announced is not None and size != start + int(announced):
        raise _Retry(
            f"the transfer ended after {size} of {start + int(announced)} bytes; "
            "call again to resume it"
        )
    return resumed


def _range_start(response: http.client.HTTPResponse) -> int | None:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _network_reason(error: Exception, timeout: float) -> str:
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(inner, TimeoutError):
        return f"the server was silent for {timeout:g} s; call again to resume"
    return f"the connection failed ({inner or type(inner).__name__}); call again to resume"
