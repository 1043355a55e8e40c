"""Lints of the chapters' sources: what makes a page readable, checked before anything is executed.

``python -m tools.lint_sources`` checks all pages, ``python -m tools.lint_sources vae`` one.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from pathlib import Path

from pybtex.database import parse_string
from pybtex.exceptions import PybtexError

from tools import outputs
from tools.equations import page_texts
from tools.notebooks import (
    PROFILES,
    ROOT,
    BookError,
    Notebook,
    cell_name,
    code_cells,
    is_folded,
    measure,
    overrides,
    read,
    select,
    tags,
    toc_notebooks,
    toc_pages,
)
from tools.problems import Problem, report

MAX_LINES = 30  # of a code cell
MAX_COLUMNS = 76  # of a code line: the page cuts longer ones at 1200 px
MIN_WORDS_PER_LINE = 8  # words of prose for each visible line of code
TAGS = frozenset(
    [
        "parameters",
        "nbval-check-output",
        *("hide-input", "hide-output", "hide-cell"),
        *("remove-input", "remove-output", "remove-cell"),
        *("scroll-output", "full-width"),
    ]
)
_NOT_PAGES = ("_ext", "_static", "_pages", "_build", ".ipynb_checkpoints")


def toc_problems(root: Path) -> list[Problem]:
    """Pages of the table of contents without a file, files of ``book/`` that it does not name."""
    pages = toc_pages(root)
    problems = [
        Problem("_toc.yml", page, "has no file .md or .ipynb")
        for page in pages
        if not any((root / f"{page}{ending}").is_file() for ending in (".md", ".ipynb"))
    ]
    problems += [
        Problem("_toc.yml", page, "is listed twice")
        for page in sorted({page for page in pages if pages.count(page) > 1})
    ]
    for path in sorted((root / "book").rglob("*")):
        relative = path.relative_to(root)
        if path.suffix not in (".md", ".ipynb") or set(relative.parts) & set(_NOT_PAGES):
            continue
        if relative.with_suffix("").as_posix() not in pages:
            problems.append(Problem(relative.as_posix(), "", "is not in _toc.yml"))
    return problems


def cell_problems(chapter: str, notebook: Notebook) -> list[Problem]:
    """Cells that are too long or too wide, unknown tags, code that is not Python."""
    problems = []
    for cell in notebook.cells:
        place = cell_name(notebook, cell)
        unknown = sorted(tags(cell) - TAGS)
        if unknown:
            message = f"unknown tags {unknown}; known: {', '.join(sorted(TAGS))}"
            problems.append(Problem(chapter, place, message))
        if cell.cell_type != "code":
            continue
        lines = cell.source.split("\n")
        if len(lines) > MAX_LINES and cell.get("id") != "setup":
            message = f"has {len(lines)} lines, more than {MAX_LINES}: split it"
            problems.append(Problem(chapter, place, message))
        for number, line in enumerate(lines, start=1):
            if len(line) > MAX_COLUMNS:
                message = f"line {number} has {len(line)} characters, more than {MAX_COLUMNS}"
                problems.append(Problem(chapter, place, message))
        try:
            ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", cell.source, flags=re.M))
        except SyntaxError as error:
            problems.append(Problem(chapter, place, f"line {error.lineno}: {error.msg}"))
    return problems


def figure_problems(chapter: str, notebook: Notebook) -> list[Problem]:
    """Cells that are to give a figure, but lack its name, its caption or its alt text."""
    problems = []
    names: set[str] = set()
    for cell in code_cells(notebook):
        myst = cell.metadata.get("mystnb", {})
        if "figure" not in myst and "image" not in myst:
            continue
        figure, image = myst.get("figure", {}), myst.get("image", {})
        fields = {
            "figure.name": figure.get("name"),
            "figure.caption": figure.get("caption"),
            "image.alt": image.get("alt"),
        }
        missing = [name for name, value in fields.items() if not str(value or "").strip()]
        place = cell_name(notebook, cell)
        if missing:
            message = f"the figure lacks {', '.join(missing)} (cell metadata mystnb)"
            problems.append(Problem(chapter, place, message))
        name = str(figure.get("name", "fig-"))
        if not name.startswith("fig-"):
            problems.append(Problem(chapter, place, f"figure name {name!r} must start with fig-"))
        if name in names:
            problems.append(Problem(chapter, place, f"figure name {name!r} is used twice"))
        names.add(name)
    return problems


def image_problems(page: str, place: str, markdown: str) -> list[Problem]:
    """Pictures in the text without an alternative text."""
    problems = []
    for match in re.finditer(r"!\[([^\]]*)\]\(([^)]*)\)", markdown):
        if not match[1].strip():
            problems.append(Problem(page, place, f"picture {match[2]} has no alt text"))
    block = r"^[ \t]*([`:]{3,})\{(figure|image)\}[ \t]*(\S*)[^\n]*\n(.*?)^[ \t]*\1[ \t]*$"
    for match in re.finditer(block, markdown, re.M | re.S):
        if not re.search(r"^[ \t]*:alt:[ \t]*\S", match[4], re.M):
            problems.append(Problem(page, place, f"{match[2]} {match[3]} has no :alt: text"))
    for tag in re.findall(r"<img\b[^>]*>", markdown):
        if not re.search(r"\balt\s*=\s*[\"'][^\"']+[\"']", tag):
            problems.append(Problem(page, place, f"{tag[:60]} has no alt text"))
    return problems


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
    problems += figure_problems(chapter, notebook)
    problems += prose_problems(chapter, notebook)
    problems += outputs.stored_problems(chapter, notebook)
    for profile in PROFILES:
        try:
            overrides(notebook, profile)
        except BookError as error:
            problems.append(Problem(chapter, "", str(error)))
    if not any("chapter-box" in cell.source for cell in notebook.cells[:1]):
        problems.append(Problem(chapter, "cell 1", "has no {chapter-box} below the title"))
    return problems


def read_bibliography(root: Path) -> tuple[set[str], list[Problem]]:
    """The keys of ``book/references.bib``, and what is wrong with it."""
    name = "book/references.bib"
    try:
        entries = parse_string((root / name).read_text(encoding="utf-8"), "bibtex").entries
    except PybtexError as error:
        return set(), [Problem(name, "", str(error))]
    problems = []
    titles: dict[str, str] = {}
    for key, entry in entries.items():
        missing = [field for field in ("title", "year") if field not in entry.fields]
        if missing:
            problems.append(Problem(name, key, f"lacks {', '.join(missing)}"))
        title = re.sub(r"[^a-z]+", " ", entry.fields.get("title", key).lower())
        if title in titles:
            problems.append(Problem(name, key, f"has the title of {titles[title]}"))
        titles[title] = key
    return set(entries), problems


def citation_problems(page: str, place: str, markdown: str, known: set[str]) -> list[Problem]:
    """Citations of works that the bibliography does not hold."""
    cited = [
        key.strip()
        for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", markdown)
        for key in keys.split(",")
    ]
    return [
        Problem(page, place, f"cites {key}, which is not in book/references.bib")
        for key in cited
        if key not in known
    ]


def check(root: Path, pages: list[str] | None = None) -> list[Problem]:
    """All lints of these pages, or of the whole book with its table of contents."""
    works, problems = read_bibliography(root)
    if pages is None:
        problems += toc_problems(root)
    notebooks = set(toc_notebooks(root))
    for page in toc_pages(root) if pages is None else pages:
        if page in notebooks:
            problems += chapter_problems(page, read(root / f"{page}.ipynb"))
        elif not (root / f"{page}.md").is_file():
            continue
        for place, text in page_texts(root, page):
            problems += image_problems(page, place, text)
            problems += citation_problems(page, place, text, works)
    return problems


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.lint_sources", description=__doc__)
    parser.add_argument("pages", nargs="*")
    parser.add_argument("--root", type=Path, default=ROOT)
    options = parser.parse_args(arguments)
    try:
        pages = select(toc_pages(options.root), options.pages)
        problems = check(options.root, pages if options.pages else None)
    except BookError as error:
        print(f"sources: {error}", file=sys.stderr)
        return 1
    return report("sources", problems, checked=f"{len(pages)} pages")


if __name__ == "__main__":
    sys.exit(main())
