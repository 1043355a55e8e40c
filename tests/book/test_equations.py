"""The registry of equations: labels in the sources against marks in the tests."""

from __future__ import annotations

import pytest

from tests.book.conftest import Book
from tools import equations
from tools.reference_lists import equations_by_chapter, source_address


def messages(book: Book) -> list[str]:
    return [str(problem) for problem in equations.check(book.root)]


def test_a_label_with_a_marked_test_is_fine(book: Book) -> None:
    assert messages(book) == []
    assert equations.main(["--root", str(book.root)]) == 0


def test_an_equation_without_a_test_is_reported_at_its_cell(book: Book) -> None:
    book.write("tests/test_demo.py", "def test_sum(): ...\n")
    assert messages(book) == [
        "book/demo, cell 4 (maths): equation 'eq-demo-sum' has no test marked with it"
    ]
    assert equations.main(["--root", str(book.root)]) == 1


def test_a_mark_without_an_equation_is_reported_at_its_line(book: Book) -> None:
    text = (book.root / "tests/test_demo.py").read_text()
    extra = '\n\n@pytest.mark.equation("eq-demo-gone")\ndef test_gone():\n    """A sum."""\n'
    book.write("tests/test_demo.py", text + extra)
    (message,) = messages(book)
    assert message.startswith("tests/test_demo.py, line 10 (test_gone): no page has the equation")


def test_a_marked_test_must_say_what_it_compares_with(book: Book) -> None:
    text = (book.root / "tests/test_demo.py").read_text()
    book.write("tests/test_demo.py", text.replace('"""An enumeration of all terms."""', "..."))
    (message,) = messages(book)
    assert "needs a docstring that says what 'eq-demo-sum' is compared with" in message


def test_the_same_label_twice_is_reported(book: Book) -> None:
    book.source("end", "$$ a $$ (eq-demo-sum)")
    (message,) = messages(book)
    assert "cell 8 (end): label 'eq-demo-sum' is already in book/demo" in message


@pytest.mark.parametrize("label", ["elbo", "eq-elbo", "eq:vae:elbo", "eq-vae-Elbo"])
def test_a_label_has_a_fixed_form(book: Book, label: str) -> None:
    book.source("end", f"$$ a $$ ({label})")
    assert any("must look like eq-<chapter>-<name>" in message for message in messages(book))


@pytest.mark.parametrize("name", ["align", "equation", "gather"])
def test_a_number_without_a_label_is_reported(book: Book, name: str) -> None:
    book.source("end", f"\\begin{{{name}}}\na &= b\n\\end{{{name}}}")
    (message,) = messages(book)
    assert message.startswith(f"book/demo, cell 8 (end): \\begin{{{name}}} is numbered")


def test_an_aligned_formula_within_dollars_is_not_numbered(book: Book) -> None:
    book.source("end", "$$\n\\begin{align}\na &= b\n\\end{align}\n$$")
    assert messages(book) == []


def test_both_ways_of_writing_a_label_are_read_in_order() -> None:
    text = (
        "$$ a $$ (eq-x-one)\n\n```{math}\n:label: eq-x-two\nb\n```\n\n$$\nc\n$$ (eq-x-three)\n"
        "```python\n$$ no $$ (eq-x-code)\n```\nand `$$ no $$ (eq-x-inline)` in code"
    )
    assert equations.labels_in(text) == [("eq-x-one", "a"), ("eq-x-two", "b"), ("eq-x-three", "c")]


def test_labels_of_markdown_pages_count_too(book: Book) -> None:
    book.write("book/intro.md", "# The book\n\n$$ a $$ (eq-intro-a)\n")
    assert messages(book) == ["book/intro: equation 'eq-intro-a' has no test marked with it"]


def demo_test(book: Book, mark: str, body: str = "    pass") -> None:
    text = f'import pytest\n\n\n{mark}\ndef test_sum():\n    """A sum."""\n{body}\n'
    book.write("tests/test_demo.py", text)


def test_an_equation_is_evaluated_or_frozen(book: Book) -> None:
    demo_test(book, '@pytest.mark.equation("eq-demo-sum")')
    (message,) = messages(book)
    assert "test_demo.py, line 5 (test_sum): equation 'eq-demo-sum' of book/demo is" in message
    assert "neither evaluated nor frozen: call tex('eq-demo-sum') in the test, or" in message
    now = equations.digest("a+b=c")
    assert f"write frozen='{now}' into the mark" in message
    for mark, body in ((f', frozen="{now}"', "    pass"), ("", '    assert tex("eq-demo-sum")')):
        demo_test(book, f'@pytest.mark.equation("eq-demo-sum"{mark})', body)
        assert messages(book) == []


def test_a_frozen_equation_that_changes_is_reported(book: Book) -> None:
    book.source("maths", "The sum.\n\n$$\na - b = c\n$$ (eq-demo-sum)\n")
    (message,) = messages(book)
    assert "(test_sum): equation 'eq-demo-sum' of book/demo has changed: read it" in message
    assert message.endswith(f"then write frozen='{equations.digest('a - b = c')}'")
    book.source("maths", "The sum.\n\n$$\n a+b =c $$ (eq-demo-sum)\n")
    assert messages(book) == []


def test_an_evaluated_equation_needs_no_digest(book: Book) -> None:
    now = equations.digest("a + b = c")
    mark = f'@pytest.mark.equation("eq-demo-sum", frozen="{now}")'
    demo_test(book, mark, '    assert tex("eq-demo-sum")(a=1) == 2')
    (message,) = messages(book)
    assert f"is evaluated: leave out frozen='{now}'" in message


def test_one_evaluating_test_binds_the_print_for_all(book: Book) -> None:
    demo_test(book, '@pytest.mark.equation("eq-demo-sum")', '    tex("eq-demo-sum", side=0)')
    mark = 'import pytest\n\n\n@pytest.mark.equation("eq-demo-sum")\n'
    text = f'{mark}class TestMore:\n    """More."""\n'
    book.write("tests/test_more.py", text)
    assert messages(book) == []
    ((tested,),) = (chapter.entries for chapter in equations_by_chapter(book.root))
    assert tested.evaluated


def test_several_marks_and_class_marks_are_read(book: Book) -> None:
    mark = "@pytest.mark.equation"
    book.write(
        "tests/models/test_more.py",
        f'import pytest\n{mark}("eq-a-b", "eq-a-c")\n{mark}("eq-a-d")\n'
        'class TestIt:\n    """Sums."""\n',
    )
    found = {mark.label for mark in equations.marks(book.root)}
    assert found == {"eq-a-b", "eq-a-c", "eq-a-d", "eq-demo-sum"}


def test_equations_are_listed_with_their_oracle_and_place(book: Book) -> None:
    (chapter,) = equations_by_chapter(book.root)
    assert (chapter.page, chapter.title) == ("book/demo", "Demo")
    (tested,) = chapter.entries
    assert tested.equation.label == "eq-demo-sum"
    assert not tested.evaluated
    (mark,) = tested.marks
    assert (mark.compares, mark.file, mark.line) == (
        "An enumeration of all terms.",
        "tests/test_demo.py",
        5,
    )


def test_a_test_is_shown_in_the_repository_of_the_configuration(book: Book) -> None:
    address = source_address(book.root, "tests/test_demo.py", 5)
    assert address == "https://github.com/OWNER/REPO/blob/main/tests/test_demo.py#L5"
