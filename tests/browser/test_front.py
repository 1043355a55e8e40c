"""What links to a page show, icons, and what moves or sounds: with the keyboard too."""

from __future__ import annotations

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from PIL import Image

from tests.browser.viewer import Viewer
from tools.notebooks import toc_pages
from tools.published import site_address


def test_links_to_a_page_show_its_title_its_words_and_a_picture(viewer: Viewer, root: Path) -> None:
    site, seen = root / "_build" / "html", set()
    for name in toc_pages(root):
        page = BeautifulSoup((site / f"{name}.html").read_text("utf-8"), "html.parser")
        tags = {str(t["property"]): str(t["content"]) for t in page.select("meta[property^='og:']")}
        assert tags["og:title"] in page.select_one("h1").get_text(), name
        assert len(tags["og:description"]) > 20, name
        assert "$" not in tags["og:description"] + tags["og:title"], name
        assert tags["og:url"] == f"{site_address(root)}{name}.html"
        picture = site / tags["og:image"].removeprefix(site_address(root))
        with Image.open(picture) as opened:
            assert opened.size == (1200, 630)
            assert len(opened.getcolors() or []) > 4, f"the picture of {name} is empty"
        seen.add(picture.name)
    assert len(seen) > 10


def test_each_icon_is_in_its_font(viewer: Viewer, root: Path) -> None:
    page, _ = viewer.open("book/optimisation/gradient_methods.html")
    try:
        found = page.evaluate(
            """() => [...document.querySelectorAll("[class*='fa-'], .fas, .fab, .far")]
                .map((e) => [e.className, getComputedStyle(e, "::before")])
                .map(([name, s]) => [name, s.content, s.fontFamily, s.fontWeight])"""
        )
    finally:
        page.close()
    folder = root / "_build/html/_static/vendor/fontawesome/webfonts"
    fonts = {path.stem: TTFont(path).getBestCmap() for path in folder.glob("*.ttf")}
    assert found
    for name, content, family, weight in found:
        font = "fa-brands-400" if "Brands" in family else f"fa-{_STYLES[weight]}-{weight}"
        letter = content.strip('"')
        assert len(letter) == 1, f"{name} has no icon: {content}"
        assert ord(letter) in fonts[font], f"{name} is not in {font}"


_STYLES = {"400": "regular", "900": "solid"}


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_the_race_of_the_methods_is_started_by_keyboard(viewer: Viewer, key: str) -> None:
    page, _ = viewer.open("book/optimisation/gradient_methods.html")
    try:
        button = page.get_by_role("button", name="Race")
        place = "() => document.querySelector('svg circle animate').parentElement.cx.animVal.value"
        start = page.evaluate(place)
        button.focus()
        page.keyboard.press(key)
        page.wait_for_function(f"(start) => ({place})() !== start", arg=start)
    finally:
        page.close()


def test_players_show_how_long_a_sound_is(viewer: Viewer) -> None:
    page, _ = viewer.open("book/applications/speech.html")
    try:
        page.wait_for_function(
            "() => [...document.querySelectorAll('audio')].every((a) => a.duration > 0.05)"
        )
        player = page.locator("audio").first
        player.focus()
        page.keyboard.press("Space")
        page.wait_for_function("() => document.querySelector('audio').played.length > 0")
        assert player.get_attribute("aria-label")
    finally:
        page.close()
