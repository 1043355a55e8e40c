"""What an executed notebook shows: described figures, checked text, no stderr, no stray value."""

from __future__ import annotations

import copy

from tools.notebooks import Cell, Notebook, cell_name, code_cells, is_checked, tags
from tools.problems import Problem


def text_of(cell: Cell) -> str:
    """The text that a cell printed or returned."""
    parts = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            parts.append(output.text)
        elif "text/plain" in output.get("data", {}):
            parts.append(output.data["text/plain"] + "\n")
    return "".join(parts).strip()


def images_of(cell: Cell) -> int:
    """Number of pictures among the outputs of a cell."""
    return sum(
        any(kind.startswith("image/") for kind in output.get("data", {})) for output in cell.outputs
    )


def stderr_problems(chapter: str, run: Notebook) -> list[Problem]:
    """The cells that wrote to stderr (warnings, stray progress bars)."""
    return [
        Problem(chapter, cell_name(run, cell), f"writes to stderr: {output.text.strip()[-300:]}")
        for cell in code_cells(run)
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    ]


def value_problems(chapter: str, run: Notebook) -> list[Problem]:
    """The cells that end in a value of which the page would show Python's own notation."""
    return [
        Problem(chapter, cell_name(run, cell), f"shows a bare value, {text[:60]!r}: end it with ;")
        for cell in code_cells(run)
        for output in cell.outputs
        if output.output_type == "execute_result" and set(output.data) == {"text/plain"}
        for text in [output.data["text/plain"]]
    ]


def figure_problems(chapter: str, run: Notebook) -> list[Problem]:
    """The cells whose picture has no name, caption or alt text, and the cells with several."""
    problems = []
    for cell in code_cells(run):
        count = images_of(cell)
        if count == 0 or "remove-output" in tags(cell) or "remove-cell" in tags(cell):
            continue
        place = cell_name(run, cell)
        if count > 1:
            problems.append(Problem(chapter, place, f"makes {count} pictures: draw one figure"))
        myst = cell.metadata.get("mystnb", {})
        figure, image = myst.get("figure", {}), myst.get("image", {})
        missing = [
            name
            for name, value in (
                ("name", figure.get("name")),
                ("caption", figure.get("caption")),
                ("alt", image.get("alt")),
            )
            if not value
        ]
        if missing:
            message = f"makes a picture without {', '.join(missing)} in metadata mystnb"
            problems.append(Problem(chapter, place, message))
    return problems


def checked_problems(chapter: str, stored: Notebook, run: Notebook) -> list[Problem]:
    """The checked cells whose stored output is missing, no text, or not what they print now."""
    now = {cell.get("id"): cell for cell in code_cells(run)}
    problems = []
    for cell in filter(is_checked, stored.cells):
        place = cell_name(stored, cell)
        fresh = now.get(cell.get("id"))
        if fresh is None:
            problems.append(Problem(chapter, place, "is checked but was not executed"))
        elif images_of(fresh):
            problems.append(Problem(chapter, place, "is checked but makes a picture"))
        elif not text_of(fresh):
            problems.append(Problem(chapter, place, "is checked but prints nothing"))
        elif text_of(cell) != text_of(fresh):
            message = (
                "prints something else than its stored output"
                f"\n  stored: {text_of(cell)!r}\n  now:    {text_of(fresh)!r}"
            )
            problems.append(Problem(chapter, place, message))
    return problems


def stored_problems(chapter: str, stored: Notebook) -> list[Problem]:
    """Checked cells without a stored output: nbval would pass them without comparing anything."""
    return [
        Problem(chapter, cell_name(stored, cell), "is checked but has no stored output")
        for cell in filter(is_checked, stored.cells)
        if not cell.outputs or cell.execution_count is None
    ]


def with_outputs(stored: Notebook, run: Notebook, *, only_checked: bool) -> Notebook:
    """A copy of the stored notebook with the outputs of the run, in all or in checked cells."""
    result = copy.deepcopy(stored)
    now = {cell.get("id"): cell for cell in code_cells(run)}
    for cell in code_cells(result):
        fresh = now[cell.get("id")]
        if is_checked(cell) or not only_checked:
            cell.outputs = copy.deepcopy(fresh.outputs)
            cell.execution_count = fresh.execution_count
    return result
