"""The normal form of the notebooks: small, quiet differences between two versions of a chapter.

Stable cell ids; no outputs except in cells tagged ``nbval-check-output``; no metadata that editors
leave behind; execution counts that follow the order of the cells; nbformat's own layout.

``python -m tools.normalise --check`` names the notebooks that are not in normal form, ``--write``
rewrites them.
"""

from __future__ import annotations

import copy
import re
import sys
from pathlib import Path

import nbformat

from tools import command
from tools.notebooks import BookError, Cell, Notebook, cell_name, code_cells, is_checked, read
from tools.problems import Problem

KERNEL = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
CELL_METADATA = ("cellView", "tags", "mystnb")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def _outputs(cell: Cell) -> list[Cell]:
    """The outputs of a checked cell: adjacent streams of one name joined, no metadata."""
    kept: list[Cell] = []
    for output in copy.deepcopy(cell.outputs):
        if output.output_type == "stream" and kept and kept[-1].get("name") == output.name:
            kept[-1].text += output.text
            continue
        if "metadata" in output:
            output.metadata = {}
        if "execution_count" in output:
            output.execution_count = cell.execution_count
        kept.append(nbformat.from_dict(output))
    return kept


def normalised(notebook: Notebook) -> Notebook:
    """A copy of the notebook in normal form.

    Raises:
        BookError: a cell holds a pasted picture, which the normal form would throw away.
    """
    for cell in notebook.cells:
        if cell.get("attachments"):
            names = ", ".join(cell.attachments)
            raise BookError(
                f"{cell_name(notebook, cell)} holds a pasted picture ({names}): save it as a file "
                "in book/_static and show that, or make it with code"
            )
    result = nbformat.from_dict(copy.deepcopy(notebook))
    result.nbformat, result.nbformat_minor = 4, 5
    book = {"book": result.metadata["book"]} if "book" in result.metadata else {}
    result.metadata = nbformat.from_dict(copy.deepcopy(KERNEL) | book)
    taken: set[str] = set()
    for position, cell in enumerate(result.cells):
        wish = str(cell.get("id", "")).lower().replace("_", "-")
        if not _ID.fullmatch(wish) or wish in taken:
            wish = f"cell-{position:03d}"
            while wish in taken:
                wish += "-b"
        taken.add(wish)
        cell["id"] = wish
        cell.source = "\n".join(cell.source.rstrip().split("\n"))
        cell.metadata = nbformat.from_dict(
            {key: cell.metadata[key] for key in CELL_METADATA if cell.metadata.get(key)}
        )
    for count, cell in enumerate(code_cells(result), start=1):
        if is_checked(cell) and cell.outputs:
            cell.execution_count = count
            cell.outputs = _outputs(cell)
        else:
            cell.execution_count, cell.outputs = None, []
    return result


def text_of(notebook: Notebook) -> str:
    """The file's text of a notebook: sorted keys, one source line a line, a final newline."""
    return str(nbformat.writes(notebook, version=nbformat.NO_CONVERT)).rstrip("\n") + "\n"


def write(path: Path, notebook: Notebook) -> None:
    """Write a notebook in normal form."""
    result = normalised(notebook)
    nbformat.validate(result)
    path.write_text(text_of(result), encoding="utf-8")


def check(root: Path, chapters: list[str]) -> list[Problem]:
    """The notebooks whose file is not the text of their normal form."""
    problems = []
    for chapter in chapters:
        path = root / f"{chapter}.ipynb"
        notebook = read(path)
        try:
            wanted = normalised(notebook)
        except BookError as error:
            problems.append(Problem(chapter, "", str(error)))
            continue
        if path.read_text(encoding="utf-8") == text_of(wanted):
            continue
        place = "the file's layout or metadata"
        for position, (cell, other) in enumerate(
            zip(notebook.cells, wanted.cells, strict=True), start=1
        ):
            if cell != other:
                place = f"cell {position} ({other['id']})"
                break
        message = "not in normal form; run: python -m tools.normalise --write"
        problems.append(Problem(chapter, place, message))
    return problems


def rewrite(root: Path, chapter: str) -> None:
    """Bring a chapter's file into normal form."""
    path = root / f"{chapter}.ipynb"
    try:
        write(path, read(path))
    except BookError as error:
        raise BookError(f"{chapter}: {error}") from error


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    return command.run("normalise", check, arguments, write=rewrite)


if __name__ == "__main__":
    sys.exit(main())
