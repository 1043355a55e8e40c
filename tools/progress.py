"""The display of a run: one line when a chapter begins or ends, and on a terminal a live line."""

from __future__ import annotations

import sys
import threading
import time
from typing import TextIO


def duration(seconds: float) -> str:
    """A length of time for reading: ``48 s``, ``2 min 05 s``."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


class Progress:
    """Says which chapters run, how long they took, and what is left.

    Args:
        expected: Seconds that each chapter is expected to take (from its last run or metadata).
        workers: How many run at a time.
        stream: Where the lines go; a terminal also gets a line that is rewritten.
    """

    def __init__(
        self, expected: dict[str, float], *, workers: int, stream: TextIO | None = None
    ) -> None:
        self._expected = expected
        self._workers = workers
        self._stream = stream or sys.stdout
        self._lock = threading.Lock()
        self._started: dict[str, float] = {}
        self._cells: dict[str, tuple[int, int]] = {}
        self._finished = 0
        self._left = dict(expected)
        self._live = self._stream.isatty()

    def begin(self, chapter: str) -> None:
        """A chapter has started."""
        with self._lock:
            self._started[chapter] = time.monotonic()
            self._line(f"  start {chapter}, about {duration(self._expected[chapter])}")

    def cell(self, chapter: str, done: int, total: int) -> None:
        """A chapter has come to its code cell number `done` of `total`."""
        with self._lock:
            self._cells[chapter] = (done, total)
            if self._live:
                states = [f"{c.split('/')[-1]} {d}/{t}" for c, (d, t) in self._cells.items()]
                self._stream.write(f"\r\033[K  cells: {', '.join(states)}")
                self._stream.flush()

    def end(self, chapter: str, message: str) -> None:
        """A chapter is finished; `message` says how."""
        with self._lock:
            self._finished += 1
            self._cells.pop(chapter, None)
            self._left.pop(chapter, None)
            took = time.monotonic() - self._started[chapter]
            self._line(
                f"  [{self._finished}/{len(self._expected)}] {chapter}: {message},"
                f" {duration(took)}{self._rest()}"
            )

    def _rest(self) -> str:
        if not self._left:
            return ""
        now = time.monotonic()
        waiting = [
            max(0.0, seconds - (now - self._started.get(chapter, now)))
            for chapter, seconds in self._left.items()
        ]
        seconds = max(sum(waiting) / self._workers, *waiting, 0.0)
        return f"; {len(self._left)} left, about {duration(seconds)}"

    def _line(self, text: str) -> None:
        start = "\r\033[K" if self._live else ""
        self._stream.write(f"{start}{text}\n")
        self._stream.flush()
