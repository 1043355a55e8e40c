"""Reading the table of contents and the notebooks, and counting words."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.book.conftest import Book
from tools.markdown import count_words, prose
from tools.notebooks import (
    BookError,
    count_code_lines,
    measure,
    overrides,
    read,
    select,
    source_archive,
    toc_notebooks,
    toc_pages,
)


def test_pages_come_in_reading_order_with_sections_and_parts(book: Book) -> None:
    book.write(
        "_toc.yml",
        "root: a\nparts:\n- chapters:\n  - file: b\n    sections:\n    - file: c\n"
        "- chapters:\n  - file: d\n",
    )
    assert toc_pages(book.root) == ["a", "b", "c", "d"]


def test_notebooks_are_told_from_markdown_pages(book: Book) -> None:
    assert toc_notebooks(book.root) == ["book/demo"]


@pytest.mark.parametrize("name", ["demo", "book/demo", "demo.ipynb"])
def test_a_chapter_is_selected_by_any_of_its_names(name: str) -> None:
    assert select(["book/demo", "book/other"], [name]) == ["book/demo"]


def test_an_unknown_chapter_is_refused_with_the_list() -> None:
    with pytest.raises(BookError, match="'vea' names 0 chapters of: book/vae"):
        select(["book/vae"], ["vea"])


def test_an_unreadable_notebook_is_named(book: Book) -> None:
    book.path.write_text("{")
    with pytest.raises(BookError, match=r"demo\.ipynb: not a readable notebook"):
        read(book.path)


@pytest.mark.parametrize("key", ["outputs", "source", "metadata"])
def test_a_cell_without_a_part_is_named(book: Book, key: str) -> None:
    values = json.loads(book.path.read_text(encoding="utf-8"))
    del values["cells"][4][key]
    book.path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(BookError, match=rf"demo\.ipynb: .*cell 5 \(checked\) has no {key}"):
        read(book.path)


def test_a_profile_may_only_set_what_the_parameters_cell_defines(book: Book) -> None:
    notebook = book.notebook()
    assert overrides(notebook, "quick") == {"steps": 2}
    notebook.metadata["book"]["quick"] = {"step": 2}
    with pytest.raises(BookError, match=r"sets \['step'\], which the parameters cell lacks"):
        overrides(notebook, "quick")


def test_words_are_counted_without_formulas_code_and_options() -> None:
    text = (
        "(anchor-name)=\n# Two words\n\n$$ a + b = \\text{not counted} $$ (eq-a-b)\n\n"
        "```python\nnot counted\n```\n````{admonition} Three more words\n:class: tip\n"
        "inside\n```{math}\nnot counted\n```\nstill inside\n````\nend."
    )
    words = "Two words Three more words inside still inside end."
    assert " ".join(prose(text).split()) == words
    assert count_words(text) == 9


def test_a_formula_or_a_name_in_a_sentence_is_one_word() -> None:
    assert count_words("the density $p(x \\mid z)$ of `VAE.sample` in {eq}`eq-vae-elbo`") == 7


def test_comments_and_empty_lines_are_not_code() -> None:
    assert count_code_lines("# why\n\nx = 1\n  # more\ny = 2  # two\n") == 2


def test_folded_cells_and_the_setup_are_not_visible_code(book: Book) -> None:
    sizes = measure(book.notebook())
    assert sizes["code_lines"] == 2
    assert sizes["cells"] == 4
    assert sizes["checked_cells"] == 1
    assert sizes["figures"] == 1


def test_the_archive_of_the_package_comes_from_the_configuration(book: Book) -> None:
    book.write("_config.yml", "repository: {url: 'https://example.org/a/b/', branch: trunk}")
    assert source_archive(book.root) == "https://example.org/a/b/archive/refs/heads/trunk.zip"


def test_a_title_in_any_script_is_read_under_any_locale(book: Book) -> None:
    book.source("title", book.cell(book.notebook(), "title").source.replace("Demo", "生成モデル"))
    config = (book.root / "_config.yml").read_text(encoding="utf-8")
    book.write("_config.yml", config.replace("Deep generative models", "生成モデル"))
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for tool in ("normalise --check", "stamp --check", "equations", "lint_sources"):
        name, *mode = tool.split()
        done = subprocess.run(
            [sys.executable, "-m", f"tools.{name}", *mode, "--root", str(book.root)],
            env={**os.environ, **ascii_only},
            capture_output=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stderr
