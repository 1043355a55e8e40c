"""The reference pages and the glossary's entries in the text, in the browser."""

from __future__ import annotations

import pytest

from tests.browser.viewer import Viewer

VAE = "book/models/vae.html"
ENTRY = "#glossary-entry"


@pytest.mark.parametrize("width", [1280, 390])
def test_chapters_of_equations_unfold_together_and_by_address(viewer: Viewer, width: int) -> None:
    path = "book/reference/equations.html"
    page, record = viewer.open(path, width=width, unfold=False)
    try:
        folds, opened = "section.listing > details", "section.listing > details[open]"
        assert page.locator(opened).count() == 0
        assert page.evaluate("document.scrollingElement.scrollHeight") < 3000
        button = page.locator(".fold-all")
        button.click()
        assert page.locator(opened).count() == page.locator(folds).count() >= 14
        button.click()
        assert page.locator(opened).count() == 0
        page.goto(f"{viewer.address}/{path}#listed-eq-vae-elbo")
        page.locator("#listed-eq-vae-elbo mjx-container").wait_for(state="visible")
        assert page.locator(opened).count() == 1
        assert record.problems() == []
    finally:
        page.close()


def test_entry_of_a_term_on_focus_and_hover_until_escape(viewer: Viewer) -> None:
    page, record = viewer.open(VAE, unfold=False)
    try:
        links = page.locator("a.glossary-term")
        assert 8 <= links.count() <= 20
        link, entry = links.nth(2), page.locator(ENTRY)
        link.focus()
        assert entry.get_attribute("role") == "tooltip"
        assert link.get_attribute("aria-describedby") == "glossary-entry"
        assert len(entry.inner_text()) > 20
        page.keyboard.press("Escape")
        assert entry.count() == 0
        assert link.get_attribute("aria-describedby") is None

        link.scroll_into_view_if_needed()
        link.hover()
        entry.hover()  # the pointer may rest on the entry
        page.wait_for_timeout(400)
        assert entry.is_visible()
        page.mouse.move(1, 1)
        entry.wait_for(state="detached")
        assert record.problems() == []
    finally:
        page.close()


def test_links_to_terms_lead_to_their_entries(viewer: Viewer) -> None:
    page, _ = viewer.open(VAE, unfold=False)
    try:
        targets = page.eval_on_selector_all("a.glossary-term", "e => e.map(l => l.href)")
    finally:
        page.close()
    page, _ = viewer.open("book/reference/glossary.html")
    try:
        for target in targets:
            address, _, name = target.partition("#")
            assert address.endswith("book/reference/glossary.html")
            assert page.evaluate("id => document.getElementById(id) !== null", name), target
        assert len(set(targets)) == len(targets)
        for link in page.locator("nav.letters a").all():
            assert page.locator(link.get_attribute("href")).count() == 1
    finally:
        page.close()


def test_an_entry_stays_on_a_narrow_page(viewer: Viewer) -> None:
    page, _ = viewer.open(VAE, width=390, unfold=False)
    try:
        for link in page.locator("a.glossary-term").all():
            link.focus()
            box = page.locator(ENTRY).bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    finally:
        page.close()


def test_numbers_of_the_status_are_named_on_a_narrow_page(viewer: Viewer) -> None:
    page, _ = viewer.open("book/reference/status.html", width=390)
    try:
        names = page.locator(".status-table thead th").all_text_contents()
        cells = page.locator(".status-table tbody tr").first.locator("td").all()
        shown = [
            cell.evaluate("e => getComputedStyle(e, '::before').content.replaceAll('\"', '')")
            for cell in cells[1:]
        ]
        assert shown == [" ".join(name.split()) for name in names[1:]]
    finally:
        page.close()
