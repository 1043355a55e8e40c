"""Rows of results as a table: HTML on a page, aligned text in a terminal."""

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from helpers.checks import argument_error


class Table:
    """What `table` returns; the last line of a cell shows it."""

    def __init__(
        self,
        head: list[str],
        cells: list[list[tuple[str, str]]],
        right: list[bool],
        best: set[tuple[int, int]],
    ) -> None:
        self.head, self.cells, self.right, self.best = head, cells, right, best

    def __repr__(self) -> str:
        rows = [self.head] + [
            [
                f"{'*' if (i, j) in self.best else ''}{value}{f' ± {error}' if error else ''}"
                for j, (value, error) in enumerate(row)
            ]
            for i, row in enumerate(self.cells)
        ]
        widths = [max(len(row[j]) for row in rows) for j in range(len(self.head))]
        lines = [
            "  ".join(
                text.rjust(width) if right else text.ljust(width)
                for text, width, right in zip(row, widths, self.right, strict=True)
            ).rstrip()
            for row in rows
        ]
        return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])

    def _repr_html_(self) -> str:
        sides = ["right" if right else "left" for right in self.right]
        head = "".join(
            f'<th scope="col" style="text-align:{side}">{html.escape(name)}</th>'
            for name, side in zip(self.head, sides, strict=True)
        )
        body = ""
        for i, row in enumerate(self.cells):
            body += "<tr>"
            for j, (value, error) in enumerate(row):
                text = html.escape(value)
                text = f"<strong>{text}</strong>" if (i, j) in self.best else text
                text += f" <small>± {html.escape(error)}</small>" if error else ""
                style = f"text-align:{sides[j]};font-variant-numeric:tabular-nums"
                body += f'<td style="{style}">{text}</td>'
            body += "</tr>"
        return f'<table class="results"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def table(
    rows: Sequence[Sequence[Any]],
    head: Sequence[str],
    *,
    digits: int | Mapping[str, int] = 2,
    best: Mapping[str, Callable[[list[float]], float]] | None = None,
) -> Table:
    """A table of results.

    Args:
        rows: each a text or a number for each column; a pair ``(value, error)``, such as a
            `metrics.Estimate`, prints as value ± error; None leaves the place empty.
        head: names of the columns, with the unit: ``"nats per image"``.
        digits: decimal places of floats, for all columns or by name; integers print whole.
        best: for columns with a best value, `min` or `max`: it is set in bold.

    >>> table([["tree", (96.51, 0.5)], ["VAE", (86.1, 0.48)]], ["model", "nats"], digits=1)
    model        nats
    -----------------
    tree   96.5 ± 0.5
    VAE    86.1 ± 0.5
    """
    for row in rows:
        if len(row) != len(head):
            raise argument_error(
                "rows", f"have {len(head)} columns like head", f"{len(row)}: {row}"
            )
    wrong = [name for name in (*(best or {}), *_names(digits)) if name not in head]
    if wrong:
        raise argument_error("best and digits", f"name columns of {list(head)}", wrong)
    places = [digits.get(name, 2) if isinstance(digits, Mapping) else digits for name in head]
    cells = [[_cell(value, n) for value, n in zip(row, places, strict=True)] for row in rows]
    marked = set()
    for name, choose in (best or {}).items():
        j = list(head).index(name)
        values = {i: _value(row[j]) for i, row in enumerate(rows) if not _is_text(row[j])}
        top = choose(list(values.values()))
        marked |= {(i, j) for i, value in values.items() if value == top}
    right = [not any(isinstance(row[j], str) for row in rows) for j in range(len(head))]
    return Table(list(head), cells, right, marked)


def _names(digits: int | Mapping[str, int]) -> list[str]:
    return list(digits) if isinstance(digits, Mapping) else []


def _is_text(entry: Any) -> bool:
    return entry is None or isinstance(entry, str)


def _value(entry: Any) -> float:
    return float(entry[0] if isinstance(entry, tuple) else entry)


def _cell(entry: Any, places: int) -> tuple[str, str]:
    """Value and error as text."""
    if _is_text(entry):
        return entry or "", ""
    if isinstance(entry, tuple):
        return _cell(entry[0], places)[0], _cell(entry[1], places)[0]
    entry = entry.item() if isinstance(entry, Tensor) or hasattr(entry, "item") else entry
    text = f"{entry:,}" if isinstance(entry, int) else f"{entry:,.{places}f}"
    return text.replace("-", "−"), ""
