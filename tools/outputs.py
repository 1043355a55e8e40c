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


def figure_problems(chapter: str, notebook: Notebook) -> list[Problem]:
    """Pictures and announced figures without name, caption or alt text; several in one cell.

    Before a run the metadata alone is read, after it every cell that made a picture.
    """
    problems = []
    for cell in code_cells(notebook):
        myst, count = cell.metadata.get("mystnb", {}), images_of(cell)
        announced = "figure" in myst or "image" in myst
        if not (count or announced) or tags(cell) & {"remove-output", "remove-cell"}:
            continue
        place = cell_name(notebook, cell)
        figure, image = myst.get("figure", {}), myst.get("image", {})
        fields = {
            "figure.name": figure.get("name"),
            "figure.caption": figure.get("caption"),
            "image.alt": image.get("alt"),
        }
        missing = [name for name, value in fields.items() if not str(value or "").strip()]
        if count > 1:
            problems.append(Problem(chapter, place, f"makes {count} pictures: draw one figure"))
        if missing:
            message = f"the figure lacks {', '.join(missing)} (cell metadata mystnb)"
            problems.append(Problem(chapter, place, message))
        if not str(figure.get("name") or "fig-").startswith("fig-"):
            message = f"figure name {figure['name']!r} must start with fig-"
            problems.append(Problem(chapter, place, message))
    return problems


def difference(stored: str, now: str, width: int = 300) -> str:
    """Two texts where they begin to differ, cut: a loop that prints may print megabytes."""
    start = next((i for i, (a, b) in enumerate(zip(stored, now)) if a != b), len(stored))
    left = max(0, min(start, len(now)) - width // 2)
    cut = [f"{'…' * (left > 0)}{text[left : left + width]}" for text in (stored, now)]
    return f"\n  stored: {cut[0]!r}\n  now:    {cut[1]!r}"


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
            message = "prints something else than its stored output"
            message += difference(text_of(cell), text_of(fresh))
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
