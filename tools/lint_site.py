"""Checks of the built site: it loads nothing from outside, pictures are described, nothing failed.

Broken references are not its business: Sphinx refuses them (``-W -n``).
Run after the build: ``python -m tools.lint_site``.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag

from tools import command
from tools.notebooks import toc_pages
from tools.problems import Problem

_OUTSIDE = re.compile(r"^(?:https?:)?//", re.I)
_LOADED = ("src", "data-src", "poster", "srcset", "data")
#: `link` elements that only name another page; a browser does not load them.
_NAMES = frozenset({"index", "search", "next", "prev", "canonical", "author", "help"})
_CSS = re.compile(r"(?:@import\s+|url\(\s*)[\"']?((?:https?:)?//[^\s\"')]+)", re.I)
#: A script that fetches: an address handed to a loader, not one that is merely mentioned.
_FETCH = re.compile(
    r"(?:fetch|import|importScripts|\.src\s*=|\.href\s*=)\s*\(?\s*[\"'`]((?:https?:)?//[^\"'`\s]+)"
)


@cache
def _soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def _pages(site: Path) -> list[Path]:
    return sorted(p for p in site.rglob("*.html") if "_static" not in p.relative_to(site).parts)


def outside_in_page(tag: Tag) -> list[str]:
    """The addresses outside the site that a browser would load for this element."""
    found = []
    for name in _LOADED:
        value = tag.get(name)
        if isinstance(value, str) and _OUTSIDE.match(value):
            found.append(value)
    if tag.name == "link":
        kinds: Any = tag.get("rel") or []
        address = tag.get("href")
        if isinstance(address, str) and _OUTSIDE.match(address) and not set(kinds) & _NAMES:
            found.append(address)
    text = tag.string or ""
    if tag.name == "style":
        found += _CSS.findall(text)
    if isinstance(tag.get("style"), str):
        found += _CSS.findall(str(tag["style"]))
    if tag.name == "script" and "application/json" not in str(tag.get("type")):
        found += _FETCH.findall(text)
    return found


def outside_problems(site: Path) -> list[Problem]:
    """Everything that the pages or their style sheets would load from another host."""
    problems = []
    for path in _pages(site):
        for tag in _soup(path).find_all(True):
            for address in outside_in_page(tag):
                message = f"<{tag.name}> loads from outside: {address[:120]}"
                problems.append(Problem(path.relative_to(site).as_posix(), "", message))
    for path in sorted(site.rglob("*.css")):
        for address in _CSS.findall(path.read_text(encoding="utf-8", errors="replace")):
            name = path.relative_to(site).as_posix()
            problems.append(Problem(name, "", f"loads from outside: {address[:120]}"))
    return problems


def content_problems(site: Path, pages: list[str]) -> list[Problem]:
    """Missing pages, error output, unresolved references and pictures without alt text."""
    problems = []
    for name in pages:
        path = site / f"{name}.html"
        if not path.is_file():
            problems.append(Problem(name, "", "was not built"))
            continue
        soup = _soup(path)
        for tag in soup.select(".output.stderr, .output.traceback"):
            message = f"shows error output: {tag.get_text(' ', strip=True)[:120]}"
            problems.append(Problem(name, "", message))
        for tag in soup.select(".system-message, .problematic"):
            message = f"shows a message of Sphinx: {tag.get_text(' ', strip=True)[:120]}"
            problems.append(Problem(name, "", message))
        for tag in soup.select("article img, main img"):
            if not str(tag.get("alt") or "").strip():
                problems.append(Problem(name, "", f"picture {tag.get('src')} has no alt text"))
            elif str(tag["alt"]).startswith(("../", "_images/")):
                problems.append(Problem(name, "", f"alt text is a file name: {tag['alt']}"))
    return problems


def check(root: Path) -> list[Problem]:
    """All checks of the built site."""
    site = root / "_build" / "html"
    if not site.is_dir():
        return [Problem("_build/html", "", "there is no site; run: make book")]
    _soup.cache_clear()
    return content_problems(site, toc_pages(root)) + outside_problems(site)


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    return command.run("lint_site", lambda root, pages: check(root), arguments, pages=toc_pages)


if __name__ == "__main__":
    sys.exit(main())
