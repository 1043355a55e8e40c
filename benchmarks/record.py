r"""Result files: what was run, with which versions, and what came out.

A result names neither the machine nor a folder on it: a reader compares ratios that were measured
side by side, and the versions they were measured with.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"

#: Every result file has these, at least.
REQUIRED = ("benchmark", "command", "versions", "device", "threads", "seeds", "figures")


def versions(*packages: str) -> dict[str, str]:
    r"""Versions of Python and of those of the packages that are installed.

    >>> sorted(versions("torch", "no-such-package"))
    ['python', 'torch']
    """
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def write_result(
    path: Path,
    *,
    benchmark: str,
    command: str,
    versions: Mapping[str, str],
    seeds: Sequence[int],
    figures: Mapping[str, Any],
    **more: Any,
) -> None:
    r"""Write one result file.

    Args:
        path: the file; its folder is created.
        benchmark: name of the script.
        command: what to type to get the figures again, without paths of this machine.
        versions: versions that matter, by package.
        seeds: seeds that were run.
        figures: what was measured.
        **more: settings and notes worth keeping.
    """
    result = {
        "benchmark": benchmark,
        "command": command,
        "versions": dict(versions),
        "device": "cpu",
        "threads": torch.get_num_threads(),
        "seeds": list(seeds),
        **more,
        "figures": dict(figures),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""Lines of a table, the columns padded to their widest entry.

    >>> print(markdown_table(["model", "nats"], [["VAE", "86.1"], ["tree", "96.5"]]))
    | model | nats |
    |-------|------|
    | VAE   | 86.1 |
    | tree  | 96.5 |
    """
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
        for row in [head, *rows]
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
