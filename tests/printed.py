"""The formulas of the pages as functions: what is printed is what is tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tools.equations import labels_in, page_texts
from tools.notebooks import ROOT, toc_pages
from tools.tex import Side, TexError, read

#: Which side of which statement has been asked for; `make mutants-print` changes these.
ASKED: set[tuple[str, int, int]] = set()

#: Displays that stand in for the printed ones, by label, while `make mutants-print` runs.
CHANGED: dict[str, str] = {}


@dataclass(frozen=True)
class Printed:
    """A printed formula; the call binds its symbols."""

    side: Side

    @property
    def names(self) -> list[str]:
        """The symbols that the formula has."""
        return self.side.names

    def __call__(self, symbols: Mapping[str, Any] | None = None, /, **more: Any) -> Any:
        """The value; `symbols` takes the names that are no Python names, such as ``x'``."""
        return self.side({**(symbols or {}), **more})


def tex(label: str, *, statement: int = 0, side: int = -1) -> Printed:
    """The formula with this label: by default the last side of its first statement.

    Example:
        ``tex("eq-vae-kl")(L=2, mu=[0.0, 1.0], sigma=[1.0, 0.5])``
    """
    statements = read(CHANGED.get(label) or display(label), label)
    if not 0 <= statement < len(statements):
        raise TexError(f"{label}: there is no statement {statement}, there are {len(statements)}")
    chosen = statements[statement]
    found = Printed(chosen.side(side))
    ASKED.add((label, statement, side % len(chosen.sides)))
    return found


def display(label: str) -> str:
    """The TeX that the pages show under a label."""
    for page in toc_pages(ROOT):
        found = _displays(page).get(label) if label in _text(page) else None
        if found is not None:
            return found
    raise TexError(f"{label}: no page has an equation with this label")


@cache
def _text(page: str) -> str:
    notebook = ROOT / f"{page}.ipynb"
    path = notebook if notebook.is_file() else ROOT / f"{page}.md"
    return path.read_text(encoding="utf-8")


@cache
def _displays(page: str) -> dict[str, str]:
    return {label: body for _, text in page_texts(ROOT, page) for label, body in labels_in(text)}
