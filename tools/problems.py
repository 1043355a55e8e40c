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
        return f"{where}: {shortened(self.message)}"


def shortened(text: str, limit: int = 3000) -> str:
    """The two ends of a text that is too long for a message."""
    if len(text) <= limit:
        return text
    left_out = f"\n… {len(text) - limit:,} characters left out …\n"
    return text[: limit // 2] + left_out + text[-limit // 2 :]


def report(title: str, problems: Sequence[Problem], *, checked: str) -> int:
    """Print all problems, or one line that says what was checked; return the exit status."""
    if not problems:
        print(f"{title}: {checked}, no problem")
        return 0
    for problem in problems:
        print(f"{title}: {problem}", file=sys.stderr)
    print(f"{title}: {len(problems)} problem{'s' if len(problems) > 1 else ''}", file=sys.stderr)
    return 1
