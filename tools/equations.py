"""The registry of equations: each numbered equation of the book has a label, each label a test.

Labels are read from the sources, marks (``@pytest.mark.equation("eq-vae-elbo")``) from the tests'
syntax trees; nothing is imported. A label without a mark, a mark without a label, a number without
a label and a marked test that does not say what it compares with are problems.

    python -m tools.equations          checks, and lists what is there
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools import command
from tools.markdown import directive, tokens
from tools.notebooks import read, toc_pages
from tools.problems import Problem

LABEL = re.compile(r"eq-[a-z0-9]+(?:-[a-z0-9]+)+")


@dataclass(frozen=True)
class Equation:
    """A numbered equation: its label, the page that holds it, its TeX."""

    label: str
    page: str
    place: str
    tex: str


@dataclass(frozen=True)
class Mark:
    """A test that checks an equation: where it is, and the first line of its docstring."""

    label: str
    test: str
    file: str
    line: int
    compares: str


def page_texts(root: Path, page: str) -> Iterator[tuple[str, str]]:
    """The Markdown texts of a page with the place of each: a cell, or the whole file."""
    notebook = root / f"{page}.ipynb"
    if notebook.is_file():
        for position, cell in enumerate(read(notebook).cells, start=1):
            if cell.cell_type == "markdown":
                yield f"cell {position} ({cell.get('id', 'no id')})", cell.source
    else:
        yield "", (root / f"{page}.md").read_text(encoding="utf-8")


def labels_in(markdown: str) -> list[tuple[str, str]]:
    """Label and TeX of each labelled equation of a Markdown text, in the order of the text.

    Example:
        >>> labels_in("$$ a = b $$ (eq-demo-sum)")
        [('eq-demo-sum', 'a = b')]
    """
    found = []
    for token, _ in tokens(markdown):
        block = directive(token)
        if token.type == "math_block_label":
            found.append((token.info, token.content.strip()))
        elif block and block.name == "math" and "label" in block.options:
            found.append((block.options["label"], block.body.strip()))
    return found


def unlabelled_in(markdown: str) -> list[str]:
    """The equations that Sphinx would number although they have no label of ours."""
    found = (token.meta for token, _ in tokens(markdown) if token.type == "amsmath")
    return [str(meta["environment"]) for meta in found if meta["numbered"] != "*"]


def equations(root: Path) -> list[Equation]:
    """All labelled equations of the pages in the table of contents."""
    return [
        Equation(label, page, place, tex)
        for page in toc_pages(root)
        for place, text in page_texts(root, page)
        for label, tex in labels_in(text)
    ]


def marks(root: Path) -> list[Mark]:
    """All equation marks of the tests, read without importing them."""
    found = []
    for path in sorted((root / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            for label in (name for d in node.decorator_list for name in _marked(d)):
                compares = (ast.get_docstring(node) or "").strip().split("\n")[0]
                file = path.relative_to(root).as_posix()
                found.append(Mark(label, node.name, file, node.lineno, compares))
    return found


def _marked(decorator: ast.expr) -> list[str]:
    """The labels that one decorator names, if it is an equation mark."""
    if (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr == "equation"
        and "mark" in ast.unparse(decorator.func)
    ):
        return [str(a.value) for a in decorator.args if isinstance(a, ast.Constant)]
    return []


def check(root: Path) -> list[Problem]:
    """Everything that breaks the promise that each numbered equation has a test."""
    problems = []
    known, tested = equations(root), marks(root)
    first: dict[str, Equation] = {}
    for equation in known:
        where = (equation.page, equation.place)
        if not LABEL.fullmatch(equation.label):
            message = f"label {equation.label!r} must look like eq-<chapter>-<name>"
            problems.append(Problem(*where, message))
        if equation.label in first:
            message = f"label {equation.label!r} is already in {first[equation.label].page}"
            problems.append(Problem(*where, message))
        elif equation.label not in {mark.label for mark in tested}:
            message = f"equation {equation.label!r} has no test marked with it"
            problems.append(Problem(*where, message))
        first.setdefault(equation.label, equation)
    for page in toc_pages(root):
        for place, text in page_texts(root, page):
            for name in unlabelled_in(text):
                message = f"\\begin{{{name}}} is numbered without a label: use $$ ... $$ (eq-...)"
                problems.append(Problem(page, place, message))
    for mark in tested:
        place = f"line {mark.line} ({mark.test})"
        if mark.label not in first:
            message = f"no page has the equation {mark.label!r} that the test is marked with"
            problems.append(Problem(mark.file, place, message))
        if not mark.compares:
            message = f"needs a docstring that says what {mark.label!r} is compared with"
            problems.append(Problem(mark.file, place, message))
    return problems


def table(root: Path) -> str:
    """The page ``reference/equations`` as Markdown: one table a chapter."""
    tests: dict[str, list[Mark]] = {}
    for mark in marks(root):
        tests.setdefault(mark.label, []).append(mark)
    lines: list[str] = []
    page = ""
    for equation in equations(root):
        if equation.page != page:
            page = equation.page
            lines += ["", f"**{{doc}}`/{page}`**", ""]
            lines += ["| Equation | Compared with | Test |", "|:--|:--|:--|"]
        found = tests.get(equation.label, [])
        compares = "<br>".join(mark.compares.rstrip(".").replace("|", r"\|") for mark in found)
        files = "<br>".join(f"`{mark.file}:{mark.line}`" for mark in found)
        name = f"{{eq}}`{equation.label}` `{equation.label}`"
        lines.append(f"| {name} | {compares} | {files} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    return command.run("equations", lambda root, pages: check(root), arguments, pages=toc_pages)


if __name__ == "__main__":
    sys.exit(main())
