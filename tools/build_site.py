"""Render the pages from the notebooks' kept results; nothing is executed here.

Sphinx' memory of earlier builds hides warnings of pages that it does not read again. So the site is
either what its ingredients give (same digest: nothing to do) or is rendered anew, warnings as
errors, and its pages and the published copies of its notebooks are checked (`tools.lint_site`,
`tools.lint_published`). A notebook whose result is not kept is a failure, not a reason to execute
it.

    python -m tools.build_site
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools import lint_published, lint_site
from tools.figures import write_figures
from tools.notebooks import ROOT, BookError, read, toc_notebooks, toc_pages
from tools.problems import Problem, report
from tools.progress import duration
from tools.results import Store, files_digest, only_one
from tools.status import write_status

#: Everything that a page is made from.
INGREDIENTS = (
    "_config.yml",
    "_toc.yml",
    "book",
    "helpers",
    "pyproject.toml",
    "tools",
    "tests",
    "requirements.lock",
    "benchmarks/results/claims.json",
    "benchmarks/results/laboratories.json",
    "_build/status.json",
    "_build/runs/default",
)
_NOISE = re.compile(r"^(reading sources|writing output|copying|highlighting)\.\.\. |^$")


def missing_results(root: Path) -> list[Problem]:
    """The notebooks that have no kept result that still holds."""
    store = Store(root)
    return [
        Problem(chapter, "", "its result is missing or stale; run: python -m tools.run_notebooks")
        for chapter in toc_notebooks(root)
        if not store.holds(chapter, read(root / f"{chapter}.ipynb"))
    ]


def warnings_in(log: str) -> list[str]:
    """The lines of a Sphinx log that are warnings or errors; of a traceback its last line."""
    pattern = re.compile(
        r"\b(WARNING|ERROR|CRITICAL)\b|^(\w+\.)*\w+(Error|Exception)\b|^\w+ error:"
    )
    return list(dict.fromkeys(line for line in log.splitlines() if pattern.search(line)))


def is_current(root: Path, digest: str) -> bool:
    """Whether the site on disk was made from these ingredients and passed all checks."""
    stamp = root / "_build" / "site.digest"
    pages = all((root / "_build" / "html" / f"{page}.html").is_file() for page in toc_pages(root))
    return pages and stamp.is_file() and stamp.read_text(encoding="utf-8") == digest


def build(root: Path, *, force: bool = False) -> int:
    """Render the site; return the exit status."""
    write_status(root)
    missing = missing_results(root)
    if missing:
        for problem in missing:
            print(f"site: {problem}", file=sys.stderr)
        return 1
    write_figures(root)
    digest = files_digest(root, INGREDIENTS)
    if not force and is_current(root, digest):
        print("site: nothing has changed since the last build")
        return 0
    stamp, log_file = root / "_build" / "site.digest", root / "_build" / "site.log"
    stamp.unlink(missing_ok=True)
    for folder in (".doctrees", "html"):
        shutil.rmtree(root / "_build" / folder, ignore_errors=True)
    print(f"site: rendering {len(toc_pages(root))} pages (log in _build/site.log)", flush=True)
    start = time.monotonic()
    program = Path(sys.executable).with_name("jupyter-book")
    done = subprocess.run(
        [str(program), "build", ".", "-W", "-n", "--keep-going"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONWARNINGS": "ignore", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    log = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    log_file.write_text(log, encoding="utf-8")
    if done.returncode == 0:
        print(f"site: rendered in {duration(time.monotonic() - start)}")
        problems = lint_site.check(root) + lint_published.check(root, toc_notebooks(root))
        if not problems:
            stamp.write_text(digest, encoding="utf-8")
        return report("pages", problems, checked=f"{len(toc_pages(root))} pages")
    lines = warnings_in(log) or [line for line in log.splitlines() if not _NOISE.match(line)][-30:]
    for line in lines:
        print(f"site: {line.removeprefix(f'{root}/')}", file=sys.stderr)
    print(f"site: failed (exit status {done.returncode})", file=sys.stderr)
    return 1


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.build_site", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--force", action="store_true", help="render although nothing has changed")
    options = parser.parse_args(arguments)
    try:
        with only_one(options.root):
            return build(options.root, force=options.force)
    except BookError as error:
        print(f"site: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
