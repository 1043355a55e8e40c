"""Test each notebook in its quick profile: nbval runs a copy and compares the checked cells.

papermill writes the parametrised copies to ``_build/quick``, pytest runs each in a fresh kernel,
two notebooks at a time.

    python -m tools.quick_notebooks [chapters]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import deque
from pathlib import Path

from tools import outputs
from tools.kernel import CELL_TIMEOUT, environment, prepared
from tools.notebooks import ROOT, BookError, overrides, read, select, toc_notebooks
from tools.problems import report
from tools.results import only_one

_NBVAL = ("--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT}")
#: The settings of the unit tests (doctests, warnings as errors) are not those of the notebooks.
_PLAIN = ("-o", "addopts=", "-W", "default", "-p", "no:cacheprovider", "-q", "--tb=short")


def prepare(root: Path, chapter: str) -> Path:
    """Write the copy of a chapter with the quick profile's parameters; return its path."""
    source, path = (root / f"{folder}{chapter}.ipynb" for folder in ("", "_build/quick/"))
    try:
        prepared(source, path, overrides(read(source), "quick"))
    except BookError as error:
        raise BookError(f"{chapter}: {error}") from error
    return path


def relay(command: list[str], root: Path, most: int = 1000) -> int:
    """Run pytest and pass its lines on, cut: a checked cell may have printed megabytes."""
    process = subprocess.Popen(
        command,
        cwd=root,
        env=environment("quick"),
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    last: deque[str] = deque(maxlen=50)
    count = 0
    for count, line in enumerate(process.stdout or (), start=1):
        short = line if len(line) <= 300 else f"{line[:300]} …\n"
        if count <= most:
            print(short, end="", flush=True)
        else:
            last.append(short)
    left_out = count - most - len(last)
    print(f"… {left_out} lines left out …\n" if left_out > 0 else "", *last, sep="", end="")
    return process.wait()


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.quick_notebooks", description=__doc__)
    parser.add_argument("chapters", nargs="*")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--root", type=Path, default=ROOT)
    options = parser.parse_args(arguments)
    root, many = options.root, ("-n", str(options.workers), "--dist", "loadscope")
    try:
        with only_one(root, "quick"):
            chapters = select(toc_notebooks(root), options.chapters)
            stored = [(chapter, read(root / f"{chapter}.ipynb")) for chapter in chapters]
            # nbval passes a cell that has nothing stored to compare with.
            empty = [p for pair in stored for p in outputs.stored_problems(*pair)]
            if empty:
                return report("notebooks", empty, checked="")
            paths = [str(prepare(root, chapter)) for chapter in chapters]
            print(f"notebooks: testing {len(paths)} (quick profile, nbval)", flush=True)
            command = [sys.executable, "-m", "pytest", *_NBVAL, *_PLAIN, *many, *paths]
            return relay(command, root)
    except BookError as error:
        print(f"notebooks: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
