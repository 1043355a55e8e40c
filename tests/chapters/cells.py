"""Runs single cells of a chapter, so that a test checks the very lines that the reader sees."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import nbformat

BOOK = Path(__file__).resolve().parents[2] / "book"


def run_cells(page: str, ids: list[str], **names: Any) -> dict[str, Any]:
    """Execute the code cells `ids` of the notebook `page` in order.

    Args:
        page: path below ``book/`` without its ending, such as ``"models/vae"``.
        ids: ids of the code cells.
        names: what the cells need from cells that are not run.

    Returns:
        The namespace after the last cell.
    """
    notebook = nbformat.read(BOOK / f"{page}.ipynb", as_version=4)
    sources = {cell.id: cell.source for cell in notebook.cells if cell.cell_type == "code"}
    missing = [name for name in ids if name not in sources]
    assert not missing, f"book/{page}.ipynb has no code cells {missing}"
    namespace = dict(names)
    for name in ids:
        exec(compile(sources[name], f"{page}.ipynb[{name}]", "exec"), namespace)
    return namespace


def imported(page: str) -> dict[str, Any]:
    """The names that the cells of the notebook `page` import, wherever they do so."""
    notebook = nbformat.read(BOOK / f"{page}.ipynb", as_version=4)
    namespace: dict[str, Any] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.id != "setup":
            lines = [
                n for n in ast.parse(cell.source).body if isinstance(n, ast.Import | ast.ImportFrom)
            ]
            exec(compile(ast.Module(lines, []), f"{page}.ipynb[{cell.id}]", "exec"), namespace)
    return namespace
