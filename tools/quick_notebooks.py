"""Test each notebook in its quick profile: nbval runs a copy and compares the checked cells.

The parametrised copies are written to ``_build/quick``; ``pytest --nbval-lax`` runs each in a fresh
kernel, two notebooks at a time.

    python -m tools.quick_notebooks [chapters]
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat

from tools import outputs
from tools.kernel import CELL_TIMEOUT, environment, parametrised
from tools.notebooks import (
    ROOT,
    BookError,
    Cell,
    Notebook,
    cell_name,
    code_cells,
    overrides,
    read,
    select,
    toc_notebooks,
)
from tools.problems import Problem
from tools.progress import Progress

_NBVAL = ("--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT}")
#: The settings of the unit tests (doctests, warnings as errors) are not those of the notebooks.
_PLAIN = ("-o", "addopts=", "-W", "default", "-p", "no:cacheprovider", "-q", "--tb=short")


def prepare(root: Path, chapter: str) -> Path:
    """Write the copy of a chapter with the quick profile's parameters; return its path."""
    notebook = read(root / f"{chapter}.ipynb")
    try:
        copy = parametrised(notebook, overrides(notebook, "quick"))
    except BookError as error:
        raise BookError(f"{chapter}: {error}") from error
    path = root / "_build" / "quick" / f"{chapter}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(copy, path)
    return path


def run_nbval(root: Path, chapter: str) -> list[Problem]:
    """Run one chapter with nbval; return the cells that failed or printed something else."""
    source = read(root / f"{chapter}.ipynb")
    stored = outputs.stored_problems(chapter, source)
    if stored:
        return stored
    path = prepare(root, chapter)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *_NBVAL, *_PLAIN, str(path)],
        cwd=root,
        env=environment("quick"),
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        return []
    cells = code_cells(read(path))
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    failed = [int(number) for number in re.findall(r"^FAILED .*::Cell (\d+)", plain, re.M)]
    if not failed:
        return [Problem(chapter, "", f"nbval: {(plain + done.stderr).strip()[-1500:]}")]
    # After a cell that raised, the others fail for want of its names: report the first.
    section = rf"^_+ .*::Cell {failed[0]} _+\n(.*?)(?=^_+ .*::Cell |^=+ )"
    detail = re.search(section, plain, re.M | re.S)
    text = detail[1].strip()[-1500:] if detail else plain[-1500:]
    return [Problem(chapter, _place(source, cells[failed[0]]), f"failed in nbval:\n{text}")]


def _place(source: Notebook, cell: Cell) -> str:
    """The name of a cell of the copy as the chapter's own notebook counts it."""
    own = next((c for c in source.cells if c.get("id") == cell.get("id")), None)
    return f"cell {cell.get('id')}" if own is None else cell_name(source, own)


def run_all(root: Path, chapters: list[str], *, workers: int = 2) -> list[Problem]:
    """Test the chapters, two at a time, with a display of the progress."""
    print(f"notebooks: testing {len(chapters)} (quick profile, nbval, {workers} at a time)")
    progress = Progress(dict.fromkeys(chapters, 15.0), workers=workers)

    def work(chapter: str) -> list[Problem]:
        progress.begin(chapter)
        try:
            found = run_nbval(root, chapter)
        except BookError as error:
            found = [Problem(chapter, "", str(error))]
        progress.end(chapter, "FAILED" if found else "passed")
        return found

    with ThreadPoolExecutor(workers) as pool:
        return [problem for found in pool.map(work, chapters) for problem in found]


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.quick_notebooks", description=__doc__)
    parser.add_argument("chapters", nargs="*")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--root", type=Path, default=ROOT)
    options = parser.parse_args(arguments)
    start = time.monotonic()
    try:
        chapters = select(toc_notebooks(options.root), options.chapters)
        problems = run_all(options.root, chapters, workers=options.workers)
    except BookError as error:
        print(f"notebooks: {error}", file=sys.stderr)
        return 1
    for problem in problems:
        print(f"notebooks: {problem}", file=sys.stderr)
    good = len(chapters) - len({problem.chapter for problem in problems})
    failed = f"{len(chapters) - good} failed, " if problems else ""
    print(f"notebooks: {failed}{good} passed in {time.monotonic() - start:.1f}s (nbval)")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
