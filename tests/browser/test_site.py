"""The built pages as a reader sees them: wide and narrow, light and dark, without a network."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.browser import checks
from tests.browser.conftest import View
from tests.browser.viewer import Viewer
from tools.notebooks import read_config, toc_notebooks
from tools.published import FOLDER

VAE = "book/models/vae"


def fail_with(view: View, problems: list[str]) -> None:
    """Fail with one line a problem, each with its page."""
    if problems:
        lines = [f"{view.name} at {view.width} px: {line}" for line in problems]
        pytest.fail("\n".join(lines), pytrace=False)


def test_loads_everything_from_the_site_and_without_errors(view: View) -> None:
    fail_with(view, view.record.problems())


def test_formulas_are_set(view: View) -> None:
    fail_with(view, checks.formulas(view.page))


def test_page_is_not_scrolled_sideways(view: View) -> None:
    fail_with(view, checks.page_width(view.page))


def test_nothing_is_cut_off(view: View) -> None:
    fail_with(view, checks.clipped(view.page))


def test_pictures_are_loaded_and_described(view: View) -> None:
    fail_with(view, checks.images(view.page))


def test_sounds_can_be_played(view: View) -> None:
    fail_with(view, checks.players(view.page))


def test_equations_are_numbered_and_references_lead_there(view: View) -> None:
    fail_with(view, checks.references(view.page))


def test_light_colours_can_be_read(view: View) -> None:
    assert view.page.locator("html").get_attribute("data-theme") == "light"
    fail_with(view, checks.grounds(view.page) + checks.contrast(view.page))


def test_dark_colours_can_be_read(dark: View) -> None:
    assert dark.page.locator("html").get_attribute("data-theme") == "dark"
    fail_with(dark, checks.grounds(dark.page) + checks.contrast(dark.page))


def test_a_chapter_can_be_opened_in_colab_and_downloaded(view: View, root: Path) -> None:
    colab = view.page.locator("a[href^='https://colab.research.google.com']")
    download = view.page.locator(".btn-download-source-button")
    if view.name not in toc_notebooks(root):
        assert colab.count() == 0, "a page that is not a notebook offers Colab"
        return
    config = read_config(root)
    repository = config["repository"]
    path = repository["url"].removeprefix("https://github.com/")
    branch = config["sphinx"]["config"]["book_colab_branch"] or repository["branch"]
    assert colab.first.get_attribute("href") == (
        f"https://colab.research.google.com/github/{path}/blob/{branch}/{view.name}.ipynb"
    )
    for menu, button in ((".dropdown-launch-buttons", colab), (".dropdown-download-buttons", None)):
        view.page.locator(f"{menu} > button").click()
        entry = button.first if button else view.page.locator(f"{menu} .btn-download-source-button")
        entry.wait_for(state="visible")
        box = entry.bounding_box()
        assert box is not None
        assert box["x"] >= 0, f"the menu {menu} opens outside the window"
        assert box["x"] + box["width"] <= view.width, f"the menu {menu} opens outside the window"
        view.page.keyboard.press("Escape")
    answer = view.page.request.get(
        view.page.evaluate("e => e.href", download.first.element_handle())
    )
    assert answer.ok, f"the download button of {view.name} leads nowhere"
    copy = json.loads((root / FOLDER / f"{view.name}.ipynb").read_text(encoding="utf-8"))
    assert json.loads(answer.body()) == copy, "the download is not the published copy"


def test_folded_cells_and_answers_open(viewer: Viewer) -> None:
    page, _ = viewer.open(f"{VAE}.html", unfold=False)
    try:
        folds = page.locator("main details.hide")
        assert folds.count() > 0
        first = folds.first
        code = first.locator(".cell_input, .highlight").first
        assert not code.is_visible(), "a folded cell is open at first"
        first.locator("summary").click()
        code.wait_for(state="visible")
        answer = page.locator("main details.answer").first
        hidden = answer.locator("p").first
        assert not hidden.is_visible(), "an answer is open at first"
        answer.locator("> summary").click()
        hidden.wait_for(state="visible")
    finally:
        page.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_search_finds_posterior_collapse(viewer: Viewer, width: int) -> None:
    page, record = viewer.open("book/intro.html", width=width)
    try:
        # Two buttons lead to the search; which one is shown depends on the width.
        page.locator(".search-button__button:visible").first.click()
        page.locator("input[type=search]:visible").first.fill("posterior collapse")
        page.keyboard.press("Enter")
        page.wait_for_url("**/search.html?q=*")
        results = page.locator("#search-results li a")
        results.first.wait_for()
        found = [re.sub(r"[?#].*", "", link.evaluate("e => e.href")) for link in results.all()]
        assert f"{viewer.address}/{VAE}.html" in found, found
        assert record.problems() == []
    finally:
        page.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_dark_switch_works_and_is_remembered(viewer: Viewer, width: int) -> None:
    page, record = viewer.open("book/intro.html", width=width)
    try:
        theme = page.locator("html")
        seen = {}
        for _ in range(3):  # light, dark, the system's choice
            page.locator(".theme-switch-button:visible").first.click()
            mode = theme.get_attribute("data-mode")
            ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
            seen[mode] = (theme.get_attribute("data-theme"), ground)
        assert set(seen) == {"light", "dark", "auto"}
        assert (seen["light"][0], seen["dark"][0]) == ("light", "dark")
        assert seen["light"][1] != seen["dark"][1]
        while theme.get_attribute("data-mode") != "dark":
            page.locator(".theme-switch-button:visible").first.click()
        page.reload()
        assert theme.get_attribute("data-theme") == "dark", "the choice is forgotten"
        assert record.problems() == []
    finally:
        page.evaluate("() => localStorage.clear()")
        page.close()
