"""Which files of `helpers` a notebook's outputs depend on, and what of those files matters.

A name that is imported from a package's door, ``from helpers.plotting import curves``, leads to the
file that defines it and not to its neighbours. grimp, which reads the layers for `make check`, ends
at modules: through the doors every chapter would depend on all of `helpers`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = "helpers"


class _Uses(ast.NodeVisitor):
    """The dotted names of `helpers` that a program uses, as far as their dots are written."""

    def __init__(self, tree: ast.Module) -> None:
        self.aliases: dict[str, str] = {}
        self.found: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    first = alias.name.split(".")[0]
                    self._bind(alias.asname or first, alias.name if alias.asname else first)
                    self._bind("", alias.name)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    self._bind(alias.asname or alias.name, f"{node.module}.{alias.name}")
        self.imported = set(self.aliases.values())
        self.visit(tree)

    def _bind(self, name: str, target: str) -> None:
        if target.split(".")[0] == PACKAGE:
            self.aliases[name or target] = target

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Record a chain like ``plotting.curves`` once, at its full length."""
        parts, inner = [node.attr], node.value
        while isinstance(inner, ast.Attribute):
            parts, inner = [inner.attr, *parts], inner.value
        if isinstance(inner, ast.Name) and inner.id in self.aliases:
            self.found.add(".".join([self.aliases[inner.id], *parts]))
        else:
            self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """Record a name that is used without a dot after it."""
        if node.id in self.aliases:
            self.found.add(self.aliases[node.id])


def _door(package: Path) -> dict[str, str]:
    """Where the names come from that a package re-exports."""
    tree = _tree(package / "__init__.py", _changed(package / "__init__.py"))
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _files(root: Path, name: str) -> tuple[Path | None, set[str]]:
    """The file that defines a dotted name, and other names that must be followed for it."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        base = root.joinpath(*parts[:end])
        if base.with_suffix(".py").is_file():
            return base.with_suffix(".py"), set()
        if (base / "__init__.py").is_file():
            door = _door(base)
            if end == len(parts):  # the package itself: everything that it offers
                return base / "__init__.py", set(door.values())
            if parts[end] in door:
                return None, {door[parts[end]]}
            return base / "__init__.py", set()
    return None, set()


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns


@cache
def _tree(path: Path, changed: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def contents(path: Path) -> bytes:
    """What of a file can change a result: of Python its program without comments and docstrings."""
    if path.suffix != ".py":
        return path.read_bytes()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:]
    return ast.dump(tree).encode()


def program(sources: Iterable[str]) -> ast.Module:
    """The code of these cells as one program; lines that only IPython understands do nothing."""
    return ast.parse("\n".join(re.sub(r"^(\s*)[%!].*$", r"\1pass", s, flags=re.M) for s in sources))


def dependencies(root: Path, sources: Iterable[str]) -> list[Path]:
    """The files of `helpers` that the code of these cells reaches, and the data beside them.

    Code that cannot be parsed depends on everything.
    """
    everything = (p for p in (root / PACKAGE).rglob("*") if p.is_file() and p.suffix != ".pyc")
    try:
        waiting = _used(root, program(sources))
    except SyntaxError:
        return sorted(everything)
    reached: set[Path] = set()
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        path, more = _files(root, name)
        if path is not None and path not in reached:
            reached.add(path)
            if path.name != "__init__.py":
                more = _used(root, _tree(path, _changed(path)))
        waiting |= more - seen
    folders = {path.parent for path in reached}
    return sorted(reached | {p for p in everything if p.suffix != ".py" and p.parent in folders})


def _used(root: Path, tree: ast.Module) -> set[str]:
    """What a program uses, and what it imports from plain modules whether used or not."""
    uses = _Uses(tree)
    packages = {n for n in uses.imported if root.joinpath(*n.split(".")).is_dir()}
    return uses.found | (uses.imported - packages)
