r"""Run the notebooks once each, two at a time, compare the checked cells, keep the results.

The pages are made from the runs of the default profile. A chapter whose code, `helpers`,
locked versions and data are those of its last good run is not run again.

    python -m tools.run_notebooks                      all chapters, default profile
    python -m tools.run_notebooks vae --profile quick  one chapter, small parameters
    python -m tools.run_notebooks vae --refresh        store new outputs in the checked cells
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools import claims, kernel, normalise, outputs
from tools.notebooks import (
    PROFILES,
    ROOT,
    BookError,
    Notebook,
    overrides,
    read,
    select,
    toc_notebooks,
)
from tools.problems import Problem
from tools.progress import Progress
from tools.results import Record, Store, code_digest, fingerprint, only_one
from tools.status import write_status

MEMORY_LIMIT_MB = 1536
CPU_LIMIT_SECONDS = 100  # of one core; more is said, not refused: it depends on the machine


def problems_of(
    root: Path, chapter: str, stored: Notebook, run: Notebook, *, profile: str
) -> list[Problem]:
    """Everything that is wrong with an executed chapter; a GPU may print other digits."""
    problems = outputs.stderr_problems(chapter, run) + outputs.value_problems(chapter, run)
    problems += outputs.figure_problems(chapter, run)
    if profile == "default":
        problems += claims.problems(root, chapter, stored, run)
        for notice in claims.notices(root, chapter, run):
            print(f"  note: {notice}", flush=True)
    if profile != "gpu":
        problems += outputs.stored_problems(chapter, stored)
        problems += outputs.checked_problems(chapter, stored, run)
    return problems


def run_chapter(
    root: Path, chapter: str, *, profile: str = "default", refresh: bool = False
) -> tuple[Record, list[Problem]]:
    """Execute one chapter and keep the result.

    Args:
        root: The book's root.
        chapter: Path of the notebook without its ending, as in the table of contents.
        profile: ``default``, ``quick`` or ``gpu``.
        refresh: Write the new outputs of the checked cells into the notebook.

    Returns:
        The record of the run, and what is wrong with it.
    """
    path = root / f"{chapter}.ipynb"
    store, stored = Store(root, profile), read(path)
    try:
        values = overrides(stored, profile)
    except BookError as error:
        raise BookError(f"{chapter}: {error}") from error
    mark = fingerprint(root, stored)
    store.drop(chapter)
    run = kernel.prepared(path, store.path(chapter), values)
    cost = kernel.execute(run, path.parent, profile, figures=True)
    record = Record(chapter, mark, code_digest(stored, profile), **cost)
    store.keep(record, run)
    if record.error:
        place, _, message = record.error.partition(": ")
        return record, [Problem(chapter, place, message)]
    if refresh:
        stored = outputs.with_outputs(stored, run, only_checked=True)
        stored = normalise.normalised(stored)
        normalise.write(path, stored)
    problems = problems_of(root, chapter, stored, run, profile=profile)
    if profile != "gpu" and record.peak_mb > MEMORY_LIMIT_MB:
        message = f"needs {record.peak_mb:.0f} MB of memory, more than {MEMORY_LIMIT_MB}"
        problems.append(Problem(chapter, "", message))
    return record, problems


def expected_seconds(root: Path, chapter: str, profile: str) -> float:
    """How long a chapter will take: as its last run, else a guess."""
    record = Store(root, profile).record(chapter)
    if record is not None and record.seconds:
        return record.seconds
    return 15.0 if profile == "quick" else 60.0


def run_all(
    root: Path,
    chapters: list[str],
    *,
    profile: str = "default",
    refresh: bool = False,
    force: bool = False,
    workers: int = 2,
) -> list[Problem]:
    """Run the chapters that need it, compare all of them; return everything that is wrong."""
    store = Store(root, profile)
    todo, problems = [], []
    for chapter in chapters:
        stored = read(root / f"{chapter}.ipynb")
        if force or refresh or not store.holds(chapter, stored):
            todo.append(chapter)
        else:  # need not run again, but its stored outputs may have been edited
            run = store.executed(chapter)
            problems += problems_of(root, chapter, stored, run, profile=profile)
    if len(todo) < len(chapters):
        print(f"notebooks: {len(chapters) - len(todo)} unchanged since their last run")
    if todo:
        print(f"notebooks: running {len(todo)} ({profile} profile, {workers} at a time)")
        expected = {chapter: expected_seconds(root, chapter, profile) for chapter in todo}
        progress = Progress(expected, workers=workers)

        def work(chapter: str) -> list[Problem]:
            progress.begin(chapter)
            try:
                record, found = run_chapter(root, chapter, profile=profile, refresh=refresh)
            except BookError as error:
                progress.end(chapter, "FAILED")
                return [Problem(chapter, "", str(error))]
            good = f"{record.peak_mb:.0f} MB, {record.cpu_seconds:.0f} CPU s"
            if profile == "default" and record.cpu_seconds > CPU_LIMIT_SECONDS:
                good += f" (more than {CPU_LIMIT_SECONDS}; slowest: {record.slowest_cell})"
            progress.end(chapter, "FAILED" if found else good)
            return found

        longest_first = sorted(todo, key=lambda chapter: -expected[chapter])
        with ThreadPoolExecutor(workers) as pool:
            jobs = [pool.submit(work, chapter) for chapter in longest_first]
            try:
                for job in jobs:
                    problems += job.result()
            except KeyboardInterrupt:
                kernel.stop_all()  # or the end of the `with` would wait for the cells
                pool.shutdown(wait=False, cancel_futures=True)
                kept = sum(store.holds(c, read(root / f"{c}.ipynb")) for c in chapters)
                raise BookError(
                    f"stopped; the results of {kept} of {len(chapters)} chapters are kept, and the "
                    "same command goes on from there"
                ) from None
    if profile != "quick":
        write_status(root, profile)
    return problems


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.run_notebooks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("chapters", nargs="*", help="such as vae or book/models/vae; default: all")
    parser.add_argument("--profile", choices=PROFILES, default="default")
    parser.add_argument("--refresh", action="store_true", help="store outputs of checked cells")
    parser.add_argument("--force", action="store_true", help="run although nothing has changed")
    parser.add_argument("--workers", type=int, default=2, help="notebooks at a time")
    parser.add_argument("--root", type=Path, default=ROOT)
    options = parser.parse_args(arguments)
    if options.refresh and options.profile != "default":
        parser.error("--refresh stores the outputs of the default profile")
    try:
        chapters = select(toc_notebooks(options.root), options.chapters)
        with only_one(options.root):
            problems = run_all(
                options.root,
                chapters,
                profile=options.profile,
                refresh=options.refresh,
                force=options.force,
                workers=options.workers,
            )
    except BookError as error:
        print(f"notebooks: {error}", file=sys.stderr)
        return 1
    for problem in problems:
        print(f"notebooks: {problem}", file=sys.stderr)
    if problems:
        return 1
    print(f"notebooks: {len(chapters)} good")
    return 0


if __name__ == "__main__":
    sys.exit(main())
