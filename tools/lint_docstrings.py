"""Lints of the docstrings of `helpers`, from which the pages ``reference/api`` are made.

Formulas stand in dollars and are closed, ``Taught in`` names pages that exist, and a raw string is
raw for a reason (ruff's D301 demands the prefix where there is a backslash; this is the converse).

    python -m tools.lint_docstrings
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tools import command
from tools.api import markdown, taught_in
from tools.markdown import tokens
from tools.notebooks import toc_pages
from tools.problems import Problem


def docstrings(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, name and source of each docstring of a module, with its quotes and prefix."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            source = ast.get_source_segment(text, node.body[0]) or ""
            yield node.body[0].lineno, getattr(node, "name", "module"), source


def problems_in(source: str, pages: set[str]) -> list[str]:
    """What is wrong with one docstring, given as its source."""
    found = []
    if source[:1] in "rR" and "\\" not in source:
        found.append('is raw (r""") without a backslash')
    if ".. math::" in source:
        found.append("has a formula as `.. math::`: write $$ … $$")
    if re.search(r":\w+:`", source):
        found.append("has a role like :meth:`…`: write `…`")
    docstring = str(ast.literal_eval(source))
    if "Taught in" in docstring:
        named = taught_in(docstring)
        found += [
            f"is taught in {n!r}, which is no page" for n in named if f"book/{n}" not in pages
        ]
        if not named:
            found.append('must end with a line like "Taught in: models/vae, models/gan"')
    text = (token.content for token, _ in tokens(markdown(docstring)) if token.type == "text")
    if any("$" in part for part in text):
        found.append("has a formula that is not closed or begins within a line: $…$, $$ … $$")
    return found


def check(root: Path) -> list[Problem]:
    """All lints of the docstrings."""
    pages = set(toc_pages(root))
    return [
        Problem(path.relative_to(root).as_posix(), f"line {line} ({name})", message)
        for path in sorted((root / "helpers").rglob("*.py"))
        for line, name, source in docstrings(path.read_text(encoding="utf-8"))
        for message in problems_in(source, pages)
    ]


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    return command.run(
        "lint_docstrings", lambda root, pages: check(root), arguments, pages=toc_pages
    )


if __name__ == "__main__":
    sys.exit(main())
