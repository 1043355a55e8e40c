"""The lints on the book itself; `make check` runs the same from the command line."""

from __future__ import annotations

import ast
import re
import shutil
import statistics
import subprocess

import pytest
from importlinter.cli import lint_imports
from pybtex.database import parse_file

from helpers.data import images
from tools import claims, equations, lint_docstrings, lint_site, lint_sources, normalise, stamp
from tools.notebooks import (
    ROOT,
    code_cells,
    is_folded,
    parameter_names,
    read,
    read_config,
    toc_notebooks,
)
from tools.problems import Problem
from tools.reference_lists import equations_by_chapter

#: Files of `helpers` without a test file at the same place in `tests`, each with its reason.
TESTED_ELSEWHERE: dict[str, str] = {}


def fail_with(problems: list[Problem]) -> None:
    """Fail with one line a problem."""
    if problems:
        pytest.fail("\n".join(map(str, problems)), pytrace=False)


def test_notebooks_are_in_normal_form() -> None:
    fail_with(normalise.check(ROOT, toc_notebooks(ROOT)))


def test_setup_cells_are_current() -> None:
    fail_with([p for chapter in toc_notebooks(ROOT) for p in stamp.check_chapter(ROOT, chapter)])


def test_each_numbered_equation_has_a_test_and_each_mark_an_equation() -> None:
    fail_with(equations.check(ROOT))


def test_sources_pass_the_lints() -> None:
    fail_with(lint_sources.check(ROOT))


def test_docstrings_pass_the_lints() -> None:
    fail_with(lint_docstrings.check(ROOT))


def test_imports_run_downward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0, "run: lint-imports"


def test_each_chapter_makes_claims_and_most_equations_are_evaluated() -> None:
    def made(chapter: str) -> int:
        cells = filter(claims.is_claims, code_cells(read(ROOT / f"{chapter}.ipynb")))
        calls = [node for cell in cells for node in ast.walk(ast.parse(cell.source))]
        return sum(isinstance(c, ast.Call) and ast.unparse(c.func) == "claim" for c in calls)

    count = {chapter: made(chapter) for chapter in toc_notebooks(ROOT)}
    assert {chapter: n for chapter, n in count.items() if n < 6} == {}
    assert sum(count.values()) >= 120
    found = [tested for chapter in equations_by_chapter(ROOT) for tested in chapter.entries]
    assert sum(tested.evaluated for tested in found) > len(found) / 2


def test_the_bibliography_can_be_read() -> None:
    path = ROOT / "book/references.bib"
    entries = re.findall(r"^@\w+\{([^,]+),", path.read_text(encoding="utf-8"), re.M)
    assert sorted(parse_file(str(path)).entries) == sorted(entries)


def test_each_file_of_helpers_has_its_tests_at_the_mirrored_place() -> None:
    files = [path.relative_to(ROOT / "helpers") for path in (ROOT / "helpers").rglob("*.py")]
    wanted = [f.with_name(f"test_{f.name}") for f in files if f.name != "__init__.py"]
    missing = [f.as_posix() for f in wanted if not (ROOT / "tests" / f).is_file()]
    assert sorted(set(missing) - set(TESTED_ELSEWHERE)) == []
    assert sorted(set(TESTED_ELSEWHERE) - set(missing)) == [], "no longer an exception"


def test_the_switch_to_mnist_is_promised_where_it_is() -> None:
    chapters = [
        c for c in toc_notebooks(ROOT) if "dataset" in parameter_names(read(ROOT / f"{c}.ipynb"))
    ]
    for name, pattern in (("README.md", r"`(book/\S+)`"), ("book/intro.md", r"\{doc\}`([^`]+)`")):
        text = (ROOT / name).read_text(encoding="utf-8")
        (sentence,) = re.findall(r"[^.;]*to\s+MNIST[^.;]*", text)
        named = [path.removeprefix("book/") for path in re.findall(pattern, sentence)]
        assert sorted(named) == sorted(c.removeprefix("book/") for c in chapters), name


def test_the_switch_offers_each_set_that_needs_no_folder() -> None:
    forms = []
    for chapter in toc_notebooks(ROOT):
        notebook = read(ROOT / f"{chapter}.ipynb")
        if "dataset" in parameter_names(notebook):
            text = "\n".join(cell.source for cell in code_cells(notebook))
            forms += re.findall(r'^dataset = "digits"  # @param (\[.*\])$', text, re.MULTILINE)
    assert forms == ['["digits", "mnist", "glyphs"]'] * 3
    for name in ast.literal_eval(forms[0]):
        assert name in (images.load.__doc__ or "")


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_an_environment_with_a_space_in_its_path_is_refused() -> None:
    command = ["make", "--dry-run", "VENV=my env", "check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 2
    assert 'VENV must be one path without a space, got "my env"' in done.stderr


def test_the_repository_is_stated_only_in_the_configuration() -> None:
    url = read_config(ROOT)["repository"]["url"]
    for folder in ("helpers", "tools"):
        for path in (ROOT / folder).rglob("*.py"):
            assert url not in path.read_text(encoding="utf-8"), path


def test_rendered_pages_pass_the_checks() -> None:
    if not (ROOT / "_build" / "site.digest").is_file():
        pytest.skip("the pages have not been rendered: make book")
    fail_with(lint_site.check(ROOT))


@pytest.mark.parametrize("chapter", toc_notebooks(ROOT))
def test_cells_that_a_reader_sees_are_short(chapter: str) -> None:
    cells = code_cells(read(ROOT / f"{chapter}.ipynb"))
    lines = [
        sum(bool(line.strip()) for line in cell.source.split("\n"))
        for cell in cells
        if not is_folded(cell)
    ]
    assert statistics.median(lines) <= 8
    assert max(lines) <= 17
