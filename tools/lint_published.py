"""Checks of the published copies against the site: nothing raw, same numbers, links that resolve.

Run after the build: ``python -m tools.lint_published``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from tools import command
from tools.notebooks import Notebook, cell_name, code_cells, read
from tools.problems import Problem
from tools.published import FOLDER, LIMIT, site_address

#: What MyST alone understands, and links without words.
RAW = re.compile(r"\{[\w:.+-]+\}`|^\s*:::|^\s*(?:```+|~~~+)\{|^\([\w:-]+\)=\s*$|\]\(#|\[\]\(", re.M)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@cache
def _ids(page: Path) -> frozenset[str]:
    return frozenset(re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8")))


def texts(copy: Notebook) -> Iterator[tuple[str, str]]:
    """Place and text of each Markdown cell, without the pictures within it."""
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"^\[[\w.-]+\]: data:\S+$", "", cell.source, flags=re.M)
            yield cell_name(copy, cell), text


def broken_link(address: str, base: str, site: Path) -> str | None:
    """Why a link into the site leads nowhere, or None; links to elsewhere are not followed."""
    if not address.startswith(base):
        return None if re.match(r"https?://|mailto:", address) else "is no address of the site"
    path, _, anchor = address.removeprefix(base).partition("#")
    page = site / path
    if not page.is_file():
        return "is no page of the site"
    if anchor and unquote(anchor) not in _ids(page):
        return "is no place on that page"
    return None


def numbers_on_page(page: Path) -> tuple[list[str], list[str]]:
    """The numbers of the formulas and of the figures, in their order."""
    text = page.read_text(encoding="utf-8")
    formulas = re.findall(r'class="eqno">\(([\d.]+)\)', text)
    return formulas, re.findall(r'class="caption-number">(Fig\. [\d.]+) ', text)


def check_chapter(root: Path, chapter: str, base: str) -> list[Problem]:
    """What is wrong with the copy of one chapter."""
    path, site = root / FOLDER / f"{chapter}.ipynb", root / "_build" / "html"
    if not path.is_file():
        return [Problem(f"{FOLDER}/{chapter}", "", "was not written; run: make book")]
    copy, stored = read(path), read(root / f"{chapter}.ipynb")
    found: list[tuple[str, str]] = []
    if path.stat().st_size > LIMIT + 1:
        found.append(("", f"has {path.stat().st_size} bytes, more than {LIMIT}"))
    if [c.source for c in code_cells(copy)] != [c.source for c in code_cells(stored)]:
        found.append(("", "its code cells are not those of the chapter"))
    for place, text in texts(copy):
        found += [(place, f"shows raw MyST: {m[0].strip()!r}") for m in RAW.finditer(text)]
        for address in _LINK.findall(text):
            if why := broken_link(address, base, site):
                found.append((place, f"{address} {why}"))
    whole = "\n".join(text for _, text in texts(copy))
    formulas, figures = numbers_on_page(site / f"{chapter}.html")
    pairs = (
        ("formulas", re.findall(r"\\tag\{(.*?)\}", whole), formulas),
        ("figures", re.findall(r"^\*\*(Fig\. [\d.]+?)\.\*\* ", whole, re.M), figures),
    )
    for name, here, there in pairs:
        if here != there:
            wrong = sorted(set(here) ^ set(there)) or "their order"
            found.append(("", f"numbers of {name} differ from those of the page: {wrong}"))
    return [Problem(f"{FOLDER}/{chapter}", place, message) for place, message in found]


def check(root: Path, chapters: list[str]) -> list[Problem]:
    """What is wrong with the copies of these chapters."""
    _ids.cache_clear()
    base = site_address(root)
    return [problem for chapter in chapters for problem in check_chapter(root, chapter, base)]


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    return command.run("lint_published", check, arguments)


if __name__ == "__main__":
    sys.exit(main())
