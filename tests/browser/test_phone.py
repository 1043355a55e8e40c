"""A telephone: formulas in lines, code that wraps, tables that fit, controls in sight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.viewer import Viewer

CHAPTERS = ("models/gan", "models/rnn", "applications/handwriting")


@pytest.fixture(scope="module", params=CHAPTERS)
def chapter(request: pytest.FixtureRequest, viewer: Viewer) -> Iterator[Any]:
    """A chapter at the width of a telephone."""
    page, _ = viewer.open(f"book/{request.param}.html", width=390)
    yield page
    page.close()


def test_no_displayed_formula_is_cut(chapter: Any) -> None:
    """The parts of each display end inside its box, and none is smaller than 0.7 of its size."""
    cut = chapter.evaluate(
        """() => [...document.querySelectorAll("div.math mjx-container[display='true']")]
            .filter((m) => {
                const range = document.createRange();
                range.selectNodeContents(m.querySelector("mjx-math"));
                return range.getBoundingClientRect().width > m.clientWidth + 2
                    || parseFloat(m.style.fontSize) < 0.69 * parseFloat(m.dataset.size);
            })
            .map((m) => m.closest("div.math").id)"""
    )
    assert cut == []


def test_breaks_leave_the_formula_as_it_was(chapter: Any) -> None:
    """On a wide page no trace of the breaks remains."""
    assert chapter.locator(".formula-break").count() > 0
    chapter.set_viewport_size({"width": 1280, "height": 900})
    chapter.wait_for_function("() => !document.querySelector('.formula-break, .formula-opened')")
    chapter.set_viewport_size({"width": 390, "height": 844})
    chapter.wait_for_function("() => document.querySelector('.formula-break')")


def test_code_wraps_and_its_text_stays_the_same(chapter: Any) -> None:
    """No code leaves its box, and what is copied has its own lines."""
    wide, lines = chapter.evaluate(
        """() => {
            const all = [...document.querySelectorAll(".cell_input pre")];
            return [all.filter((pre) => pre.scrollWidth > pre.clientWidth + 2).length,
                all.every((pre) => [...pre.querySelectorAll(".code-line")]
                    .every((line, k, lines) => k === lines.length - 1
                        || line.textContent.indexOf("\\n") === line.textContent.length - 1))];
        }"""
    )
    assert wide == 0
    assert lines


def test_tables_of_results_fit(chapter: Any) -> None:
    """A table is as wide as its box, or a stack of cards whose numbers have names."""
    wide = chapter.evaluate(
        """() => [...document.querySelectorAll("table.results, table.table")]
            .filter((t) => t.checkVisibility() && t.getBoundingClientRect().right > innerWidth)
            .map((t) => t.textContent.slice(0, 60))"""
    )
    assert wide == []
    unnamed = chapter.locator("table.cards td[data-label='']:not(:first-child)")
    assert unnamed.count() == 0


def test_controls_of_a_laboratory_stand_above_its_plots(viewer: Viewer) -> None:
    """A slider and what it changes are in sight together."""
    page, _ = viewer.open("book/models/gan.html", width=390)
    tops = page.evaluate(
        """() => ["controls", "buttons", "plots"].map((name) => document
            .querySelector(`.laboratory-${name}`).getBoundingClientRect().top)"""
    )
    page.close()
    assert tops == sorted(tops)
