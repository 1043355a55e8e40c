"""A tiny book in a temporary folder: each test breaks one thing in it."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

from tools import normalise
from tools.equations import digest
from tools.notebooks import ROOT
from tools.stamp import setup_source

CHAPTER = "book/demo"
WORDS = "These are words of prose that say what the next cell does and why it does it. " * 8


class Book:
    """A fixture book with one chapter, one Markdown page and one test file."""

    chapter = CHAPTER

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / f"{CHAPTER}.ipynb"

    def notebook(self) -> Any:
        return nbformat.read(self.path, as_version=4)

    def cell(self, notebook: Any, name: str) -> Any:
        return next(cell for cell in notebook.cells if cell.id == name)

    def change(self, name: str, change: Callable[[Any], None]) -> None:
        """Change one cell; the file stays in normal form."""
        notebook = self.notebook()
        change(self.cell(notebook, name))
        normalise.write(self.path, notebook)

    def source(self, name: str, text: str) -> None:
        """Replace the source of one cell."""

        def replace(cell: Any) -> None:
            cell.source = text

        self.change(name, replace)

    def insert(self, after: str, kind: str, name: str, text: str, **metadata: Any) -> None:
        """Add a cell after another one."""
        notebook = self.notebook()
        make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
        cell = make(text, metadata=metadata)
        cell["id"] = name
        notebook.cells.insert(notebook.cells.index(self.cell(notebook, after)) + 1, cell)
        normalise.write(self.path, notebook)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def demo_notebook(root: Path) -> Any:
    """Title, set-up, parameters, an equation, a checked cell, a figure."""
    markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["book"] = {"quick": {"steps": 2}}
    cells = {
        "title": markdown(
            f"# Demo\n\n```{{chapter-box}}\n:need: sums\n:get: {{eq}}`eq-demo-sum`\n```\n{WORDS}"
        ),
        "setup": code(setup_source(root), metadata={"cellView": "form", "tags": ["hide-input"]}),
        "parameters": code("steps = 4", metadata={"tags": ["parameters"]}),
        "maths": markdown("The sum.\n\n$$\na + b = c\n$$ (eq-demo-sum)\n"),
        "checked": code("print(1 + 1)", metadata={"tags": ["nbval-check-output"]}),
        "between": markdown("A figure follows."),
        "figure": code(
            "from IPython.display import SVG\n\nSVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>')",
            metadata={
                "tags": ["hide-input"],
                "mystnb": {
                    "figure": {"name": "fig-demo-line", "caption": "A line."},
                    "image": {"alt": "A line that rises."},
                },
            },
        ),
        "end": markdown("{numref}`fig-demo-line` is the end."),
    }
    for name, cell in cells.items():
        cell["id"] = name
        notebook.cells.append(cell)
    cells["checked"].outputs = [nbformat.v4.new_output("stream", name="stdout", text="2\n")]
    cells["checked"].execution_count = 3
    return notebook


#: Jupyter's client and cache leave sockets and a database to the garbage collector.
CLEAN_UP = [
    pytest.mark.usefixtures("_collect_garbage"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def _collect_garbage() -> Iterator[None]:
    """Let what a test left behind be collected within it, and not in somebody else's test."""
    yield
    gc.collect()


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """A tiny book without any problem."""
    return make_book(tmp_path)


def make_book(root: Path) -> Book:
    """Write the tiny book into a folder."""
    made = Book(root)
    for name in ("_config.yml", "requirements.lock"):
        shutil.copy(ROOT / name, root / name)
    toc = {
        "format": "jb-book",
        "root": "book/intro",
        "parts": [{"caption": "Demo", "numbered": True, "chapters": [{"file": CHAPTER}]}],
    }
    made.write("_toc.yml", yaml.safe_dump(toc))
    made.write("book/intro.md", "# The book\n\nIt has {doc}`/book/demo`.\n")
    made.write("book/references.bib", "")
    made.write("helpers/__init__.py", '__version__ = "1"\n__book__ = "deep-generative-models"\n')
    made.write(
        "tests/test_demo.py",
        f'import pytest\n\n\n@pytest.mark.equation("eq-demo-sum", frozen="{digest("a + b = c")}")\n'
        'def test_sum():\n    """An enumeration of all terms."""\n',
    )
    normalise.write(made.path, demo_notebook(root))
    return made
