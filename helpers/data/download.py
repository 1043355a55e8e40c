"""Fetch a file once, check it, keep it: a cache that never holds a wrong or a half file."""

import hashlib
import os
import shutil
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

from helpers.checks import argument_error

TIMEOUT = 30.0  # seconds of silence after which a server is given up


class DownloadError(OSError):
    """A file is missing and could not be fetched, or is not the expected one."""


def file_digest(path: Path) -> str:
    """The sha256 of a whole file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(
    filename: str,
    *,
    url: str,
    sha256: str,
    digest: Callable[[Path], str] = file_digest,
    download: bool = True,
) -> Path:
    """The path of a checked file, downloaded only if it is not there yet.

    It is kept in the folder that the environment variable `DGM_DATA` names, else in
    `~/.cache/deep-generative-models`. A file that is there is only read.

    Args:
        filename: its plain name inside the folder.
        url: where it comes from.
        sha256: what `digest` must give, 64 hexadecimal digits.
        digest: of the content alone, for archives whose own bytes differ from copy to copy.
        download: False forbids the network.

    Raises:
        DownloadError: says which file, from where, why, and how to supply it by hand.
    """
    folder = Path(os.environ.get("DGM_DATA") or "~/.cache/deep-generative-models")
    try:
        folder = folder.expanduser()
        if not folder.is_absolute():
            hint = f"each notebook runs in its own folder; write {folder.absolute()}"
            raise argument_error("DGM_DATA", "be an absolute path", repr(str(folder)), hint)
        target = folder / filename
        if target.exists():
            _check(target, sha256, digest)
        elif not download:
            raise FileNotFoundError("it is not there, and download=False")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            # Two processes at once both download, and the last one's equal file stays.
            with tempfile.TemporaryDirectory(dir=folder) as own:
                arrived = Path(own) / filename
                with (
                    urllib.request.urlopen(url, timeout=TIMEOUT) as source,
                    arrived.open("wb") as f,
                ):
                    shutil.copyfileobj(source, f)
                _check(arrived, sha256, digest)
                arrived.replace(target)  # in one step
        return target
    except Exception as error:  # wrong bytes make a reader raise anything at all
        raise DownloadError(
            f"{filename} could not be had from {url} for {folder} ({type(error).__name__}: "
            f"{error}). To supply it by hand, put {filename} into a folder and set the environment "
            "variable DGM_DATA to that folder"
        ) from error


def _check(path: Path, sha256: str, digest: Callable[[Path], str]) -> None:
    if (got := digest(path)) != sha256:
        raise ValueError(f"the file is not the expected one, its sha256 is {got}, not {sha256}")
