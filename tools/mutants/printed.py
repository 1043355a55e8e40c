r"""Change the printed formulas, once at each place, and list the changes that no test notices.

Each side of an equation that a test evaluates is changed in these ways, one at a time:

- sign: a plus becomes a minus, a minus a plus
- number: a number in a term, an exponent, an index or a bound grows by one
- factor: a factor, or what stands after a slash, becomes 1
- fraction: numerator and denominator change places
- exponent: an exponent that is no number grows by one
- index: an index that runs, or is computed, grows by one
- bound: the first index of a sum grows by one, its last one falls by one
- function: log and exp, sin and cos, sum and product, maximum and minimum change places; no root
- arguments: the first two arguments of a call change places
- transpose: a transposition goes

The tests are collected once; each change runs, in a fork of that process, the tests that asked for
the formula, with the changed TeX in the place of the printed one. No file is edited. Sides with a
formula that no test evaluates, although one evaluates another side of the same display, are listed.

    python -m tools.mutants.printed [eq-vae eq-probability-kl …]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from tools.equations import marks
from tools.mutants.__main__ import ROOT
from tools.tex import TexError, read, tree

ASKED_SCORE = 0.95
_COMPUTED = (tree.Sum, tree.Product, tree.Fraction, tree.Fold, tree.Apply)
_SWAPPED = {
    **{r"\log": r"\exp", r"\exp": r"\log", r"\sin": r"\cos", r"\cos": r"\sin", r"\sqrt": ""},
    **{r"\sinh": r"\cosh", r"\cosh": r"\sinh", r"\tanh": r"\sin"},
    **{r"\sum": r"\prod", r"\prod": r"\sum", r"\max": r"\min", r"\min": r"\max"},
}


@dataclass(frozen=True)
class Change:
    """One change of a display: its kind, the part before and after, the whole TeX after."""

    label: str
    kind: str
    old: str
    new: str
    tex: str

    def __str__(self) -> str:
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        return f"{self.label}, {self.kind}: {old} -> {new or 'nothing'}"


def changes(label: str, tex: str, statement: int, side: int) -> list[Change]:
    """Every change of one side of a display, each display once."""
    found: dict[str, Change] = {}
    formula = read(tex, label)[statement].side(side)
    for kind, begin, end, new in _edits(formula.tree, tex, frozenset(), "number"):
        # a little of what stands before, so that the same change at two places has two names
        start = max(0, begin - 12)
        changed = tex[:begin] + new + tex[end:]
        if end > 0 and changed != tex:
            before = tex[start:begin]
            found.setdefault(
                changed, Change(label, kind, before + tex[begin:end], before + new, changed)
            )
    return list(found.values())


Edit = tuple[str, int, int, str]


def _edits(node: tree.Node, tex: str, running: frozenset[str], number: str) -> Iterator[Edit]:
    """Kind, place and new text of each change in a tree; `running` are the indices of sums."""
    text = tex[node.begin : node.end]
    match node:
        case tree.Sum():
            for _, _, place in node.terms:
                if place >= 0:
                    yield "sign", place, place + 1, "+" if tex[place] == "-" else "-"
        case tree.Number() if isinstance(node.value, int | float):
            yield number, node.begin, node.end, f"{{{node.value + 1}}}"
        case tree.Product():
            for _, factor in node.factors:
                if not isinstance(factor, tree.Number):
                    yield "factor", factor.begin, factor.end, "{1}"
        case tree.Fraction():
            above, below = node.numerator, node.denominator
            first, second = tex[above.begin : above.end], tex[below.begin : below.end]
            between = tex[above.end : below.begin]
            braces = ("{", "}") if "{" not in between else ("", "")
            swapped = f"{second}{between}{first}"
            if braces[0]:
                swapped = f"{{{second}}}{{{first}}}"
            yield "fraction", above.begin, below.end, swapped
        case tree.Power() if node.exponent and not isinstance(node.exponent, tree.Number):
            yield from _more("exponent", node.exponent, tex, "+ 1")
        case tree.Sub() if node.indices and _runs(node, running):
            if not isinstance(node.indices[-1], tree.Number):
                yield from _more("index", node.indices[-1], tex, "+ 1")
        case tree.Fold():
            yield from _word("function", node.begin, text)
            for bound, step in ((node.low, "+ 1"), (node.high, "- 1")):
                if bound is not None and not isinstance(bound, tree.Number):
                    yield from _more("bound", bound, tex, step)
        case tree.Apply():
            yield from _word("function", node.begin, text)
        case tree.Call() if len(node.arguments) > 1:
            a, b = node.arguments[:2]
            first, second = tex[a.begin : a.end], tex[b.begin : b.end]
            yield "arguments", a.begin, b.end, second + tex[a.end : b.begin] + first
        case tree.Transpose():
            yield "transpose", node.base.end, node.end, ""
    if isinstance(node, tree.Fold):
        running |= set(node.variables)
    for child in tree.children(node):
        inner = number
        if isinstance(node, tree.Sub) and child is not node.base:
            inner = "index"
        if isinstance(node, tree.Power) and child is node.exponent:
            inner = "exponent"
        yield from _edits(child, tex, running, inner)


def _more(kind: str, node: tree.Node, tex: str, step: str) -> Iterator[Edit]:
    yield kind, node.begin, node.end, f"{{{tex[node.begin : node.end]} {step}}}"


def _word(kind: str, begin: int, text: str) -> Iterator[Edit]:
    for word, other in _SWAPPED.items():
        if text.startswith(word) and not text[len(word) : len(word) + 1].isalpha():
            yield kind, begin, begin + len(word), other


def _runs(node: tree.Sub, running: frozenset[str]) -> bool:
    """Whether an index is more than a part of the name: it runs or is computed."""
    return any(
        isinstance(part, tree.Number | tree.Sum)
        or (isinstance(part, tree.Name) and part.key in running)
        for index in node.indices or ()
        for part in tree.walk(index)
    )


def left_out(label: str, tex: str, asked: set[tuple[int, int]]) -> list[str]:
    """The sides of a display with something to compute that no test has asked for."""
    found = []
    for number, statement in enumerate(read(tex, label)):
        for place in range(len(statement.sides)):
            try:
                side = statement.side(place)
            except TexError:
                continue
            computed = any(isinstance(node, _COMPUTED) for node in tree.walk(side.tree))
            if computed and (number, place) not in asked:
                found.append(f"{label}, statement {number}, side {place}: {side.tex}")
    return found


def known_equivalents(root: Path) -> set[str]:
    """The changes that cannot be noticed, as they are named; the file says why."""
    path = root / "tools" / "mutants" / "printed.json"
    entries = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return {entry["change"] for entry in entries}


class Judge:
    """A pytest plugin in the place of its loop: runs each marked test, then each change."""

    def __init__(self, chosen: Sequence[str], equivalent: set[str]) -> None:
        self.chosen, self.equivalent = tuple(chosen), equivalent
        self.failed: list[str] = []
        self.status = 0

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Remember what failed."""
        if report.failed:
            self.failed.append(f"{report.nodeid}\n{report.longreprtext}")

    def pytest_runtestloop(self, session: Any) -> bool:
        """Run everything, print the score and the survivors."""
        from tests import printed  # the copy that the tests use

        asking: dict[tuple[str, int, int], list[tuple[float, Any]]] = {}
        for item in session.items:
            printed.ASKED.clear()
            seconds = self.run(item)
            for asked in sorted(printed.ASKED):
                asking.setdefault(asked, []).append((seconds, item))
        if self.failed:
            print("\n".join(self.failed), file=sys.stderr)
            print("mutants: the tests must pass before the print is changed", file=sys.stderr)
            self.status = 2
            return True
        self.status = self.judge_all(asking, printed)
        return True

    def run(self, item: Any) -> float:
        """Run one test with its fixtures: the seconds it took."""
        start = time.monotonic()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return time.monotonic() - start

    def judge_all(
        self, asking: dict[tuple[str, int, int], list[tuple[float, Any]]], printed: ModuleType
    ) -> int:
        """Try all changes of the sides that were asked for."""
        counts: Counter[str] = Counter()
        kinds: dict[str, Counter[str]] = {}
        left = []
        for (label, statement, side), tests in asking.items():
            if self.chosen and not label.startswith(self.chosen):
                continue
            tests.sort(key=lambda pair: pair[0])
            for change in changes(label, printed.display(label), statement, side):
                if str(change) in self.equivalent:
                    continue
                verdict = self.judge(change, tests, printed)
                counts[verdict] += 1
                kinds.setdefault(change.kind, Counter())[verdict] += 1
                print(f"{verdict:8} {change}", flush=True)
                left += [f"{change}"] if verdict == "survived" else []
        total = sum(counts.values())
        for kind, of_kind in sorted(kinds.items()):
            print(f"mutants: {kind}: {of_kind.total() - of_kind['survived']} of {of_kind.total()}")
        for line in left:
            print(f"mutants: survived {line}", file=sys.stderr)
        noticed = total - counts["survived"]
        score = noticed / max(1, total)
        for label in sorted({label for label, _, _ in asking}):
            asked = {(i, k) for name, i, k in asking if name == label}
            for line in left_out(label, printed.display(label), asked):
                print(f"mutants: not evaluated: {line}")
        labels = len({label for label, _, _ in asking})
        print(
            f"mutants: {noticed} of {total} changes noticed ({score:.1%}), {counts['no value']} of"
            f" them since they have no value; {labels} equations, {len(asking)} sides"
        )
        return 0 if score >= ASKED_SCORE else 1

    def judge(self, change: Change, tests: list[tuple[float, Any]], printed: ModuleType) -> str:
        """Run the tests that asked for the formula with the changed one, in a fork.

        "no value" is noticed too: an index or a name of the change has nothing to stand for.
        """
        process = os.fork()
        if process == 0:
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            printed.CHANGED[change.label] = change.tex
            for _, item in tests:
                self.run(item)
                if self.failed:
                    break
            unreadable = any("TexError" in text for text in self.failed)
            os._exit(2 if unreadable else 1 if self.failed else 0)
        limit = time.monotonic() + 20 + 3 * sum(seconds for seconds, _ in tests)
        while True:
            done, status = os.waitpid(process, os.WNOHANG)
            if done:
                return {0: "survived", 2: "no value"}.get(
                    os.waitstatus_to_exitcode(status), "killed"
                )
            if time.monotonic() > limit:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
                return "killed"
            time.sleep(0.005)


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Change the print; the exit status is 0 if at least 95 % of the changes are noticed."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants.printed")
    parser.add_argument("labels", nargs="*", help="beginnings of labels, such as eq-vae")
    chosen = parser.parse_args(arguments).labels
    found = [mark for mark in marks(root) if mark.evaluates]
    found = [m for m in found if not chosen or m.label.startswith(tuple(chosen))]
    tests = sorted({f"{root / mark.file}::{mark.test}" for mark in found})
    if not tests:
        print("mutants: no test evaluates such an equation", file=sys.stderr)
        return 2
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    torch.set_num_threads(1)  # a fork has no threads of its parent
    judge = Judge(chosen, known_equivalents(root))
    options = ["-p", "no:cacheprovider", "-p", "no:terminal", "-o", "addopts=", "--device", "cpu"]
    status = pytest.main([*options, "--rootdir", str(root), *tests], plugins=[judge])
    return judge.status if status in (0, pytest.ExitCode.NO_TESTS_COLLECTED) else 2


if __name__ == "__main__":
    sys.exit(main())
