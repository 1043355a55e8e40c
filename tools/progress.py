"""The display of a run: one line when a chapter begins or ends, with what is left."""

from __future__ import annotations

import threading
import time


def duration(seconds: float) -> str:
    """A length of time for reading: ``48 s``, ``2 min 05 s``."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


class Progress:
    """Says which chapters run, how long they took, and what is left.

    Args:
        expected: Seconds that each chapter is expected to take (from its last run or metadata).
        workers: How many run at a time.
    """

    def __init__(self, expected: dict[str, float], *, workers: int) -> None:
        self._left, self._workers, self._total = dict(expected), workers, len(expected)
        self._lock = threading.Lock()
        self._started: dict[str, float] = {}

    def begin(self, chapter: str) -> None:
        """A chapter has started."""
        with self._lock:
            self._started[chapter] = time.monotonic()
            print(f"  start {chapter}, about {duration(self._left[chapter])}", flush=True)

    def end(self, chapter: str, message: str) -> None:
        """A chapter is finished; `message` says how."""
        with self._lock:
            del self._left[chapter]
            now = time.monotonic()
            took = duration(now - self._started.get(chapter, now))
            waiting = [
                max(0.0, seconds - (now - self._started.get(name, now)))
                for name, seconds in self._left.items()
            ]
            left = max([sum(waiting) / self._workers, *waiting])
            rest = f"; {len(waiting)} left, about {duration(left)}" if waiting else ""
            done = f"[{self._total - len(waiting)}/{self._total}]"
            print(f"  {done} {chapter}: {message}, {took}{rest}", flush=True)
