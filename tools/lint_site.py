"""Checks of the built site: it loads nothing from outside, no link is broken, nothing failed.

Run after the build: ``python -m tools.lint_site``.
"""

from __future__ import annotations

import argparse
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

from tools.notebooks import ROOT, toc_pages
from tools.problems import Problem, report

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


@cache
def _anchors(path: Path) -> frozenset[str]:
    """All names in a page that a link may end with."""
    found = set()
    for tag in _soup(path).find_all(True):
        for key in ("id", "name"):
            value = tag.get(key)
            if isinstance(value, str):
                found.add(value)
    return frozenset(found)


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


def link_problems(site: Path) -> list[Problem]:
    """Links, pictures, scripts and style sheets whose file or anchor is not in the site."""
    problems = []
    for path in _pages(site):
        for tag in _soup(path).find_all(["a", "img", "script", "link", "source", "iframe"]):
            for key in ("href", "src"):
                address = tag.get(key)
                if not isinstance(address, str) or not address or address.startswith("data:"):
                    continue
                message = broken(site, path, address, tag)
                if message:
                    problems.append(Problem(path.relative_to(site).as_posix(), "", message))
    return problems


def broken(site: Path, page: Path, address: str, tag: Tag) -> str | None:
    """What is wrong with one internal address, or None."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    label = f"<{tag.name}> {tag.get_text(' ', strip=True)[:40]!r} points to {address}"
    base = site if parts.path.startswith("/") else page.parent
    target = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else page
    if target.is_dir():
        target = target / "index.html"
    if not target.is_file():
        return f"{label}: no such file in the site"
    anchor = unquote(parts.fragment)
    if anchor and target.suffix == ".html" and anchor not in _anchors(target):
        if "headerlink" in (tag.get("class") or []) or anchor == "top":
            return None
        return f"{label}: the page has no such anchor"
    return None


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
    _anchors.cache_clear()
    problems = content_problems(site, toc_pages(root))
    return problems + outside_problems(site) + link_problems(site)


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.lint_site", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT)
    options = parser.parse_args(arguments)
    problems = check(options.root)
    return report("pages", problems, checked=f"{len(toc_pages(options.root))} pages")


if __name__ == "__main__":
    sys.exit(main())
