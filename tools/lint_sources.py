"""Lints of the chapters' sources: what makes a page readable, checked before anything is executed.

Only what no other tool sees: ruff has the width and the syntax of the cells (``book/ruff.toml``),
Sphinx the citations, the references and the pages that ``_toc.yml`` lacks.

``python -m tools.lint_sources`` checks all pages, ``python -m tools.lint_sources vae`` one.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tools import command, outputs
from tools.equations import page_texts
from tools.markdown import directive, tokens
from tools.notebooks import (
    PROFILES,
    BookError,
    Notebook,
    cell_name,
    is_folded,
    measure,
    overrides,
    read,
    tags,
    toc_notebooks,
    toc_pages,
)
from tools.problems import Problem

MAX_LINES = 30  # of a code cell
MIN_WORDS_PER_LINE = 8  # words of prose for each visible line of code
TAGS = frozenset(
    [
        "parameters",
        "nbval-check-output",
        "claims",
        *("hide-input", "hide-output", "hide-cell"),
        *("remove-input", "remove-output", "remove-cell"),
        *("scroll-output", "full-width"),
    ]
)


def cell_problems(chapter: str, notebook: Notebook) -> list[Problem]:
    """Cells that are too long, unknown tags (a misspelt one would do nothing)."""
    problems = []
    for cell in notebook.cells:
        place = cell_name(notebook, cell)
        unknown = sorted(tags(cell) - TAGS)
        if unknown:
            message = f"unknown tags {unknown}; known: {', '.join(sorted(TAGS))}"
            problems.append(Problem(chapter, place, message))
        count = cell.source.count("\n") + 1
        if cell.cell_type == "code" and count > MAX_LINES and cell.get("id") != "setup":
            message = f"has {count} lines, more than {MAX_LINES}: split it"
            problems.append(Problem(chapter, place, message))
    return problems


def image_problems(page: str, place: str, markdown: str) -> list[Problem]:
    """Pictures in the text without an alternative text."""
    found = []
    for token, _ in tokens(markdown):
        block = directive(token)
        if token.type == "image" and not token.content.strip():
            found.append(f"picture {token.attrs.get('src')} has no alt text")
        if block and block.name in ("figure", "image") and not block.options.get("alt"):
            found.append(f"{block.name} {block.argument} has no :alt: text")
        for tag in re.findall(r"<img\b[^>]*>", token.content if "html" in token.type else ""):
            if not re.search(r"\balt\s*=\s*[\"'][^\"']+[\"']", tag):
                found.append(f"{tag[:60]} has no alt text")
    return [Problem(page, place, message) for message in found]


def prose_problems(chapter: str, notebook: Notebook) -> list[Problem]:
    """Too little prose in the chapter, or none between two cells whose code the reader sees."""
    problems = []
    before: str | None = None  # the visible code cell that no prose has followed yet
    for cell in notebook.cells:
        place = cell_name(notebook, cell)
        if cell.cell_type == "markdown":
            before = None
        elif not is_folded(cell):
            if before is not None:
                message = f"follows {before} without a sentence between them"
                problems.append(Problem(chapter, place, message))
            before = place
    first, last = notebook.cells[0], notebook.cells[-1]
    if first.cell_type != "markdown" or not first.source.startswith("# "):
        place = cell_name(notebook, first)
        problems.append(Problem(chapter, place, "the first cell must be prose with the title"))
    if last.cell_type != "markdown":
        place = cell_name(notebook, last)
        problems.append(Problem(chapter, place, "the last cell must be prose"))
    sizes = measure(notebook)
    if sizes["words"] < MIN_WORDS_PER_LINE * sizes["code_lines"]:
        message = (
            f"{sizes['words']} words for {sizes['code_lines']} visible lines of code,"
            f" fewer than {MIN_WORDS_PER_LINE} a line"
        )
        problems.append(Problem(chapter, "", message))
    return problems


def chapter_problems(chapter: str, notebook: Notebook) -> list[Problem]:
    """All lints of one notebook."""
    if not notebook.cells:
        return [Problem(chapter, "", "has no cells")]
    problems = cell_problems(chapter, notebook)
    problems += outputs.figure_problems(chapter, notebook)
    problems += prose_problems(chapter, notebook)
    problems += outputs.stored_problems(chapter, notebook)
    for profile in PROFILES:
        try:
            overrides(notebook, profile)
        except BookError as error:
            problems.append(Problem(chapter, "", str(error)))
    if "chapter-box" not in notebook.cells[0].source:
        problems.append(Problem(chapter, "cell 1", "has no {chapter-box} below the title"))
    return problems


def check(root: Path, pages: list[str] | None = None) -> list[Problem]:
    """All lints of these pages, or of the whole book."""
    problems = []
    notebooks = set(toc_notebooks(root))
    for page in toc_pages(root) if pages is None else pages:
        if page in notebooks:
            problems += chapter_problems(page, read(root / f"{page}.ipynb"))
        elif not (root / f"{page}.md").is_file():
            problems.append(Problem("_toc.yml", page, "has no file .md or .ipynb"))
            continue
        for place, text in page_texts(root, page):
            problems += image_problems(page, place, text)
    return problems


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    return command.run("lint_sources", check, arguments, pages=toc_pages)


if __name__ == "__main__":
    sys.exit(main())
