"""Each check of the pages finds what it is for, on small pages that have exactly one fault."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from helpers.plotting.player import wav_bytes
from tests.browser import checks
from tests.browser.viewer import Record, Viewer, served

PIXEL = base64.b64encode(
    b'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100" viewBox="0 0 200 100">'
    b'<g transform="scale(0.1 -0.1)"/>'
    b'<rect width="200" height="100" fill="GROUND"/><circle cx="99" cy="50" r="40"/></svg>'
).decode()
PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A page</title>
<link rel="icon" href="data:,">
<style>body {{ margin: 0; background: #fff; color: #000; }} p {{ margin: 1em 0; }}</style>
</head><body><main><article>{}</article></main></body></html>"""


def svg(ground: str) -> str:
    """A picture of a dark disc on this ground, as an address."""
    text = base64.b64decode(PIXEL).replace(b"GROUND", ground.encode())
    return "data:image/svg+xml;base64," + base64.b64encode(text).decode()


def tone(seconds: float) -> str:
    """A sound wave of this length, as an address."""
    content = wav_bytes(torch.sin(torch.arange(max(1, round(8000 * seconds))) * 0.3 + 0.1))
    return "data:audio/wav;base64," + base64.b64encode(content).decode()


SOUND = (
    "<p>Text with <code>code</code> of 5 $ and 6 $.</p>"
    f'<figure><img alt="a disc" src="{svg("white")}">'
    "<figcaption>Fig. 1 A disc</figcaption></figure>"
    '<div class="math" id="equation-eq-a"><span class="eqno">(1.1)</span>'
    "<mjx-container style='display:block'>x = y</mjx-container></div>"
    '<p>See <a class="reference internal" href="#equation-eq-a">(1.1)</a>.</p>'
    f'<audio controls preload="metadata" aria-label="a tone" src="{tone(0.2)}"></audio>'
)
FAULTS = {
    "a formula that is not set": (checks.formulas, '<span class="math">x</span>', "is not set"),
    "a formula of no size": (
        checks.formulas,
        '<div class="math"><mjx-container style="display:none">x</mjx-container></div>',
        "has no size",
    ),
    "a formula with an error": (
        checks.formulas,
        '<span class="math"><mjx-container><mjx-merror data-mjx-error="Undefined \\foo">x'
        "</mjx-merror></mjx-container></span>",
        "Undefined",
    ),
    "an unknown command in a formula": (
        checks.formulas,
        "<span class='math'><mjx-container><mjx-mtext style='color: red;'>\\foo</mjx-mtext>"
        "</mjx-container></span>",
        "formula has an error",
    ),
    "a sound that hides its length": (
        checks.players,
        f'<audio controls preload="none" aria-label="a tone" src="{tone(0.2)}"></audio>',
        "shows no length",
    ),
    "dollars": (checks.formulas, "<p>so $$x = y$$ holds</p>", "shown as text"),
    "a bare formula": (checks.formulas, "<p>so \\(x\\) holds</p>", "shown as text"),
    "a wide table": (
        checks.page_width,
        "<table><tr><td style='min-width:2000px'>wide</td></tr></table>",
        "too wide: <table>",
    ),
    "a box that sticks out": (
        checks.clipped,
        "<div style='overflow:hidden'><p style='margin-right:-80px'>long</p></div>",
        "is cut at the right",
    ),
    "a cut line": (
        checks.clipped,
        "<div style='height:10px;overflow:hidden'><p>one</p><p>two</p></div>",
        "is cut at the bottom",
    ),
    "a formula cut at the left": (
        checks.clipped,
        '<div class="math" style="overflow:auto"><mjx-container style="display:block;width:200px">'
        '<mjx-math style="display:block;width:300px;margin-left:-50px">x</mjx-math>'
        "</mjx-container></div>",
        "begins outside its box",
    ),
    "a long line of code": (
        checks.clipped,
        f"<pre style='overflow:auto'>{'x' * 400}</pre>",
        "wide",
    ),
    "a missing picture": (checks.images, '<img alt="gone" src="gone.png">', "was not loaded"),
    "no alt text": (checks.images, f'<img src="{svg("white")}">', "has no alt text"),
    "a distorted picture": (
        checks.images,
        f'<img alt="a disc" width="150" height="150" src="{svg("white")}">',
        "is distorted",
    ),
    "a shrunken picture": (
        checks.images,
        f'<img alt="a disc" width="60" src="{svg("white")}">',
        "is shrunk",
    ),
    "an empty caption": (
        checks.images,
        "<figure><figcaption> </figcaption></figure>",
        "empty caption",
    ),
    "a dark ground": (
        checks.grounds,
        f'<img alt="a disc" src="{svg("#222")}">',
        "ground of its own",
    ),
    "small letters": (
        checks.letters,
        f'<img alt="a disc" width="100" src="{svg("white")}">',
        "letters of 5.0 px",
    ),
    "a bright box": (
        checks.figure_grounds,
        f'<figure><img alt="a disc" style="background:#fff" src="{svg("white")}"></figure>',
        "stands on rgb(255, 255, 255)",
    ),
    "a figure of pixels": (
        checks.figure_grounds,
        '<figure><img alt="gone" src="gone.png"></figure>',
        "is no drawing",
    ),
    "grey on grey": (checks.contrast, "<p style='color:#aaa'>pale</p>", "contrast 2.3"),
    "no number": (
        checks.references,
        '<div class="math" id="equation-eq-b">y</div>',
        "equation-eq-b has no number",
    ),
    "a number twice": (
        checks.references,
        '<div class="math" id="equation-eq-b"><span class="eqno">(1.1)</span></div>',
        "are both (1.1)",
    ),
    "a wrong number": (
        checks.references,
        '<a class="reference internal" href="#equation-eq-a">(1.2)</a>',
        "which is (1.1)",
    ),
    "a player without a label": (
        checks.players,
        f'<audio controls src="{tone(0.2)}"></audio>',
        "an audio player has no label",
    ),
    "a sound that is none": (
        checks.players,
        '<audio controls aria-label="odd" src="data:audio/wav;base64,AAAA"></audio>',
        "sound odd cannot be played: failed",
    ),
    "a sound of no length": (
        checks.players,
        f'<audio controls aria-label="short" src="{tone(0.01)}"></audio>',
        "sound short lasts 0.01",
    ),
    "a link to nowhere": (
        checks.references,
        '<a class="reference internal" href="#gone">there</a>',
        "no such place",
    ),
}
REQUESTS = {
    "an outside script": ('<script src="http://example.org/a.js"></script>', "outside address"),
    "a missing file": ('<script src="gone.js"></script>', "status 404"),
    "a message in the console": ("<script>console.error('broken')</script>", "console: error"),
    "an exception": ("<script>gone()</script>", "gone is not defined"),
}
CHECKS = (
    checks.formulas,
    checks.page_width,
    checks.clipped,
    checks.images,
    checks.players,
    checks.grounds,
    checks.letters,
    checks.figure_grounds,
    checks.contrast,
    checks.references,
)


@pytest.fixture(scope="module")
def show(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Open a page with this text in its article."""
    folder: Path = tmp_path_factory.mktemp("site")
    pages = []
    with served(folder) as address:
        viewer = Viewer(browser, address)

        def show(text: str) -> tuple[Any, Record]:
            name = f"page-{len(pages)}.html"
            (folder / name).write_text(PAGE.format(text), encoding="utf-8")
            page, record = viewer.open(name)
            pages.append(page)
            return page, record

        yield show
        viewer.close()


def test_a_sound_page_passes(show: Callable[..., Any]) -> None:
    page, record = show(SOUND)
    assert [line for check in CHECKS for line in check(page)] == []
    assert record.problems() == []


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(show: Callable[..., Any], fault: str) -> None:
    check, text, message = FAULTS[fault]
    found = check(show(SOUND + text)[0])
    assert found, "nothing was found"
    assert any(message in line for line in found), found


@pytest.mark.parametrize("fault", REQUESTS)
def test_request_is_recorded(show: Callable[..., Any], fault: str) -> None:
    text, message = REQUESTS[fault]
    page, record = show(SOUND + text)
    page.wait_for_timeout(50)
    assert any(message in line for line in record.problems()), record
