"""Figures on the pages: letters large enough, no ground of their own; no page is heavy."""

from __future__ import annotations

import gzip
from pathlib import Path
from urllib.parse import urlparse

from tests.browser import checks
from tests.browser.conftest import View
from tests.browser.test_site import fail_with

#: Bytes that a server sends for a page with everything on it.
HEAVIEST = 1_200_000
_PACKED = {".woff2", ".woff", ".png", ".jpg", ".gif", ".webp"}


def test_letters_in_figures_can_be_read(view: View) -> None:
    fail_with(view, checks.letters(view.page))


def test_figures_have_no_ground(view: View) -> None:
    fail_with(view, checks.figure_grounds(view.page))


def test_page_is_not_heavy(view: View, root: Path) -> None:
    script = "() => performance.getEntriesByType('resource').map((entry) => entry.name)"
    site, weights = root / "_build" / "html", {}
    for address in {view.page.url, *view.page.evaluate(script)}:
        path = site / urlparse(address).path.lstrip("/")
        if path.is_file():
            content = path.read_bytes()
            packed = path.suffix in _PACKED
            weights[path.name] = len(content) if packed else len(gzip.compress(content))
    heavy = sorted(weights, key=lambda name: -weights[name])[:4]
    total = sum(weights.values())
    listed = ", ".join(f"{name} {weights[name] / 1e3:.0f} kB" for name in heavy)
    message = f"weighs {total / 1e6:.2f} MB compressed, more than {HEAVIEST / 1e6:.1f}: {listed}"
    fail_with(view, [message] if total > HEAVIEST else [])
