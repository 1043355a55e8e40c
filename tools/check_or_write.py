"""The command line shared by the tools that check notebooks or repair them in place."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tools.notebooks import ROOT, BookError, select, toc_notebooks
from tools.problems import Problem, report


def run(
    tool: str,
    title: str,
    description: str | None,
    check: Callable[[Path, list[str]], list[Problem]],
    write: Callable[[Path, str], object],
    arguments: list[str] | None,
) -> int:
    """Read ``--check`` or ``--write``, chapters and root; write if asked, then check and report."""
    parser = argparse.ArgumentParser(prog=f"python -m tools.{tool}", description=description)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true")
    mode.add_argument("--write", action="store_true")
    parser.add_argument("chapters", nargs="*")
    parser.add_argument("--root", type=Path, default=ROOT)
    options = parser.parse_args(arguments)
    try:
        chapters = select(toc_notebooks(options.root), options.chapters)
        if options.write:
            for chapter in chapters:
                if write(options.root, chapter) is True:
                    print(f"{title}: written into {chapter}")
        problems = check(options.root, chapters)
    except BookError as error:
        print(f"{title}: {error}", file=sys.stderr)
        return 1
    return report(title, problems, checked=f"{len(chapters)} notebooks")
