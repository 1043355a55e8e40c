"""The lints on the book itself; `make check` runs the same from the command line."""

from __future__ import annotations

import pytest

from tools import equations, lint_site, lint_sources, normalise, stamp
from tools.notebooks import ROOT, read_config, toc_notebooks
from tools.problems import Problem


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


def test_the_repository_is_stated_only_in_the_configuration() -> None:
    url = read_config(ROOT)["repository"]["url"]
    for folder in ("helpers", "tools"):
        for path in (ROOT / folder).rglob("*.py"):
            assert url not in path.read_text(), path


def test_rendered_pages_pass_the_checks() -> None:
    if not (ROOT / "_build" / "site.digest").is_file():
        pytest.skip("the pages have not been rendered: make book")
    fail_with(lint_site.check(ROOT))
