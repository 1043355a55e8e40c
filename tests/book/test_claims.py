"""Claims of chapters: false ones fail, the record decides about training, links must agree."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from helpers.claims import MIME, claim
from helpers.claims import claims as show
from tests.book.conftest import CLEAN_UP, Book
from tools import build_site, claims, run_notebooks, unclaimed
from tools.reference_lists import claims_by_chapter

#: A cell that needs no package: it shows what `helpers.claims` would.
CELL = """from IPython.display import display

row = dict(name="less", sentence="Less.", text="Less: {{left}}.", relation="<", right=2.5)
row |= dict(left=seed, within=0, seeds={seeds}, holds=seed < 2.5, comparison=f"{{seed}} < 2.5")
bundle = {{"application/vnd.book.claims+json": [row], "text/html": "<p>less</p>"}}
display(bundle, raw=True)"""


def demo(book: Book, *made: Any, prose: str = "", tag: bool = True) -> tuple[Any, Any]:
    """The stored notebook with a cell of claims and a sentence, and the same executed."""
    notebook = book.notebook()
    cell = nbformat.v4.new_code_cell("claims(...)", metadata={"tags": ["claims"] if tag else []})
    cell["id"] = "claims"
    sentence = nbformat.v4.new_markdown_cell(prose)
    sentence["id"] = "sentence"
    notebook.cells += [cell, sentence]
    run = copy.deepcopy(notebook)
    bundle = show(*made)._repr_mimebundle_() if made else {"text/plain": "nothing"}
    run.cells[-2].outputs = [nbformat.v4.new_output("display_data", data=bundle)]
    return notebook, run


def problems(book: Book, *made: Any, **more: Any) -> list[str]:
    return [str(p) for p in claims.problems(book.root, book.chapter, *demo(book, *made, **more))]


def record(book: Book, name: str, margins: list[float]) -> None:
    """A committed record of one claim with these margins, on the left side 1, 2, … percent."""
    row = {
        "lefts": [0.01 * (i + 1) for i in range(len(margins))],
        "rights": [9.0] * len(margins),
        "margins": margins,
        "holds": [value > 0 for value in margins],
    }
    chapters = {book.chapter: {"stamp": "another", "claims": {name: row}}}
    book.write(claims.RECORD, json.dumps({"figures": chapters}))


def test_a_true_claim_is_no_problem_and_a_false_one_is_named_with_its_numbers(book: Book) -> None:
    assert problems(book, claim("a", "Yes.", 1, "<", 2)) == []
    assert problems(book, claim("a", "From {left} to {right}.", 3, "<", 2)) == [
        "book/demo, cell 9 (claims): claim 'a' is false: From 3.0 to 2.0. (3 < 2)"
    ]


def test_a_false_claim_about_training_fails_only_where_its_record_is_safe(book: Book) -> None:
    false = claim("a", "Trained.", 3, "<", 2, seeds=5)
    _, run = demo(book, false)
    assert problems(book, false) == []
    assert claims.notices(book.root, book.chapter, run) == [
        "book/demo: does not hold in this run: Trained. (3 < 2)"
    ]
    for margins in ([1, 9, 1, 9, 1], [9, 9, 9, 9, -1], [9, 9, 9, 9]):
        record(book, "a", margins)
        assert problems(book, false) == []
    record(book, "a", [8, 9, 8, 9, 8])
    assert problems(book, false) == [
        "book/demo, cell 9 (claims): claim 'a' is false: Trained. (3 < 2)"
    ]
    assert claims.notices(book.root, book.chapter, run) == []


def test_an_infinite_number_is_read_and_recorded(book: Book) -> None:
    _, run = demo(book, claim("a", "It overflows.", float("inf"), ">", 2, seeds=5))
    row = run.cells[-2].outputs[0].data[claims.MIME][0]
    row["left"] = "inf"  # as the kernel sends it
    result = {"stamp": "", "error": None, "seconds": 1.0, "claims": claims.claims_of(run)}
    made = claims.entry(dict.fromkeys(claims.SEEDS, result))
    assert made["claims"]["a"]["holds"] == [True] * 5
    json.dumps(made, allow_nan=False)
    assert not claims.is_safe(made["claims"]["a"])


def test_names_are_unique_and_the_tag_belongs_to_cells_that_show_claims(book: Book) -> None:
    one = claim("a", "Yes.", 1, "<", 2)
    assert "must be new here" in problems(book, one, one)[0]
    assert "must be new here" in problems(book, claim("A b", "Yes.", 1, "<", 2))[0]
    assert "shows claims without the tag" in problems(book, one, tag=False)[0]
    assert "shows no claims" in problems(book)[0]


@pytest.mark.parametrize(
    ("text", "agrees"),
    [("0.2", True), ("0.24", True), ("24 %", True), ("0.3", False), ("9", True), ("8", False)],
)
def test_a_number_that_links_to_a_claim_is_one_of_its_two(
    book: Book, text: str, agrees: bool
) -> None:
    made = claim("a", "Share.", 0.2437, "<", 9)
    found = problems(book, made, prose=f"It is [{text}](#claim-a), [clearly less](#claim-a).")
    assert (found == []) is agrees
    if not agrees:
        assert found[0].startswith(f"book/demo, cell 10 (sentence): says {text}, its claim 'a' has")


def test_a_number_of_a_claim_about_training_may_be_that_of_any_recorded_seed(book: Book) -> None:
    trained, always = (claim("a", "Share.", 0.07, "<", 9, seeds=s) for s in (5, None))
    record(book, "a", [1, 1, 1, 1, 1])
    assert problems(book, trained, prose="[0.03](#claim-a)") == []
    assert problems(book, trained, prose="[0.09](#claim-a)") != []
    assert problems(book, always, prose="[0.03](#claim-a)") != []


def test_a_link_to_a_claim_that_nobody_made_is_a_problem(book: Book) -> None:
    made = claim("a", "Yes.", 1, "<", 2)
    assert "links to claim 'b'" in problems(book, made, prose="[so](#claim-b)")[0]


def test_the_page_shows_the_claims_folded_with_their_record(book: Book) -> None:
    _, run = demo(book, claim("a", "Less <b>.", 1, "<", 2, seeds=5), prose="[1](#claim-a)")
    page = claims.shown(book.root, book.chapter, copy.deepcopy(run))
    cell, sentence = page.cells[-2:]
    assert cell.metadata.mystnb["code_prompt_show"] == "Checked claims (1)"
    assert "hide-cell" in cell.metadata.tags
    assert "Less &lt;b&gt;." in cell.outputs[0].data["text/html"]
    assert "not yet run with other seeds" in cell.outputs[0].data["text/html"]
    assert sentence.source == '<a class="claim" href="#claim-a">1</a>'
    record(book, "a", [8, 9, 8, -9, 8])
    page = claims.shown(book.root, book.chapter, copy.deepcopy(run))
    assert (
        "holds for 4 of 5 seeds, before the last change"
        in page.cells[-2].outputs[0].data["text/html"]
    )


def claiming(book: Book, seeds: int | None) -> None:
    """Give the fixture book a chapter that makes a claim about its seed."""
    book.source("setup", "import sys")
    book.source("parameters", "steps = 4\nseed = 0")
    book.insert("figure", "code", "less", CELL.format(seeds=seeds), tags=["claims"])


@pytest.mark.usefixtures("_collect_garbage")
class TestRuns:
    """What is executed."""

    pytestmark = CLEAN_UP

    def test_other_seeds_are_run_recorded_and_kept(
        self, book: Book, capsys: pytest.CaptureFixture[str]
    ) -> None:
        claiming(book, 3)
        (problem,) = claims.run_all(book.root, [book.chapter])
        assert "holds for 2 of 5 seeds: 1 < 2.5, 2 < 2.5, 3 < 2.5" in problem.message
        entry = claims.read_record(book.root)["figures"][book.chapter]
        assert entry["claims"]["less"]["holds"] == [True, True, False, False, False]
        assert entry["claims"]["less"]["margins"] == [1.5, 0.5, -0.5, -1.5, -2.5]
        assert entry["seeds"] == [1, 2, 3, 4, 5]
        capsys.readouterr()
        # Kept runs are not repeated.
        files = [book.root / f"_build/claims/{book.chapter}/seed-{i}.ipynb" for i in claims.SEEDS]

        def rerun() -> list[int]:
            before = [file.stat().st_mtime_ns for file in files]
            claims.run_all(book.root, [book.chapter])
            return [i for i, f, t in zip(claims.SEEDS, files, before) if f.stat().st_mtime_ns != t]

        assert rerun() == []
        # After a change of the code the first seed tells whether the numbers are the same.
        book.source("less", "same = 1\n" + CELL.format(seeds=2))
        assert rerun() == [1]
        entry = claims.read_record(book.root)["figures"][book.chapter]
        assert entry["claims"]["less"]["seeds"] == 2
        assert entry["claims"]["less"]["holds"] == [True, True, False, False, False]
        book.source("less", CELL.format(seeds=2).replace("left=seed", "left=2 * seed"))
        assert rerun() == [1, 2, 3, 4, 5]

    def test_a_seed_that_fails_is_recorded_and_the_others_run(self, book: Book) -> None:
        claiming(book, 1)
        book.source("checked", "assert seed != 2\nprint(2)")
        (problem,) = claims.run_all(book.root, [book.chapter])
        assert problem.place == "seed 2"
        assert "AssertionError" in problem.message
        entry = claims.read_record(book.root)["figures"][book.chapter]
        assert entry["claims"]["less"]["lefts"] == [1, 3, 4, 5]

    def test_the_build_refuses_a_false_claim_and_lists_true_ones(self, book: Book) -> None:
        claiming(book, None)
        book.write("book/claims.md", "# Claims\n\n```{claim-table}\n```\n")
        assert run_notebooks.run_all(book.root, [book.chapter]) == []
        ((claimed,),) = (chapter.entries for chapter in claims_by_chapter(book.root))
        assert claimed.row["text"].startswith("Less")
        assert claimed.always
        book.source("parameters", "steps = 4\nseed = 3")
        (problem,) = run_notebooks.run_all(book.root, [book.chapter])
        assert "claim 'less' is false" in problem.message


def test_sentences_that_claim_without_support_are_listed(book: Book) -> None:
    book.insert("title", "markdown", "far", "It is better than before. It is a cat. It took 12 s.")
    book.insert("end", "markdown", "more", "The loss is twice as large. See [so](#claim-a).")
    found = unclaimed.unclaimed(book.notebook())
    assert found == ["It is better than before."]


def test_the_package_and_the_build_agree_on_what_claims_look_like() -> None:
    assert claims.MIME == MIME


def test_the_site_depends_on_the_record() -> None:
    assert claims.RECORD in build_site.INGREDIENTS
    assert not Path(claims.RECORD).is_absolute()


def test_a_record_outlives_words_and_bounds_of_cells_and_no_change_of_the_program(
    book: Book,
) -> None:
    def mark(*sources: str) -> str:
        notebook = book.notebook()
        setup = [cell for cell in notebook.cells if cell.get("id") == "setup"]
        notebook.cells = setup + [nbformat.v4.new_code_cell(source) for source in sources]
        return claims.stamp(book.root, notebook)

    made = 'a = 1\nb = 2\nclaims(claim("less", "Less.", a, "<", b, seeds=4))'
    one = mark(made)
    assert mark("a = 1", "# another cell\nb = 2", made.split("\n")[2]) == one
    assert mark(made.replace("Less.", "Fewer."), "") == one
    assert mark(made.replace("seeds=4", "seeds=5")) == one
    assert mark("from helpers.plotting import diagram", "diagram({}, [])", made) == one
    assert mark("from helpers.plotting import curves", "curves([b])", made) != one
    for old, new in (("b = 2", "b = 3"), ('"<"', '"<="'), ('"less"', '"fewer"')):
        assert mark(made.replace(old, new)) != one


def test_a_digit_within_a_word_is_no_number(book: Book) -> None:
    made = claim("a", "Less.", 1.142, "<", 2.5)
    for prose in ("[bz2](#claim-a)", "[distinct-3](#claim-a)", "[1.14](#claim-a)"):
        assert problems(book, made, prose=prose) == []
    assert "says 7" in problems(book, made, prose="[7 nats](#claim-a)")[0]
