"""The set-up cell: one template, the same in each chapter, with the repository of ``_config.yml``.

``python -m tools.stamp --check`` names the chapters whose set-up cell is not the current one,
``--write`` writes it into the cell with the id ``setup``.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from tools import command, normalise
from tools.notebooks import BookError, code_cells, read, source_archive, tags
from tools.problems import Problem

TEMPLATE = Path(__file__).with_name("setup_cell.txt")
#: With this metadata Colab shows only the title of the cell, its first line.
FOLDED = "cellView"
#: Set by the publish workflow, so that a fork's pages install the fork's own package.
REPOSITORY_VARIABLE = "BOOK_SOURCE"


def setup_source(root: Path) -> str:
    """The text of the set-up cell."""
    source = os.environ.get(REPOSITORY_VARIABLE) or source_archive(root)
    package = (root / "helpers" / "__init__.py").read_text(encoding="utf-8")
    version = re.search(r'^__version__ = "(.+)"$', package, re.M)
    fields = {"SOURCE": source, "VERSION": version[1] if version else ""}
    template = TEMPLATE.read_text(encoding="utf-8").rstrip()
    return re.sub(r"@([A-Z]+)@", lambda match: fields[match[1]], template)


def check_chapter(root: Path, chapter: str) -> list[Problem]:
    """What is wrong with the first two code cells of a chapter."""
    notebook = read(root / f"{chapter}.ipynb")
    cells = code_cells(notebook)
    if not cells or cells[0].get("id") != "setup":
        return [Problem(chapter, "first code cell", "must be the set-up cell with the id 'setup'")]
    problems = []
    if cells[0].source != setup_source(root):
        message = "is not the current set-up cell; run: make stamp"
        problems.append(Problem(chapter, "cell setup", message))
    if "hide-input" not in tags(cells[0]):
        problems.append(Problem(chapter, "cell setup", "must be tagged hide-input"))
    if cells[0].metadata.get(FOLDED) != "form":
        message = f"lacks the metadata {FOLDED}, which folds it in Colab; run: make stamp"
        problems.append(Problem(chapter, "cell setup", message))
    tagged = [cell for cell in cells if "parameters" in tags(cell)]
    if len(tagged) > 1 or (tagged and tagged[0] is not cells[1]):
        message = "only the code cell after the set-up may be tagged parameters"
        problems.append(Problem(chapter, f"cell {tagged[-1].id}", message))
    return problems


def stamp(root: Path, chapter: str) -> bool:
    """Write the current set-up cell into a chapter; return whether the file changed."""
    path = root / f"{chapter}.ipynb"
    notebook = read(path)
    cells = [cell for cell in code_cells(notebook) if cell.get("id") == "setup"]
    if len(cells) != 1:
        raise BookError(f"{chapter}: needs one code cell with the id 'setup', has {len(cells)}")
    wanted = setup_source(root)
    if cells[0].source == wanted and cells[0].metadata.get(FOLDED) == "form":
        return False
    cells[0].source = wanted
    cells[0].metadata[FOLDED] = "form"
    normalise.write(path, notebook)
    return True


def check(root: Path, chapters: list[str]) -> list[Problem]:
    """What is wrong with the set-up cells of these chapters."""
    return [problem for chapter in chapters for problem in check_chapter(root, chapter)]


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    return command.run("stamp", check, arguments, write=stamp)


if __name__ == "__main__":
    sys.exit(main())
