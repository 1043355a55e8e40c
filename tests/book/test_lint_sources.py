"""The lints of the sources: each defect is found and named with its chapter and cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.book.conftest import Book
from tools import lint_sources


def messages(book: Book) -> list[str]:
    return [str(problem) for problem in lint_sources.check(book.root)]


def test_a_good_book_has_no_problem(book: Book) -> None:
    assert messages(book) == []
    assert lint_sources.main(["--root", str(book.root)]) == 0


def long_cell(book: Book) -> None:
    book.insert("end", "code", "long", "\n".join(["x = 1"] * 31), tags=["hide-input"])
    book.insert("long", "markdown", "after", "Words.")


def unknown_tag(book: Book) -> None:
    book.change("checked", lambda cell: cell.metadata.tags.append("nbval-check-ouput"))


def without_alt(book: Book) -> None:
    book.change("figure", lambda cell: cell.metadata.mystnb.pop("image"))


def empty_caption(book: Book) -> None:
    book.change("figure", lambda cell: cell.metadata.mystnb.figure.update(caption=" "))


def without_name(book: Book) -> None:
    book.change("figure", lambda cell: cell.metadata.mystnb.figure.pop("name"))


def odd_name(book: Book) -> None:
    book.change("figure", lambda cell: cell.metadata.mystnb.figure.update(name="line"))


def picture_without_alt(book: Book) -> None:
    book.source("end", "![](line.png)")


def figure_without_alt(book: Book) -> None:
    book.source("end", "```{figure} line.png\n:name: fig-demo-x\nA caption.\n```")


def html_without_alt(book: Book) -> None:
    book.source("end", '<img src="line.png">')


def adjacent_code(book: Book) -> None:
    book.insert("checked", "code", "more", "x = 1")


def code_at_the_end(book: Book) -> None:
    book.insert("end", "code", "last", "x = 1")


def few_words(book: Book) -> None:
    book.source("title", "# Demo\n\n```{chapter-box}\n:need: a\n:get: b\n```\nFew words.")
    book.source("checked", "print(2)\nx = 1\ny = 2")


def without_box(book: Book) -> None:
    text = book.cell(book.notebook(), "title").source
    book.source("title", text.replace("{chapter-box}", "{note}"))


def without_stored_output(book: Book) -> None:
    def empty(cell: Any) -> None:
        cell.outputs, cell.execution_count = [], None

    book.change("checked", empty)


def bad_profile(book: Book) -> None:
    book.source("parameters", "epochs = 3")


@pytest.mark.parametrize(
    ("defect", "message"),
    [
        (long_cell, "book/demo, cell 9 (long): has 31 lines, more than 30: split it"),
        (unknown_tag, "book/demo, cell 5 (checked): unknown tags ['nbval-check-ouput']"),
        (without_alt, "book/demo, cell 7 (figure): the figure lacks image.alt"),
        (empty_caption, "book/demo, cell 7 (figure): the figure lacks figure.caption"),
        (without_name, "book/demo, cell 7 (figure): the figure lacks figure.name"),
        (odd_name, "book/demo, cell 7 (figure): figure name 'line' must start with fig-"),
        (picture_without_alt, "book/demo, cell 8 (end): picture line.png has no alt text"),
        (figure_without_alt, "book/demo, cell 8 (end): figure line.png has no :alt: text"),
        (html_without_alt, 'book/demo, cell 8 (end): <img src="line.png"> has no alt text'),
        (adjacent_code, "book/demo, cell 6 (more): follows cell 5 (checked) without a sentence"),
        (code_at_the_end, "book/demo, cell 9 (last): the last cell must be prose"),
        (few_words, "visible lines of code, fewer than 8 a line"),
        (without_box, "book/demo, cell 1: has no {chapter-box} below the title"),
        (without_stored_output, "book/demo, cell 5 (checked): is checked but has no stored output"),
        (bad_profile, "book/demo: profile 'quick' sets ['steps'], which the parameters cell lacks"),
    ],
)
def test_a_defect_is_found_and_named(
    book: Book, defect: Callable[[Book], None], message: str
) -> None:
    defect(book)
    found = messages(book)
    assert len(found) == 1, found
    assert message in found[0]
    assert lint_sources.main(["--root", str(book.root)]) == 1


def test_a_folded_cell_may_follow_the_code_that_it_shows(book: Book) -> None:
    book.insert("checked", "code", "more", "x = 1", tags=["hide-input"])
    assert messages(book) == []


def test_an_entry_without_a_file_is_found(book: Book) -> None:
    (book.root / "book/intro.md").unlink()
    assert messages(book) == ["_toc.yml, book/intro: has no file .md or .ipynb"]
