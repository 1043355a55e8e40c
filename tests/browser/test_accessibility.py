"""Every page for the keyboard, the screen reader and the telephone, as axe-core judges it."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from tests.browser.conftest import View, absent
from tests.browser.test_site import fail_with
from tests.browser.viewer import Viewer

_AXE = """async (contrast) => {
    const options = {resultTypes: ["violations"], preload: false};
    if (!contrast) options.rules = {"color-contrast": {enabled: false}};
    const {violations} = await axe.run(document, options);
    return violations.filter((v) => ["serious", "critical"].includes(v.impact))
        .flatMap((v) => v.nodes.slice(0, 5).map((n) => `${v.id}: ${n.html.slice(0, 160)}`));
}"""
#: Boxes that scroll sideways although nothing shows it, or without a way in for the keyboard.
_SCROLLERS = """() => {
    const found = [], stop = "a[href], button, input, summary, audio, video, [tabindex='0']";
    for (const e of document.querySelectorAll("article *")) {
        if (!e.checkVisibility() || e.scrollWidth <= e.clientWidth + 12 || !e.clientWidth) continue;
        if (!["auto", "scroll"].includes(getComputedStyle(e).overflowX)) continue;
        const name = `${e.tagName} ${e.className} ${e.textContent.trim().slice(0, 50)}`;
        if (e.tabIndex < 0 && !e.querySelector(stop)) found.push("no way in by keyboard: " + name);
        if (!e.matches(".more-right, .more-left")) found.push("no sign that it scrolls: " + name);
    }
    return found;
}"""


@pytest.fixture(scope="module")
def axe(request: pytest.FixtureRequest) -> str:
    """The program axe-core."""
    try:
        return str(importlib.import_module("axe_playwright_python.base").AXE_SCRIPT)
    except ModuleNotFoundError:
        absent(request.config, "the package axe-playwright-python is not installed")
        raise


def serious(page: Any, axe: str, *, contrast: bool) -> list[str]:
    """The serious findings of axe-core, with or without those on contrast."""
    page.evaluate(axe)
    found: list[str] = page.evaluate(_AXE, contrast)
    return found


def test_nothing_serious(view: View, axe: str) -> None:
    """Contrast, which takes most of the time, once a page; `checks.contrast` looks at it always."""
    if view.width == 768:
        pytest.skip("between the two others")
    fail_with(view, serious(view.page, axe, contrast=view.width == 390))


def test_what_scrolls_is_reached_and_shown(view: View) -> None:
    view.page.wait_for_timeout(50)  # the boxes that were opened are measured after the next frame
    fail_with(view, view.page.evaluate(_SCROLLERS))


def test_formulas_are_no_tab_stops(view: View) -> None:
    stops = view.page.locator("mjx-container[tabindex='0']:not([data-scrolls])").count()
    assert stops == 0, f"{stops} formulas are tab stops"


def test_nothing_moves_where_less_motion_is_asked_for(viewer: Viewer) -> None:
    page, _ = viewer.open("book/models/rnn.html", width=390)
    try:
        folds = "[...document.querySelectorAll('main details[open]')]"
        reopened = f"for (const fold of {folds}) fold.open = false, fold.open = true"
        moving = "document.getAnimations().map((a) => a.animationName ?? a.transitionProperty)"
        found = page.evaluate(f"() => {{ {reopened}; return {moving} }}")
        assert found == []
    finally:
        page.close()


def test_an_answer_is_opened_and_closed_by_the_keyboard(viewer: Viewer) -> None:
    page, _ = viewer.open("book/models/vae.html", unfold=False)
    try:
        answer = page.locator("main details.answer").nth(1)
        label = answer.locator("> summary")
        assert label.inner_text() == "Answer to exercise 2"
        label.focus()
        page.keyboard.press("Enter")
        answer.locator(".cell_input").first.wait_for(state="visible")
        page.keyboard.press("Enter")
        answer.locator(".cell_input").first.wait_for(state="hidden")
    finally:
        page.close()
