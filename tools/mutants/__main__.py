"""Break the code on purpose and list the changes that no test notices.

``python -m tools.mutants`` runs all patches, ``python -m tools.mutants vae divergences`` those of
the files ``vae.toml`` and ``divergences.toml``. Patches are applied to a temporary copy of the
tree, one at a time; the working tree is never touched.
"""

from __future__ import annotations

import argparse
import compileall
import importlib
import multiprocessing
import os
import py_compile
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from tools.mutants.patches import Mutant, read, unfit

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 60  # seconds of processor time for one mutant: a busy machine makes none look endless
COPIED = ("helpers", "tests", "pyproject.toml")
PYTEST = ("-x", "-q", "-p", "no:cacheprovider", "--device", "cpu")
LIBRARIES = ("torch.distributions", "scipy.stats", "sklearn.decomposition", "matplotlib", "tqdm")


def run_tests(tree: Path, tests: Sequence[str], limit: int = 3600) -> tuple[int, str]:
    """Pytest's exit status and output for these test files of a tree; 1 for too much CPU time.

    The tests run in a fork of this process, which has the large libraries loaded already: a patch
    then costs a second or two instead of five.
    """
    log = tree / "pytest.log"
    process = multiprocessing.get_context("fork").Process(
        target=_child, args=(tree, tests, log, limit)
    )
    process.start()
    process.join()
    status = process.exitcode
    if status == -signal.SIGXCPU:
        return 1, f"FAILED {limit} s are over"
    return (3 if status is None else status), log.read_text(encoding="utf-8")


def _child(tree: Path, tests: Sequence[str], log: Path, limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
    with log.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        sys.stdout = sys.stderr = file
        os.chdir(tree)
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # half of pytest's start is plugins
        sys.dont_write_bytecode = True  # a file may change twice in the same second
        sys.path.insert(0, str(tree))
        for name in [name for name in sys.modules if name.partition(".")[0] in COPIED]:
            del sys.modules[name]
        status = int(pytest.main([*PYTEST, *tests]))
        module = sys.modules.get("helpers")
        if module is None or not Path(str(module.__file__)).is_relative_to(tree):
            print("the tests did not import the copy of helpers")
            status = 3
        file.flush()
        os._exit(status)


def preload() -> None:
    """Load what the tests import, so that each fork has it; nothing of the book itself."""
    for name in LIBRARIES:
        importlib.import_module(name)
    torch.set_num_threads(1)
    weight = torch.ones(1, requires_grad=True)
    weight.backward()  # torch loads the half of itself at the first optimiser step
    torch.optim.SGD([weight]).step()
    torch.testing.assert_close(weight, weight)


def copy_tree(root: Path, tree: Path) -> None:
    """Copy what is broken and what is run into an empty folder."""
    for name in COPIED:
        if (root / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(root / name, tree / name, ignore=ignore)
        else:
            shutil.copy(root / name, tree / name)
    checked = py_compile.PycInvalidationMode.CHECKED_HASH
    compileall.compile_dir(tree / "helpers", quiet=2, invalidation_mode=checked)


def judge(tree: Path, mutant: Mutant) -> tuple[str, str]:
    """Apply one patch, run its tests, take the patch back: ("killed" or other, by what)."""
    target = tree / mutant.target
    original = target.read_text(encoding="utf-8")
    target.write_text(original.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        status, output = run_tests(tree, mutant.tests, LIMIT)
    finally:
        target.write_text(original, encoding="utf-8")
    if status == 0:
        return "survived", "no test failed"
    if status == 1 and "ERROR collecting" not in output:
        found = re.search(r"^FAILED (?:\S*::)?(\S.*?)(?: - .*)?$", output, re.MULTILINE)
        return "killed", found.group(1) if found else "a failing test"
    lines = output.strip().splitlines() or [f"exit status {status}"]
    return "broken", lines[-1]  # no valid program, or no such test


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Run the patches; the exit status is 0 only if every one of them is killed."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("lists", nargs="*", help="names of lists, without .toml (default: all)")
    names = parser.parse_args(arguments).lists
    mutants = read(root / "tools" / "mutants", names)
    problems = unfit(root, mutants)
    if problems:
        print("\n".join(f"mutants: {problem}" for problem in problems), file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder)
        copy_tree(root, tree)
        return run_all(tree, mutants)


def run_all(tree: Path, mutants: Sequence[Mutant]) -> int:
    """Judge the mutants one after the other in a copy of the tree that may be changed."""
    started = time.monotonic()
    preload()
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    print(f"mutants: {len(mutants)} patches; first the tests without any", flush=True)
    status, output = run_tests(tree, tests)
    if status != 0:
        print(output, file=sys.stderr)
        print("mutants: the tests must pass before the code is broken", file=sys.stderr)
        return 2
    verdicts: list[str] = []
    left: list[str] = []
    for number, mutant in enumerate(mutants, 1):
        verdict, by = judge(tree, mutant)
        verdicts.append(verdict)
        line = f"{verdict:8} {mutant.target}: {mutant.name} ({by})"
        print(f"{number:3}/{len(mutants)} {line}", flush=True)
        if verdict != "killed":
            left.append(line)
    minutes = (time.monotonic() - started) / 60
    print(f"mutants: {verdicts.count('killed')} of {len(mutants)} killed in {minutes:.1f} minutes")
    for line in left:
        print(f"mutants: {line}", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
