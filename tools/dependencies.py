"""Which files of `helpers` a notebook's outputs depend on: its imports, and theirs in turn.

Read from the syntax trees, nothing is imported. Files that are not Python (data) always count.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = "helpers"


def imported_names(source: str) -> set[str]:
    """The dotted names that a text imports; of ``from a import b`` both ``a`` and ``a.b``.

    Example:
        >>> sorted(imported_names("from helpers.data import images"))
        ['helpers.data', 'helpers.data.images']
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _files_of(root: Path, name: str) -> list[Path]:
    """The files that importing this name executes: the module and the packages above it."""
    parts = name.split(".")
    found = []
    for end in range(1, len(parts) + 1):
        base = root.joinpath(*parts[:end])
        found += [
            path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()
        ]
    return found


@cache
def _imports_of(path: Path, changed: int) -> frozenset[str]:
    return frozenset(imported_names(path.read_text(encoding="utf-8")))


def dependencies(root: Path, sources: Iterable[str]) -> list[Path]:
    """All files of `helpers` that the code of these cells reaches, in a fixed order.

    Code that cannot be parsed depends on everything.
    """
    everything = [
        path
        for path in (root / PACKAGE).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    reached = {path for path in everything if path.suffix != ".py"}
    try:
        text = "\n".join(re.sub(r"^(\s*)[%!].*$", r"\1pass", s, flags=re.M) for s in sources)
        waiting = imported_names(text)
    except SyntaxError:
        return sorted(everything)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name.split(".")[0] != PACKAGE:
            continue
        seen.add(name)
        for path in _files_of(root, name):
            if path not in reached:
                reached.add(path)
                waiting |= _imports_of(path, path.stat().st_mtime_ns)
    return sorted(reached)
