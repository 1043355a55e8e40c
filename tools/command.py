"""The command line of the tools that check the book, and of those that also repair it in place."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tools.notebooks import ROOT, BookError, select, toc_notebooks
from tools.problems import Problem, report


def run(
    tool: str,
    check: Callable[[Path, list[str]], list[Problem]],
    arguments: list[str] | None,
    *,
    write: Callable[[Path, str], object] | None = None,
    pages: Callable[[Path], list[str]] = toc_notebooks,
) -> int:
    """Read pages and root (and ``--check`` or ``--write``), write if asked, check and report."""
    parser = argparse.ArgumentParser(prog=f"python -m tools.{tool}")
    if write is not None:
        mode = parser.add_mutually_exclusive_group(required=True)
        mode.add_argument("--check", action="store_true")
        mode.add_argument("--write", action="store_true")
    parser.add_argument("pages", nargs="*", help="such as vae or book/models/vae; default: all")
    parser.add_argument("--root", type=Path, default=ROOT)
    options = parser.parse_args(arguments)
    title = tool.removeprefix("lint_")
    try:
        chosen = select(pages(options.root), options.pages)
        if write is not None and options.write:
            for page in chosen:
                if write(options.root, page) is True:
                    print(f"{title}: written into {page}")
        problems = check(options.root, chosen)
    except BookError as error:
        print(f"{title}: {error}", file=sys.stderr)
        return 1
    return report(title, problems, checked=f"{len(chosen)} pages")
