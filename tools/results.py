"""The results of the runs under ``_build``: executed copies, records, and the pages' cache.

jupyter-cache recognises a notebook by its code alone. It does not see a change of `helpers`, of the
locked versions or of the data, so each record carries a fingerprint of those that the notebook
uses, and a record with another fingerprint is dropped together with the cached outputs.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from filelock import FileLock
from jupyter_cache import get_cache

from tools.dependencies import dependencies
from tools.notebooks import PROFILES, Notebook, code_cells, overrides

#: What the outputs of all notebooks depend on, besides their code and the helpers they import.
INGREDIENTS = ("requirements.lock", "tools/kernel.py")


def _digest(parts: list[bytes]) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()[:16]


def files_digest(root: Path, names: Iterable[str | Path]) -> str:
    """One number for the names and contents of these files and of all files in these folders."""
    files: list[Path] = []
    for name in names:
        path = root / name
        files += [f for f in path.rglob("*") if f.is_file()] if path.is_dir() else [path]
    kept = sorted(f for f in files if f.is_file() and "__pycache__" not in f.parts)
    return _digest(
        [part for f in kept for part in (str(f.relative_to(root)).encode(), f.read_bytes())]
    )


def fingerprint(root: Path, notebook: Notebook) -> str:
    """Changes when a helper that the notebook uses, data, locked versions or Python change."""
    used = dependencies(root, (cell.source for cell in code_cells(notebook)))
    digest = files_digest(root, [*INGREDIENTS, *used])
    return _digest([digest.encode(), platform.python_version().encode()])


def code_digest(notebook: Notebook, profile: str) -> str:
    """Changes when the code of the notebook or the parameters of the profile change."""
    values = json.dumps(overrides(notebook, profile), sort_keys=True)
    parts = [f"{c.get('id')}\n{c.source}" for c in code_cells(notebook)]
    return _digest([part.encode() for part in [values, *parts]])


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
    device: str = "cpu"
    error: str | None = None
    sizes: dict[str, int] = field(default_factory=dict)


class Store:
    """The folder of one profile's results."""

    def __init__(self, root: Path, profile: str = "default") -> None:
        if profile not in PROFILES:
            raise ValueError(f"profile must be one of {PROFILES}, got {profile!r}")
        self.root, self.profile = root, profile
        self.folder = root / "_build" / "runs" / profile
        self.cache_folder = root / "_build" / ".jupyter_cache"

    def _path(self, chapter: str, suffix: str) -> Path:
        return self.folder / f"{chapter}{suffix}"

    def executed(self, chapter: str) -> Notebook | None:
        """The executed copy of a chapter, if there is one."""
        path = self._path(chapter, ".ipynb")
        return nbformat.read(path, as_version=4) if path.is_file() else None

    def record(self, chapter: str) -> Record | None:
        """The record of the last run of a chapter, if there is a readable one."""
        try:
            values: dict[str, Any] = json.loads(self._path(chapter, ".json").read_text())
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
            and self._path(chapter, ".ipynb").is_file()
            and (self.profile != "default" or self.is_cached(notebook))
        )

    def drop(self, chapter: str) -> None:
        """Forget the last run of a chapter, so that no page can show it."""
        old = self.executed(chapter)
        for suffix in (".json", ".ipynb"):
            self._path(chapter, suffix).unlink(missing_ok=True)
        if old is not None and self.profile == "default":
            with self._lock():
                cache = get_cache(self.cache_folder)
                try:
                    cache.remove_cache(cache.match_cache_notebook(old).pk)
                except KeyError:
                    return  # was not cached

    def keep(self, record: Record, executed: Notebook) -> None:
        """Store a run; the default profile's good runs also become what the pages show."""
        path = self._path(record.chapter, ".ipynb")
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(executed, path)
        text = json.dumps(asdict(record), indent=1, sort_keys=True) + "\n"
        self._path(record.chapter, ".json").write_text(text)
        if self.profile == "default" and record.error is None:
            with self._lock():
                get_cache(self.cache_folder).cache_notebook_file(
                    path, uri=str(self.root / f"{record.chapter}.ipynb"), overwrite=True
                )

    def is_cached(self, notebook: Notebook) -> bool:
        """Whether the page of this notebook can be made without executing it."""
        with self._lock():
            try:
                get_cache(self.cache_folder).match_cache_notebook(notebook)
            except KeyError:
                return False
        return True

    def _lock(self) -> FileLock:
        self.cache_folder.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(str(self.cache_folder) + ".lock")
