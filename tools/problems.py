"""What a check found and where: every failure of the build names chapter, cell and error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One finding: the file or chapter, the place in it (a cell, a line, a link), what is wrong."""

    chapter: str
    place: str
    message: str

    def __str__(self) -> str:
        where = f"{self.chapter}, {self.place}" if self.place else self.chapter
        return f"{where}: {self.message}"


def report(title: str, problems: Sequence[Problem], *, checked: str) -> int:
    """Print all problems, or one line that says what was checked; return the exit status."""
    if not problems:
        print(f"{title}: {checked}, no problem")
        return 0
    for problem in problems:
        print(f"{title}: {problem}", file=sys.stderr)
    print(f"{title}: {len(problems)} problem{'s' if len(problems) > 1 else ''}", file=sys.stderr)
    return 1
