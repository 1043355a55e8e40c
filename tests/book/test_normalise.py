"""The normal form of the notebooks: what is removed, what stays, what is reported."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest

from tests.book.conftest import Book
from tools import normalise


def spoil(book: Book, change: Any) -> None:
    """Write the notebook as an editor would, without the normal form."""
    notebook = book.notebook()
    change(notebook)
    book.path.write_text(nbformat.v4.writes(notebook) + "\n")


def stored_in_untagged(notebook: Any) -> None:
    cell = next(c for c in notebook.cells if c.id == "parameters")
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="noise")]


def timings(notebook: Any) -> None:
    notebook.cells[1].metadata["execution"] = {"iopub.status.busy": "2026-01-01"}


def editor_metadata(notebook: Any) -> None:
    notebook.metadata["language_info"] = {"name": "python", "version": "3.12.1"}


def execution_counts(notebook: Any) -> None:
    next(c for c in notebook.cells if c.id == "checked").execution_count = 41


def duplicate_ids(notebook: Any) -> None:
    notebook.cells[3]["id"] = "title"


@pytest.mark.parametrize(
    "change", [stored_in_untagged, timings, editor_metadata, execution_counts, duplicate_ids]
)
def test_what_is_not_normal_is_reported_and_repaired(book: Book, change: Any) -> None:
    assert normalise.check(book.root, [book.chapter]) == []
    spoil(book, change)
    (problem,) = normalise.check(book.root, [book.chapter])
    assert problem.chapter == book.chapter
    assert "python -m tools.normalise --write" in problem.message
    assert normalise.main(["--write", "--root", str(book.root)]) == 0
    assert normalise.check(book.root, [book.chapter]) == []


def test_the_report_names_the_cell(book: Book) -> None:
    spoil(book, stored_in_untagged)
    (problem,) = normalise.check(book.root, [book.chapter])
    assert problem.place == "cell 3 (parameters)"


def test_another_layout_of_the_file_is_reported(book: Book) -> None:
    book.path.write_text(book.path.read_text().replace("\n ", "\n  "))
    (problem,) = normalise.check(book.root, [book.chapter])
    assert problem.place == "the file's layout or metadata"


def test_checked_outputs_and_ids_stay(book: Book) -> None:
    notebook = normalise.normalised(book.notebook())
    checked = book.cell(notebook, "checked")
    assert checked.outputs[0].text == "2\n"
    assert checked.execution_count == 3
    assert [c.id for c in notebook.cells][:3] == ["title", "setup", "parameters"]


def test_streams_that_arrived_in_pieces_are_joined(book: Book) -> None:
    notebook = book.notebook()
    piece = nbformat.v4.new_output("stream", name="stdout", text="1\n")
    book.cell(notebook, "checked").outputs = [piece, piece]
    outputs = book.cell(normalise.normalised(notebook), "checked").outputs
    assert [output.text for output in outputs] == ["1\n1\n"]


def test_the_normal_form_is_its_own_normal_form(book: Book) -> None:
    once = normalise.normalised(book.notebook())
    assert normalise.text_of(once) == normalise.text_of(normalise.normalised(once))


def test_a_pasted_picture_is_refused_and_stays(
    book: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    def paste(notebook: Any) -> None:
        notebook.cells[0]["attachments"] = {"graph.png": {"image/png": "iVBORw0KGgo="}}

    spoil(book, paste)
    before = book.path.read_bytes()
    (problem,) = normalise.check(book.root, [book.chapter])
    assert "cell 1 (title) holds a pasted picture (graph.png)" in problem.message
    assert normalise.main(["--write", "--root", str(book.root)]) == 1
    assert "book/demo: cell 1 (title) holds a pasted picture" in capsys.readouterr().err
    assert book.path.read_bytes() == before
