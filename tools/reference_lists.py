"""What the pages ``reference/equations`` and ``reference/claims`` list, chapter by chapter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from tools import claims, equations
from tools.claims import Row
from tools.equations import Equation, Mark
from tools.notebooks import read, read_config, toc_notebooks
from tools.results import Store

T = TypeVar("T")


@dataclass(frozen=True)
class Tested:
    """An equation with the tests that are marked with it."""

    equation: Equation
    marks: list[Mark]

    @property
    def evaluated(self) -> bool:
        """Whether a test computes with the formula as it is printed."""
        return any(mark.evaluates for mark in self.marks)


@dataclass(frozen=True)
class Claimed:
    """A claim of the page's run with its record: `held` of `seeds`, both 0 without a record."""

    row: Row
    held: int
    seeds: int

    @property
    def always(self) -> bool:
        """Whether the claim depends on no draw, so that each build checks it."""
        return self.row["seeds"] is None


@dataclass(frozen=True)
class Chapter(Generic[T]):
    """The entries of one page; `current`: no record of it is older than its program."""

    page: str
    title: str
    entries: list[T]
    current: bool = True


def title_of(root: Path, page: str) -> str:
    """The first heading of a page."""
    lines = (line for _, text in equations.page_texts(root, page) for line in text.splitlines())
    return next((line[2:].strip() for line in lines if line.startswith("# ")), page)


def equations_by_chapter(root: Path) -> list[Chapter[Tested]]:
    """All equations of the book, in its order."""
    tests: dict[str, list[Mark]] = {}
    for mark in equations.marks(root):
        tests.setdefault(mark.label, []).append(mark)
    pages: dict[str, list[Tested]] = {}
    for equation in equations.equations(root):
        tested = Tested(equation, tests.get(equation.label, []))
        pages.setdefault(equation.page, []).append(tested)
    return [Chapter(page, title_of(root, page), found) for page, found in pages.items()]


def claims_by_chapter(root: Path) -> list[Chapter[Claimed]]:
    """All claims of the kept runs, in the order of the book."""
    chapters, store, record = [], Store(root), claims.read_record(root)["figures"]
    for page in toc_notebooks(root):
        run = store.executed(page)
        kept = record.get(page, {})
        entries = []
        for row in claims.claims_of(run) if run else []:
            holds = kept.get("claims", {}).get(row["name"], {}).get("holds", [])
            entries.append(Claimed(row, sum(holds), len(holds)))
        if entries:
            stamp = claims.stamp(root, read(root / f"{page}.ipynb"))
            current = not kept or kept.get("stamp") == stamp
            chapters.append(Chapter(page, title_of(root, page), entries, current))
    return chapters


def source_address(root: Path, file: str, line: int) -> str:
    """Where the publisher's repository shows a line of a file."""
    repository = read_config(root)["repository"]
    below = "/".join(part for part in (repository.get("path_to_book", ""), file) if part)
    return f"{repository['url']}/blob/{repository['branch']}/{below}#L{line}"
