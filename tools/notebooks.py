"""The pages of the book as data: the table of contents, the configuration, notebooks and cells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
import yaml

from tools.markdown import count_words, directive, tokens

ROOT = Path(__file__).resolve().parent.parent

CHECKED = "nbval-check-output"
FOLDED = frozenset({"hide-input", "hide-cell", "remove-input", "remove-cell", "claims"})
PROFILES = ("default", "quick", "gpu")

#: A notebook or a cell as nbformat reads it.
Notebook = Any
Cell = Any


class BookError(Exception):
    """The book's sources cannot be read or used; the message names the place."""


def read_config(root: Path) -> dict[str, Any]:
    """The contents of ``_config.yml``."""
    return dict(yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8")))


def source_archive(root: Path) -> str:
    """Where the set-up cell installs `helpers` from: stated once, in ``_config.yml``."""
    repository = read_config(root)["repository"]
    return f"{repository['url'].rstrip('/')}/archive/refs/heads/{repository['branch']}.zip"


def toc_pages(root: Path) -> list[str]:
    """All pages of ``_toc.yml`` in reading order, without file extension.

    Example:
        ``["book/intro", "book/background/what_is_a_generative_model", ...]``
    """

    def walk(node: Any) -> Iterator[str]:
        if isinstance(node, list):
            for item in node:
                yield from walk(item)
        elif isinstance(node, dict):
            for key in ("root", "file"):
                if key in node:
                    yield str(node[key])
            for key in ("parts", "chapters", "sections", "subtrees", "entries"):
                yield from walk(node.get(key, []))

    return list(walk(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))))


def toc_notebooks(root: Path) -> list[str]:
    """The pages of the table of contents that are notebooks."""
    return [page for page in toc_pages(root) if (root / f"{page}.ipynb").is_file()]


def select(chapters: Sequence[str], names: Sequence[str]) -> list[str]:
    """The chapters that `names` mean: full (``book/models/vae``), short (``vae``) or a file name.

    Raises:
        BookError: for a name that means no chapter or several; the message lists the chapters.
    """
    chosen = []
    for name in names:
        stem = name.removesuffix(".ipynb")
        found = [c for c in chapters if c == stem or c.endswith(f"/{stem}")]
        if len(found) != 1:
            raise BookError(f"{name!r} names {len(found)} chapters of: {', '.join(chapters)}")
        chosen += found
    return chosen or list(chapters)


def read(path: Path) -> Notebook:
    """Read one notebook (format 4); the error names the file."""
    try:  # without nbformat.read's repairs: they would give random ids
        text = path.read_text(encoding="utf-8")
        values = json.loads(text)
        if values.get("nbformat") != 4:
            raise ValueError(f"its format is {values.get('nbformat')}, not 4")
        for number, cell in enumerate(values["cells"], start=1):
            needed = ["cell_type", "metadata", "source"]
            needed += ["outputs"] if cell.get("cell_type") == "code" else []
            missing = [key for key in needed if key not in cell]
            if missing:
                where = f"cell {number} ({cell.get('id', 'no id')})"
                raise ValueError(f"{where} has no {', '.join(missing)}")
        return nbformat.v4.reads(text)
    except Exception as error:
        raise BookError(f"{path}: not a readable notebook: {error}") from error


def code_cells(notebook: Notebook) -> list[Cell]:
    """The cells that hold code, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell: Cell) -> set[str]:
    """The tags of a cell."""
    return set(cell.metadata.get("tags", []))


def is_checked(cell: Cell) -> bool:
    """Whether the output of the cell is stored and compared."""
    return cell.cell_type == "code" and CHECKED in tags(cell)


def is_folded(cell: Cell) -> bool:
    """Whether the page hides the code of the cell until the reader opens it."""
    return bool(tags(cell) & FOLDED)


def cell_name(notebook: Notebook, cell: Cell) -> str:
    """How messages call a cell: its position from 1 and its id, ``cell 7 (elbo-check)``."""
    position = next(i for i, other in enumerate(notebook.cells, start=1) if other is cell)
    return f"cell {position} ({cell.get('id', 'no id')})"


def parameter_names(notebook: Notebook) -> set[str]:
    """The plain names that the cell tagged ``parameters`` defines."""
    for cell in code_cells(notebook):
        if "parameters" in tags(cell):
            return set(re.findall(r"^(\w+)\s*(?::[^=\n]+)?=", cell.source, re.M))
    return set()


def overrides(notebook: Notebook, profile: str) -> dict[str, Any]:
    """The parameters of a profile (``default``, ``quick``, ``gpu``) from the notebook's metadata.

    Raises:
        BookError: if the profile sets a name that the parameters cell does not define.
    """
    if profile == "default":
        return {}
    values = dict(notebook.metadata.get("book", {}).get(profile, {}))
    unknown = sorted(set(values) - parameter_names(notebook))
    if unknown:
        raise BookError(f"profile {profile!r} sets {unknown}, which the parameters cell lacks")
    return values


def count_code_lines(source: str) -> int:
    """Number of lines that are neither empty nor only a comment."""
    lines = (line.strip() for line in source.splitlines())
    return sum(bool(line) and not line.startswith("#") for line in lines)


def measure(notebook: Notebook) -> dict[str, int]:
    """The sizes of a chapter that the status page shows."""
    visible = [c for c in code_cells(notebook) if c.get("id") != "setup" and not is_folded(c)]
    markdown = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    blocks = [directive(token) for text in markdown for token, _ in tokens(text)]
    return {
        "cells": len(code_cells(notebook)),
        "checked_cells": sum(map(is_checked, notebook.cells)),
        "words": sum(map(count_words, markdown)),
        "code_lines": sum(count_code_lines(c.source) for c in visible),
        "figures": sum("figure" in c.metadata.get("mystnb", {}) for c in code_cells(notebook))
        + sum(block is not None and block.name == "figure" for block in blocks),
    }
