"""The results of the runs under ``_build/runs``: executed copies and records, one store for all.

The pages are made from it (``book/_ext``), and a chapter is not run again while its result holds.
jupyter-cache would recognise a notebook by its code alone, and not see a change of `helpers`, of
the locked versions or of the data; so each record carries a fingerprint of what the notebook uses.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nbformat
from filelock import FileLock, Timeout

from tools.dependencies import contents, dependencies
from tools.notebooks import PROFILES, BookError, Notebook, code_cells, overrides

#: What the outputs of all notebooks depend on, besides their code and the helpers they import.
INGREDIENTS = ("requirements.lock", "tools/kernel.py", "tools/page_figures.py")


@contextmanager
def only_one(root: Path, what: str = "build") -> Iterator[None]:
    """Let one program at a time write below ``_build``.

    Raises:
        BookError: another one is at work.
    """
    (root / "_build").mkdir(exist_ok=True)
    lock = FileLock(root / "_build" / f".{what}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        message = f"another run is writing into {root / '_build'}: wait for its end, then try again"
        raise BookError(message) from error
    try:
        yield
    finally:
        lock.release()


def digest(parts: Iterable[bytes]) -> str:
    """A short name for this sequence of contents."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()[:16]


def files_digest(root: Path, names: Iterable[str]) -> str:
    """One number for the names and contents of these files and of all files in these folders."""
    files: list[Path] = []
    for name in names:
        path = root / name
        files += path.rglob("*") if path.is_dir() else [path]
    kept = sorted(f for f in files if f.is_file() and "__pycache__" not in f.parts)
    return digest(p for f in kept for p in (str(f.relative_to(root)).encode(), f.read_bytes()))


def named_contents(root: Path, files: Iterable[Path]) -> Iterator[bytes]:
    """The name of each file and what of it can change a result."""
    for file in files:
        yield str(file.relative_to(root)).encode()
        yield contents(file)


def uses_digest(root: Path, notebook: Notebook, more: Iterable[Path] = ()) -> str:
    """Changes when a helper that the notebook uses, its data, or one of these files change."""
    used = dependencies(root, (cell.source for cell in code_cells(notebook)))
    return digest(named_contents(root, [*more, *used]))


def fingerprint(root: Path, notebook: Notebook) -> str:
    """Changes when a helper that the notebook uses, data, locked versions or Python change."""
    files = [path for name in INGREDIENTS if (path := root / name).is_file()]
    parts = (uses_digest(root, notebook, files), platform.python_version())
    return digest(part.encode() for part in parts)


def code_digest(notebook: Notebook, profile: str) -> str:
    """Changes when the code of the notebook or the parameters of the profile change."""
    values = json.dumps(overrides(notebook, profile), sort_keys=True)
    parts = [f"{c.get('id')}\n{c.source}" for c in code_cells(notebook)]
    return digest(part.encode() for part in [values, *parts])


@dataclass
class Record:
    """One run of one chapter: the keys that ``status.json`` shows, and what the run holds for."""

    chapter: str
    fingerprint: str
    code: str
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    slowest_cell: str = ""
    error: str | None = None


class Store:
    """The folder of one profile's results."""

    def __init__(self, root: Path, profile: str = "default") -> None:
        if profile not in PROFILES:
            raise ValueError(f"profile must be one of {PROFILES}, got {profile!r}")
        self.root, self.profile = root, profile
        self.folder = root / "_build" / "runs" / profile

    def path(self, chapter: str, suffix: str = ".ipynb") -> Path:
        """Where the executed copy of a chapter or its record is kept."""
        return self.folder / f"{chapter}{suffix}"

    def executed(self, chapter: str) -> Notebook | None:
        """The executed copy of a chapter, if there is one."""
        path = self.path(chapter)
        return nbformat.read(path, as_version=4) if path.is_file() else None

    def record(self, chapter: str) -> Record | None:
        """The record of the last run of a chapter, if there is a readable one."""
        try:
            text = self.path(chapter, ".json").read_text(encoding="utf-8")
            values: dict[str, Any] = json.loads(text)
            return Record(**values)
        except (OSError, ValueError, TypeError):
            return None

    def holds(self, chapter: str, notebook: Notebook) -> bool:
        """Whether the last run went well and nothing that it depends on has changed since."""
        record = self.record(chapter)
        return (
            record is not None
            and record.error is None
            and record.fingerprint == fingerprint(self.root, notebook)
            and record.code == code_digest(notebook, self.profile)
            and self.path(chapter).is_file()
        )

    def drop(self, chapter: str) -> None:
        """Forget the last run of a chapter, so that no page can show it."""
        for suffix in (".json", ".ipynb"):
            self.path(chapter, suffix).unlink(missing_ok=True)

    def keep(self, record: Record, executed: Notebook) -> None:
        """Store a run."""
        path = self.path(record.chapter)
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(executed, path)
        text = json.dumps(asdict(record), indent=1, sort_keys=True) + "\n"
        self.path(record.chapter, ".json").write_text(text, encoding="utf-8")
