"""The registry of equations: each numbered equation of the book has a label, each label a test.

Labels are read from the sources, marks (``@pytest.mark.equation("eq-vae-elbo")``) from the tests'
syntax trees; nothing is imported. A label without a mark, a mark without a label, a number without
a label and a marked test that does not say what it compares with are problems.

The print is bound to the test in one of two ways. An equation is *evaluated* if a test marked with
it calls ``tex("eq-vae-elbo")``; it is *frozen* if its marks carry a digest of its TeX, so that a
changed print turns the build red until both have been read again.

    python -m tools.equations          checks, and lists what is there
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools import command
from tools.markdown import directive, tokens
from tools.notebooks import cell_name, read, toc_pages
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
    """A test that checks an equation: where it is, and the first line of its docstring.

    `evaluates`: its body calls ``tex`` with the label; `frozen`: the digest of its mark, or "".
    """

    label: str
    test: str
    file: str
    line: int
    compares: str
    evaluates: bool
    frozen: str

    @property
    def place(self) -> str:
        """Where the marked test begins."""
        return f"line {self.line} ({self.test})"


def digest(tex: str) -> str:
    """What a mark carries that freezes an equation: it ignores white space only.

    Example:
        >>> digest("a = b") == digest(" a=b ")
        True
    """
    return hashlib.sha256("".join(tex.split()).encode()).hexdigest()[:8]


def page_texts(root: Path, page: str) -> Iterator[tuple[str, str]]:
    """The Markdown texts of a page with the place of each: a cell, or the whole file."""
    notebook = root / f"{page}.ipynb"
    if notebook.is_file():
        opened = read(notebook)
        for cell in opened.cells:
            if cell.cell_type == "markdown":
                yield cell_name(opened, cell), cell.source
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
            compares = (ast.get_docstring(node) or "").strip().split("\n")[0]
            file = path.relative_to(root).as_posix()
            called = _evaluated(node)
            for label, frozen in (pair for d in node.decorator_list for pair in _marked(d)):
                evaluates = label in called
                found.append(Mark(label, node.name, file, node.lineno, compares, evaluates, frozen))
    return found


def _evaluated(node: ast.AST) -> set[str]:
    """The labels with which the body of a test calls ``tex``."""
    return {
        str(call.args[0].value)
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        and ast.unparse(call.func).rpartition(".")[2] == "tex"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def _marked(decorator: ast.expr) -> list[tuple[str, str]]:
    """The labels that one decorator names, if it is an equation mark, each with its digest."""
    if (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr == "equation"
        and "mark" in ast.unparse(decorator.func)
    ):
        digests = [k.value for k in decorator.keywords if k.arg == "frozen"]
        frozen = str(digests[0].value) if digests and isinstance(digests[0], ast.Constant) else ""
        return [(str(a.value), frozen) for a in decorator.args if isinstance(a, ast.Constant)]
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
    evaluated = {mark.label for mark in tested if mark.evaluates}
    for mark in tested:
        place = mark.place
        if mark.label in first:
            message = _unbound(mark, first[mark.label], evaluated)
            problems += [Problem(mark.file, place, message)] if message else []
        if mark.label not in first:
            message = f"no page has the equation {mark.label!r} that the test is marked with"
            problems.append(Problem(mark.file, place, message))
        if not mark.compares:
            message = f"needs a docstring that says what {mark.label!r} is compared with"
            problems.append(Problem(mark.file, place, message))
    return problems


def _unbound(mark: Mark, equation: Equation, evaluated: set[str]) -> str:
    """How a mark leaves the print and the test unbound; empty if it does not."""
    now = digest(equation.tex)
    name = f"equation {mark.label!r} of {equation.page}"
    if mark.label in evaluated:
        return f"{name} is evaluated: leave out frozen={mark.frozen!r}" if mark.frozen else ""
    if not mark.frozen:
        return (
            f"{name} is neither evaluated nor frozen: call tex({mark.label!r}) in the test, or "
            f"read both and write frozen={now!r} into the mark"
        )
    if mark.frozen != now:
        return f"{name} has changed: read it and the test again, then write frozen={now!r}"
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    return command.run("equations", lambda root, pages: check(root), arguments, pages=toc_pages)


if __name__ == "__main__":
    sys.exit(main())
