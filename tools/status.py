"""What the last build measured: ``_build/status.json``, the status page and the chapters' boxes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from tools.equations import equations
from tools.notebooks import measure, read, toc_notebooks
from tools.results import Store

COLUMNS = {
    "cpu_seconds": "CPU seconds",
    "peak_mb": "Memory (MB)",
    "cells": "Code cells",
    "checked_cells": "Checked cells",
    "equations": "Equations",
    "figures": "Figures",
}


def status_file(root: Path, profile: str = "default") -> Path:
    """Where the measurements of a profile are kept."""
    name = "status.json" if profile == "default" else f"status-{profile}.json"
    return root / "_build" / name


def collect(root: Path, profile: str = "default") -> dict[str, Any]:
    """The measurements of each chapter from the records of its last run, and their totals."""
    store = Store(root, profile)
    labels = [equation.page for equation in equations(root)]
    chapters: dict[str, dict[str, Any]] = {}
    for chapter in toc_notebooks(root):
        record = store.record(chapter)
        chapters[chapter] = {
            "seconds": record.seconds if record else None,
            "cpu_seconds": record.cpu_seconds if record else None,
            "peak_mb": record.peak_mb if record else None,
            "slowest_cell": record.slowest_cell if record else "",
            "error": record.error if record else "not run",
            "equations": labels.count(chapter),
            **measure(read(root / f"{chapter}.ipynb")),
        }
    totals: dict[str, Any] = {
        key: round(sum(values[key] or 0 for values in chapters.values()), 1)
        for key in ("seconds", *COLUMNS, "words", "code_lines")
    }
    totals["peak_mb"] = max((v["peak_mb"] or 0 for v in chapters.values()), default=0)
    totals["errors"] = sum(values["error"] is not None for values in chapters.values())
    return {"profile": profile, "chapters": chapters, "totals": totals}


def write_status(root: Path, profile: str = "default") -> None:
    """Write the measurements."""
    text = json.dumps(collect(root, profile), indent=1) + "\n"
    status_file(root, profile).parent.mkdir(parents=True, exist_ok=True)
    status_file(root, profile).write_text(text, encoding="utf-8")


def read_status(root: Path) -> dict[str, Any]:
    """The measurements of the last build; no chapters if there was none."""
    path = status_file(root)
    if not path.is_file():
        return {"chapters": {}}
    return dict(json.loads(path.read_text(encoding="utf-8")))


def runs_in(root: Path, chapter: str) -> str:
    """The "Runs in" line of a chapter's box, from the CPU time of its one thread.

    Wall time would also measure what else the machine did.

    Example:
        ``about 50 seconds on one CPU core, 0.7 GB of memory``
    """
    values = read_status(root)["chapters"].get(chapter, {})
    if not values.get("cpu_seconds"):
        return "not measured yet"
    seconds = 5 * math.ceil(values["cpu_seconds"] / 5)
    time = f"{seconds} seconds" if seconds < 120 else f"{seconds / 60:.1f} minutes"
    return f"about {time} on one CPU core, {max(values['peak_mb'], 1) / 1024:.1f} GB of memory"


def table(root: Path) -> str:
    """The table of the page ``reference/status`` as Markdown."""
    status = read_status(root)
    if not status["chapters"]:
        return "The notebooks have not been run yet: `make book` runs them.\n"
    head, keys = ["Chapter", *COLUMNS.values()], list(COLUMNS)
    lines = ["| " + " | ".join(head) + " |", "|:--|" + "--:|" * len(keys)]
    for chapter, values in status["chapters"].items():
        row = ["–" if values[key] is None else f"{values[key]:,.0f}" for key in keys]
        lines.append(f"| {{doc}}`/{chapter}` | " + " | ".join(row) + " |")
    total = [f"{status['totals'][key]:,.0f}" for key in keys]
    lines.append("| **All chapters** (memory: the largest) | " + " | ".join(total) + " |")
    return "\n".join(lines) + "\n"
