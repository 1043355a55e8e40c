"""Rendering the pages: warnings fail, nothing is executed, an unchanged book is left alone."""

from __future__ import annotations

import shutil

import nbformat
import pytest

from tests.book.conftest import CLEAN_UP, Book
from tools import build_site, lint_site, run_notebooks
from tools.figures import compact, narrow_form, show_wide, write_figures
from tools.notebooks import ROOT
from tools.page_figures import MIME
from tools.results import Record, Store

pytestmark = CLEAN_UP


@pytest.fixture
def site(book: Book) -> Book:
    """The fixture book, executed, with the book's own extension."""
    book.source("setup", "import sys")
    for name in ("book/_ext", "book/_static", "tools"):
        shutil.copytree(ROOT / name, book.root / name, ignore=shutil.ignore_patterns("__pycache__"))
    book.write("book/status.md", "# Status\n\n```{status-table}\n```\n\n```{equation-table}\n```\n")
    toc = (book.root / "_toc.yml").read_text()
    book.write(
        "_toc.yml", toc.replace("- file: book/demo", "- file: book/demo\n  - file: book/status")
    )
    assert run_notebooks.run_all(book.root, [book.chapter]) == []
    return book


@pytest.mark.slow
def test_pages_are_rendered_without_warnings_and_only_when_something_changed(
    site: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build_site.build(site.root) == 0
    assert lint_site.check(site.root) == []
    html = site.root / "_build/html"
    chapter = (html / "book/demo.html").read_text()
    assert "You need" in chapter
    assert "Runs in" in chapter
    assert "colab.research.google.com/github/OWNER/REPO/blob/main/book/demo.ipynb" in chapter
    assert "mathjax/startup.js" in chapter
    assert '"input/tex"' in chapter
    assert "searchindex.js" not in chapter
    copy = (site.root / "_build/published/book/demo.ipynb").read_text()
    assert "\\\\tag{1.1}" in copy
    assert "[(1.1)](https://owner.github.io/REPO/book/demo.html#equation-eq-demo-sum)" in copy
    assert "[Fig. 1.1](https://owner.github.io/REPO/book/demo.html#fig-demo-line)" in copy
    assert (html / "_sources/book/demo.ipynb").read_text() == copy
    assert (html / "_static/mathjax/input/tex/extensions/boldsymbol.js").is_file()
    assert list((html / "_static/mathjax/output/chtml/fonts/woff-v2").glob("*.woff"))
    table = (html / "book/status.html").read_text()
    assert "An enumeration of all terms" in table
    assert 'href="demo.html#equation-eq-demo-sum"' in table

    capsys.readouterr()
    assert build_site.build(site.root) == 0
    assert "nothing has changed since the last build" in capsys.readouterr().out

    # A broken reference fails and stays a failure: no memory of an earlier build hides it.
    site.write("book/intro.md", "# The book\n\n{doc}`/book/gone`, {eq}`eq-demo-gone`\n")
    for _ in range(2):
        assert build_site.build(site.root) == 1
        errors = capsys.readouterr().err
        assert "book/intro.md:3: WARNING: unknown document: '/book/gone'" in errors


def test_a_missing_result_is_a_failure_not_an_execution(
    site: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    site.source("checked", "print(2)")
    assert build_site.build(site.root) == 1
    message = "site: book/demo: its result is missing or stale; run: python -m tools.run_notebooks"
    assert message in capsys.readouterr().err


def test_warnings_are_picked_from_the_log() -> None:
    log = "reading sources... [50%] a\n/x/a.md:3: WARNING: unknown document\nbuild finished\n"
    assert build_site.warnings_in(log) == ["/x/a.md:3: WARNING: unknown document"]


def test_of_an_exception_in_sphinx_its_own_line_is_shown() -> None:
    frame = '  File "/x/domain.py", line 3, in setup\n    for name in 5:\n'
    log = f"Traceback (most recent call last):\n{frame}TypeError: 'int' object is not iterable\n"
    assert build_site.warnings_in(log * 2) == ["TypeError: 'int' object is not iterable"]


def test_drawings_get_as_many_digits_as_a_screen_can_show() -> None:
    use = '<use xlink:href="#m1" x="12.345678" y="-0.001" transform="scale(0.0945 -0.0945)"/>'
    assert compact(use) == use.replace("12.345678", "12.35").replace("-0.001", "0")
    assert compact('<path id="p" d="M 1.004 2.996 \nL 30 4.56789 \n"/>') == (
        '<path id="p" d="M 1 3 L 30 4.57"/>'
    )
    noise = "".join(f"L {i} 0.4567 " for i in range(2000))
    assert compact(f'<path d="{noise}"/>').count(" 0.5") == 2000


def test_figures_become_files_and_old_ones_go(book: Book) -> None:
    executed = book.notebook()
    forms = {"wide": "<svg>wide</svg>", "narrow": "<svg>narrow</svg>"}
    picture = nbformat.v4.new_output("display_data", data={MIME: forms, "image/png": "iVBORw0="})
    book.cell(executed, "figure").outputs = [picture]
    Store(book.root).keep(Record(book.chapter, "fingerprint", "code", error="no"), executed)
    book.write("_build/figures/fig-demo-gone.svg", "")
    write_figures(book.root)
    (named,) = (book.root / "_build" / "figures").glob("*.svg")
    assert named.name == "fig-demo-line.svg"
    assert named.read_text(encoding="utf-8") == forms["wide"]
    narrow = narrow_form(book.root, named.read_bytes())
    assert narrow.read_text(encoding="utf-8") == forms["narrow"]
    assert not narrow_form(book.root, b"<svg>another</svg>").exists()
    shown = book.cell(show_wide(executed), "figure").outputs[0]
    assert shown.data == {"image/svg+xml": forms["wide"]}
