"""What an executed notebook must show, on notebooks whose outputs are written by hand."""

from __future__ import annotations

import copy
from typing import Any

import nbformat
import pytest

from tests.book.conftest import Book
from tools import outputs
from tools.problems import Problem


def stream(text: str, name: str = "stdout") -> Any:
    return nbformat.v4.new_output("stream", name=name, text=text)


def picture() -> Any:
    return nbformat.v4.new_output("display_data", data={"image/png": "x", "text/plain": "<Figure>"})


@pytest.fixture
def run(book: Book) -> Any:
    """A good execution of the fixture chapter."""
    executed = copy.deepcopy(book.notebook())
    book.cell(executed, "figure").outputs = [picture()]
    return executed


def test_a_good_execution_has_no_problem(book: Book, run: Any) -> None:
    stored = book.notebook()
    assert outputs.stderr_problems(book.chapter, run) == []
    assert outputs.figure_problems(book.chapter, run) == []
    assert outputs.checked_problems(book.chapter, stored, run) == []
    assert outputs.stored_problems(book.chapter, stored) == []


def test_stderr_is_found(book: Book, run: Any) -> None:
    book.cell(run, "parameters").outputs = [stream("UserWarning: old\n", "stderr")]
    (problem,) = outputs.stderr_problems(book.chapter, run)
    assert str(problem) == ("book/demo, cell 3 (parameters): writes to stderr: UserWarning: old")


def test_a_bare_value_is_found(book: Book, run: Any) -> None:
    def value(data: dict[str, str]) -> Any:
        return nbformat.v4.new_output("execute_result", data=data, execution_count=1)

    cell = book.cell(run, "parameters")
    cell.outputs = [value({"text/html": "<b>3</b>", "text/plain": "<HTML>"}), stream("3")]
    assert outputs.value_problems(book.chapter, run) == []
    cell.outputs = [value({"text/plain": "{'loss': [1.0]}"})]
    (problem,) = outputs.value_problems(book.chapter, run)
    assert problem.place == "cell 3 (parameters)"
    assert problem.message == """shows a bare value, "{'loss': [1.0]}": end it with ;"""


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        (("figure", "name"), "figure.name"),
        (("figure", "caption"), "figure.caption"),
        (("image", "alt"), "image.alt"),
    ],
)
def test_a_picture_must_be_described(
    book: Book, run: Any, path: tuple[str, str], missing: str
) -> None:
    del book.cell(run, "figure").metadata.mystnb[path[0]][path[1]]
    (problem,) = outputs.figure_problems(book.chapter, run)
    assert problem.place == "cell 7 (figure)"
    assert problem.message == f"the figure lacks {missing} (cell metadata mystnb)"


def test_a_picture_from_any_cell_must_be_described(book: Book, run: Any) -> None:
    book.cell(run, "parameters").outputs = [picture()]
    (problem,) = outputs.figure_problems(book.chapter, run)
    fields = "figure.name, figure.caption, image.alt"
    assert problem.message == f"the figure lacks {fields} (cell metadata mystnb)"


def test_two_pictures_in_a_cell_are_found(book: Book, run: Any) -> None:
    book.cell(run, "figure").outputs = [picture(), picture()]
    (problem,) = outputs.figure_problems(book.chapter, run)
    assert problem.message == "makes 2 pictures: draw one figure"


def test_a_tampered_stored_output_is_found(book: Book, run: Any) -> None:
    stored = book.notebook()
    book.cell(stored, "checked").outputs = [stream("3\n")]
    (problem,) = outputs.checked_problems(book.chapter, stored, run)
    assert problem.place == "cell 5 (checked)"
    assert "stored: '3'" in problem.message
    assert "now:    '2'" in problem.message


def test_of_long_outputs_the_difference_is_shown() -> None:
    shown = outputs.difference("x" * 10**6 + "old", "x" * 10**6 + "new")
    assert len(shown) < 1000
    assert "xold'" in shown
    assert "xnew'" in shown


def test_a_long_message_is_cut(book: Book) -> None:
    text = str(Problem("book/demo", "cell 1", "a" * 10**6 + "end"))
    assert len(text) < 4000
    assert "997,003 characters left out" in text
    assert text.endswith("end")


@pytest.mark.parametrize(
    ("made", "message"),
    [([], "is checked but prints nothing"), ([picture()], "is checked but makes a picture")],
)
def test_a_checked_cell_must_print_text(
    book: Book, run: Any, made: list[Any], message: str
) -> None:
    book.cell(run, "checked").outputs = made
    (problem,) = outputs.checked_problems(book.chapter, book.notebook(), run)
    assert problem.message == message


def test_a_checked_cell_without_stored_output_is_found(book: Book) -> None:
    stored = book.notebook()
    book.cell(stored, "checked").outputs = []
    (problem,) = outputs.stored_problems(book.chapter, stored)
    assert str(problem) == "book/demo, cell 5 (checked): is checked but has no stored output"


def test_the_text_of_a_cell_joins_what_it_prints_and_returns() -> None:
    cell = nbformat.v4.new_code_cell()
    value = nbformat.v4.new_output("execute_result", data={"text/plain": "5"}, execution_count=1)
    cell.outputs = [stream("a\n"), stream("warn", "stderr"), value]
    assert outputs.text_of(cell) == "a\n5"


def test_outputs_are_stored_in_checked_cells_only(book: Book, run: Any) -> None:
    kept = outputs.with_outputs(book.notebook(), run, only_checked=True)
    assert book.cell(kept, "figure").outputs == []
    full = outputs.with_outputs(book.notebook(), run, only_checked=False)
    assert book.cell(full, "figure").outputs == [picture()]
