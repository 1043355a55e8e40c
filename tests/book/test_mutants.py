"""The tool that breaks the code on purpose, on a tree of two small files."""

from __future__ import annotations

import json
import multiprocessing
import sys
from pathlib import Path

import pytest

from tests import printed as pages
from tools import tex as formulas
from tools.mutants import __main__ as tool
from tools.mutants import at_random, printed
from tools.mutants.patches import Mutant, read, unfit

ROOT = Path(__file__).resolve().parents[2]

LIST = """
[[module]]
target = "helpers/half.py"
tests = ["tests/test_half.py"]

[[module.mutant]]
name = "a third"
old = "x / 2"
new = "x / 3"

[[module.mutant]]
name = "rounded"
old = '''
def half(x):
    return x / 2'''
new = '''
def half(x):
    return x // 2'''

[[module.mutant]]
name = "no program"
old = "return x"
new = "return ("
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {
        "pyproject.toml": "[tool.pytest.ini_options]\n",
        "helpers/__init__.py": "",
        "helpers/half.py": "def half(x):\n    return x / 2\n",
        "tests/conftest.py": (
            "def pytest_addoption(parser):\n    parser.addoption('--device', default='auto')\n"
        ),
        "tests/test_half.py": (
            "from helpers.half import half\n\n\ndef test_half():\n    assert half(4) == 2\n"
        ),
        "tools/mutants/half.toml": LIST,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_every_patch_of_the_book_fits_the_code() -> None:
    mutants = read(ROOT / "tools" / "mutants")
    assert unfit(ROOT, mutants) == []
    assert len({(mutant.target, mutant.name) for mutant in mutants}) == len(mutants)


def test_killed_surviving_and_broken_patches_are_told_apart(
    tree: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in tree.rglob("*.*")}
    assert tool.main([], root=tree) == 1
    out, err = capfd.readouterr()
    assert "1/3 killed   helpers/half.py: a third (test_half)" in out
    assert "2/3 survived helpers/half.py: rounded (no test failed)" in out
    assert "3/3 broken   helpers/half.py: no program" in out
    assert "1 of 3 killed" in out
    assert "mutants: survived helpers/half.py: rounded (no test failed)" in err
    assert {path: path.read_bytes() for path in tree.rglob("*.*")} == before


def test_patches_that_do_not_fit_are_errors(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "helpers" / "half.py").write_text("def half(x):\n    return 0.5 * x\n")
    assert tool.main([], root=tree) == 2
    err = capsys.readouterr().err
    assert "helpers/half.py, 'a third': the old text occurs 0 times, it must occur once" in err
    entry = Mutant("same", "helpers/half.py", ("tests/test_half.py",), "0.5", "0.5")
    assert unfit(tree, [entry]) == ["helpers/half.py, 'same': the new text is the old one"]
    gone = Mutant("gone", "helpers/third.py", (), "a", "b")
    assert unfit(tree, [gone]) == ["helpers/third.py, 'gone': there is no helpers/third.py"]


def test_the_code_must_pass_before_it_is_broken(
    tree: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tree / "tests" / "test_half.py").write_text("def test_half():\n    assert False\n")
    assert tool.main([], root=tree) == 2
    assert "the tests must pass before the code is broken" in capfd.readouterr().err


def test_an_unknown_list_is_named(tree: Path) -> None:
    with pytest.raises(SystemExit, match="no list called 'third'; there are half"):
        tool.main(["third"], root=tree)


CODE = '''
"""Two words: 1 + 1."""


def scale(x: int = 3, *, on: bool = True) -> "int | 1":
    """Not 2 * x."""
    if not on:
        raise ValueError(f"x must be {1 + 2}")
    return x * 2
'''


def test_random_changes_leave_docstrings_annotations_and_error_texts_alone(tmp_path: Path) -> None:
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers/scale.py").write_text(CODE, encoding="utf-8")
    names = [mutant.name for mutant in at_random.mutants_of(tmp_path, "helpers/scale.py")]
    assert sorted(names) == [
        "line 5: 3 -> (2)",
        "line 5: 3 -> 4",
        "line 5: True -> False",
        "line 7: not on -> (on)",
        "line 9: 2 -> (1)",
        "line 9: 2 -> 3",
        "line 9: return x * 2 -> return None",
        "line 9: x * 2 -> (x / 2)",
    ]


def test_random_changes_are_judged_by_the_mirrored_tests_and_equivalents_left_out(
    tree: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert at_random.main(["--number", "9"], root=tree) == 0
    out, _ = capfd.readouterr()
    assert "mutants: 4 of 4 changes, seed 0" in out
    assert "mutants: 4 of 4 killed (100.0%), 0 equivalent" in out
    lines = {"old": "return x / 2", "new": "return x / 3"}
    entry = {"target": "helpers/half.py", **lines, "why": "none"}
    (tree / "tools/mutants/equivalents.json").write_text(json.dumps([entry]), encoding="utf-8")
    (tree / "tests/test_half.py").write_text("def test_nothing():\n    pass\n", encoding="utf-8")
    assert at_random.main(["--number", "9"], root=tree) == 1
    out, err = capfd.readouterr()
    assert "mutants: 0 of 3 killed (0.0%), 1 equivalent" in out
    assert "survived   helpers/half.py, line 2: x / 2 -> (x * 2) (no test failed)" in err


def test_a_seed_draws_the_same_changes_of_lines_that_stay(tmp_path: Path) -> None:
    (tmp_path / "helpers").mkdir()
    file = tmp_path / "helpers/scale.py"
    file.write_text(CODE, encoding="utf-8")

    def drawn(seed: int) -> list[tuple[str, str, str]]:
        mutants = at_random.mutants_of(tmp_path, "helpers/scale.py")
        return [at_random.identity(mutant) for mutant in at_random.draw(mutants, 8, seed)]

    before = drawn(0)
    assert len(set(before)) == 8
    assert before != drawn(1)
    file.write_text(CODE.replace("x * 2", "x * 7").replace("    if", "\n    if"), encoding="utf-8")
    after = drawn(0)
    changed = "return x * "
    assert [c for c in before if changed not in c[1]] == [c for c in after if changed not in c[1]]


def test_a_change_over_several_lines_is_known_by_all_of_them() -> None:
    mutant = Mutant(
        "line 2", "a.py", (), "def f():\n    g(\n        1\n    )\n", "def f():\n    pass\n"
    )
    assert at_random.identity(mutant) == ("a.py", "g( 1 )", "pass")
    same = Mutant("line 1", "a.py", (), "x = 1\nx = 1\n", "x = 1\nx = 2\n")
    assert at_random.identity(same) == ("a.py", "x = 1", "x = 2")


def test_a_stopped_run_says_what_it_found(
    tree: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts = iter([("killed", "a test"), ("survived", "no test failed")])

    def judge(*_: object) -> tuple[str, str]:
        try:
            return next(verdicts)
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(at_random, "judge", judge)
    assert at_random.main([], root=tree) == 1
    out, err = capfd.readouterr()
    assert "mutants: stopped after 2 of 4" in out
    assert "mutants: 1 of 2 killed (50.0%)" in out
    assert "mutants: survived" in err


def test_equivalent_changes_are_those_of_the_code() -> None:
    entries = json.loads((ROOT / "tools/mutants/equivalents.json").read_text(encoding="utf-8"))
    assert all(entry["why"] for entry in entries)
    changes = {
        at_random.identity(mutant)
        for target in {entry["target"] for entry in entries}
        for mutant in at_random.mutants_of(ROOT, target)
    }
    assert at_random.known_equivalents(ROOT) <= changes, "lines that have changed since"


def test_a_printed_formula_is_changed_once_at_each_place() -> None:
    tex = r"y_i = \sum_{j=1}^n \frac{a}{b_j} f(x, -z)^{k} - \log u^2"
    found = {change.tex.partition("= ")[2] for change in printed.changes("eq-a-b", tex, 0, -1)}
    assert found == {
        r"\sum_{j=1}^n \frac{a}{b_j} f(x, -z)^{k} + \log u^2",
        r"\prod_{j=1}^n \frac{a}{b_j} f(x, -z)^{k} - \log u^2",
        r"\sum_{j={2}}^n \frac{a}{b_j} f(x, -z)^{k} - \log u^2",
        r"\sum_{j=1}^{n - 1} \frac{a}{b_j} f(x, -z)^{k} - \log u^2",
        r"\sum_{j=1}^n {1} f(x, -z)^{k} - \log u^2",
        r"\sum_{j=1}^n \frac{b_j}{a} f(x, -z)^{k} - \log u^2",
        r"\sum_{j=1}^n \frac{a}{b_{j + 1}} f(x, -z)^{k} - \log u^2",
        r"\sum_{j=1}^n \frac{a}{b_j} {1} - \log u^2",
        r"\sum_{j=1}^n \frac{a}{b_j} f(-z, x)^{k} - \log u^2",
        r"\sum_{j=1}^n \frac{a}{b_j} f(x, +z)^{k} - \log u^2",
        r"\sum_{j=1}^n \frac{a}{b_j} f(x, -z)^{{k + 1}} - \log u^2",
        r"\sum_{j=1}^n \frac{a}{b_j} f(x, -z)^{k} - \exp u^2",
        r"\sum_{j=1}^n \frac{a}{b_j} f(x, -z)^{k} - \log u^{3}",
    }


def test_formulas_beside_the_evaluated_side_are_listed() -> None:
    tex = r"H(p) = \sum_k p_k = 2 a, \qquad b = c \text{ and } \int"
    assert printed.left_out("eq-a-b", tex, {(0, 1)}) == ["eq-a-b, statement 0, side 2: 2 a"]


STRONG = '''
import math

import pytest

from tests.printed import tex


@pytest.mark.equation("eq-probability-half")
def test_gain():
    """A number."""
    assert math.isclose(tex("eq-probability-half")(D=6, h=0.3), 6 * math.log(1 / 0.3))
'''


def test_changes_of_the_print_are_noticed_by_strong_tests_only(
    tree: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mark = (
        "\n\ndef pytest_configure(config):\n    config.addinivalue_line('markers', 'equation: x')\n"
    )
    conftest = tree / "tests/conftest.py"
    conftest.write_text(conftest.read_text() + mark)
    for test, status, said in (
        (STRONG, 0, "mutants: 5 of 5 changes noticed (100.0%)"),
        (STRONG.replace("6 * math.log(1 / 0.3)", "7.2, rel_tol=0.6"), 1, "mutants: survived eq-"),
        (STRONG.replace("6 *", "5 *"), 2, "the tests must pass before the print is changed"),
    ):
        (tree / "tests/test_half.py").write_text(test)
        process = multiprocessing.get_context("fork").Process(target=judged, args=(tree,))
        process.start()
        process.join()
        output = "".join(capfd.readouterr())
        assert process.exitcode == status, output
        assert said in output
    assert "test_gain" in output


def judged(tree: Path) -> None:
    sys.dont_write_bytecode = True  # the test file changes twice in the same second
    sys.exit(printed.main([], root=tree))


def test_equivalent_changes_of_the_print_are_those_of_the_pages() -> None:
    known = printed.known_equivalents(ROOT)
    for label in {change.partition(",")[0] for change in known}:
        display = pages.display(label)
        sides = [
            (i, k)
            for i, statement in enumerate(formulas.read(display, label))
            for k in range(len(statement.sides))
        ]
        found = {str(c) for i, k in sides for c in printed.changes(label, display, i, k)}
        gone = {change for change in known if change.startswith(f"{label},")} - found
        assert not gone, f"no such changes any more: {gone}"
