"""The site, the browser and the pages; without them these tests are skipped, or fail on demand."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser.viewer import HEIGHT, Record, Viewer, browsing, chromium, served
from tools.notebooks import ROOT, toc_pages


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--browser-required",
        action="store_true",
        default=os.environ.get("BROWSER_REQUIRED", "") not in ("", "0"),
        help="fail instead of skip where Chromium or the built site is absent",
    )
    parser.addoption(
        "--book-root",
        type=Path,
        default=ROOT,
        help="the book whose pages are looked at (in its _build/html)",
    )


def _option(config: pytest.Config, name: str, default: Any) -> Any:
    """The value of an option; pytest knows it only if this folder is named in the command."""
    return config.getoption(name, default=default)


def book_root(config: pytest.Config) -> Path:
    """The folder with ``_toc.yml`` and ``_build/html``."""
    return Path(_option(config, "--book-root", ROOT)).resolve()


def absent(config: pytest.Config, reason: str) -> None:
    """Skip, or fail if these tests must run."""
    required = os.environ.get("BROWSER_REQUIRED", "") not in ("", "0")
    if _option(config, "--browser-required", required):
        pytest.fail(f"{reason} (and --browser-required was given)", pytrace=False)
    pytest.skip(reason)


@dataclass
class View:
    """One page at one width, open in the browser."""

    name: str
    width: int
    page: Any
    record: Record


@pytest.fixture(scope="session")
def root(request: pytest.FixtureRequest) -> Path:
    """The book's root."""
    return book_root(request.config)


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The one browser of the whole run."""
    if importlib.util.find_spec("playwright") is None:
        absent(request.config, "the package playwright is not installed")
    if chromium() is None:
        absent(request.config, "Chromium is not installed (or name it in CHROMIUM)")
    with browsing() as started:
        yield started


@pytest.fixture(scope="session")
def viewer(request: pytest.FixtureRequest, root: Path, browser: Any) -> Iterator[Viewer]:
    """The built site, served on this computer only."""
    site = root / "_build" / "html"
    missing = [page for page in toc_pages(root) if not (site / f"{page}.html").is_file()]
    if missing:
        absent(request.config, f"{site} is not built (no page {missing[0]}): make book")
    with served(site) as address:
        viewer = Viewer(browser, address)
        yield viewer
        viewer.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each page at each width; tests of one page follow each other, so that it is opened once."""
    if "view" in metafunc.fixturenames:
        pages = toc_pages(book_root(metafunc.config))
        values = [(page, width) for page in pages for width in HEIGHT]
        ids = [f"{page.removeprefix('book/')}-{width}" for page, width in values]
        metafunc.parametrize("view", values, ids=ids, indirect=True, scope="session")


@pytest.fixture(scope="session")
def view(request: pytest.FixtureRequest, viewer: Viewer) -> Iterator[View]:
    """A page at a width, with all folds open, in light colours."""
    name, width = request.param
    page, record = viewer.open(f"{name}.html", width=width)
    yield View(name, width, page, record)
    page.close()


def set_scheme(page: Any, scheme: str) -> None:
    """Change the system's colours, and wait until the page has followed."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(
        "(scheme) => document.documentElement.dataset.theme === scheme",
        arg=scheme,
        timeout=15_000,
    )


@pytest.fixture
def dark(view: View) -> Iterator[View]:
    """The same page for a reader whose system is dark."""
    set_scheme(view.page, "dark")
    yield view
    set_scheme(view.page, "light")
