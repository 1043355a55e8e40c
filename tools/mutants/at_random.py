"""Break the package at random places and say how many of the changes the tests notice.

The lists of ``python -m tools.mutants`` hold mistakes that somebody thought of; these are drawn. A
change is one node of the syntax tree: an operator, a constant, a condition, a statement, a pair of
arguments; never a docstring, an annotation, the text of an error, or how large letters and how
thick lines are drawn. Each runs the doctests of its file and the file of tests at the mirrored
place (of models also the contract), or all tests of the folder where there is none. The changes run
in the order in which they are drawn, so a run that is stopped has judged a fair sample too and says
its result. A seed goes on drawing a change as long as its line stays as it is. A survivor that
cannot be noticed, because nothing that is promised changes, belongs into ``equivalents.json`` with
its reason: it is drawn, but not run.

    python -m tools.mutants.at_random --number 200 --seed 0 [--only helpers/optim]
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from tools.mutants.__main__ import ROOT, copy_tree, judge, preload, run_tests
from tools.mutants.patches import Mutant

_OTHER: dict[type[ast.AST], type[ast.AST]] = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult},
    **{ast.Pow: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult},
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In},
    **{ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And},
}
_SYMMETRIC = ("transpose", "max", "min", "maximum", "minimum", "logaddexp", "allclose", "gcd")
_LOOKS = (  # how large and thick: nothing is promised
    *("fontsize", "labelsize", "titlesize", "titlepad", "figsize", "dpi", "linewidth"),
    *("linewidths", "linestyle", "markersize", "zorder"),
)
_LEFT_ALONE = (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom, ast.Assert)


def nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that may be changed: no annotations, docstrings, error texts or sizes in print."""
    for name, field in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases"):
            continue
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.keyword) and child.arg in _LOOKS:
                continue
            if isinstance(child, ast.AST) and not isinstance(child, _LEFT_ALONE):
                yield child
                yield from nodes(child)


def changes(node: ast.AST) -> Iterator[str]:
    """What may stand in the place of a node, as source."""
    if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in _OTHER:
        yield f"({ast.unparse(_with(node, op=_OTHER[type(node.op)]()))})"
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _OTHER:
        ops = [_OTHER[type(node.ops[0])](), *node.ops[1:]]
        yield f"({ast.unparse(_with(node, ops=ops))})"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield f"({ast.unparse(node.operand)})"
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield repr(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield from (repr(node.value + 1), f"({node.value - 1!r})")
    if (
        isinstance(node, ast.Call)
        and len(node.args) >= 2
        and not isinstance(node.args[0], ast.Starred)
        and ast.dump(node.args[0]) != ast.dump(node.args[1])
        and ast.unparse(node.func).rpartition(".")[2] not in _SYMMETRIC
    ):
        yield ast.unparse(_with(node, args=[node.args[1], node.args[0], *node.args[2:]]))
    if isinstance(node, ast.Return) and node.value is not None:
        yield "return None"
    if isinstance(node, ast.AugAssign) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield "pass"


def _with(node: ast.AST, **fields: object) -> ast.AST:
    """A copy of a node with other fields."""
    return type(node)(**{**dict(ast.iter_fields(node)), **fields})


def mutants_of(root: Path, target: str) -> list[Mutant]:
    """Every change of one file; `old` and `new` are its whole text before and after."""
    raw = (root / target).read_bytes()
    text = raw.decode()
    starts = [0]
    for line in raw.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node in nodes(ast.parse(text)):
        for replacement in changes(node):
            assert isinstance(node, ast.expr | ast.stmt)
            begin = starts[node.lineno - 1] + node.col_offset
            end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
            old = " ".join(raw[begin:end].decode().split())
            new = (raw[:begin] + replacement.encode() + raw[end:]).decode()
            name = f"line {node.lineno}: {old} -> {replacement}"
            found.append(Mutant(name, target, tests_of(root, target), text, new))
    return found


@cache
def tests_of(root: Path, target: str) -> tuple[str, ...]:
    """The tests that should notice a change of this file."""
    inner = Path(target).relative_to("helpers")
    mirror = Path("tests") / inner.with_name(f"test_{inner.name}")
    tests = [mirror if (root / mirror).is_file() else mirror.parent]
    if inner.parts[0] == "models" and (root / mirror).is_file():
        tests.append(Path("tests/models/test_contract.py"))
    return (target, *(path.as_posix() for path in tests))


def identity(mutant: Mutant) -> tuple[str, str, str]:
    """The file, the lines that change and what they become: no line numbers, which move."""
    before, after = (text.splitlines() for text in (mutant.old, mutant.new))
    first = next((i for i, (a, b) in enumerate(zip(before, after)) if a != b), 0)
    length = next(
        (i for i, (a, b) in enumerate(zip(before[:first:-1], after[:first:-1])) if a != b),
        min(len(before), len(after)) - first - 1,
    )
    old, new = (" ".join(map(str.strip, t[first : len(t) - length])) for t in (before, after))
    return mutant.target, old, new


def draw(mutants: Sequence[Mutant], number: int, seed: int) -> list[Mutant]:
    """A sample without replacement: the smallest hashes of seed and identity."""

    def rank(mutant: Mutant) -> bytes:
        return hashlib.sha256(repr((seed, *identity(mutant))).encode()).digest()

    return sorted(mutants, key=rank)[:number]


def known_equivalents(root: Path) -> set[tuple[str, str, str]]:
    """The identity of each survivor that cannot be noticed."""
    path = root / "tools" / "mutants" / "equivalents.json"
    entries = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return {(entry["target"], entry["old"], entry["new"]) for entry in entries}


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Draw the changes and run them; the exit status is 0 if each is noticed or equivalent."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants.at_random")
    parser.add_argument("--number", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="helpers", help="a folder or a file of helpers")
    options = parser.parse_args(arguments)
    only = root / options.only
    files = sorted(only.rglob("*.py")) if only.is_dir() else [only]
    everything = [m for path in files for m in mutants_of(root, path.relative_to(root).as_posix())]
    drawn = draw(everything, options.number, options.seed)
    print(f"mutants: {len(drawn)} of {len(everything)} changes, seed {options.seed}", flush=True)
    preload()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder)
        copy_tree(root, tree)
        status, output = run_tests(tree, sorted({test for m in drawn for test in m.tests}))
        if status != 0:
            print(output[-2000:], file=sys.stderr)
            print("mutants: the tests must pass before the code is broken", file=sys.stderr)
            return 2
        return run_all(tree, drawn, known_equivalents(root))


def run_all(tree: Path, mutants: Sequence[Mutant], equivalents: set[tuple[str, str, str]]) -> int:
    """Judge the changes one after the other; an interrupt ends the run, not its result."""
    counts: Counter[str] = Counter()
    left = []
    try:
        for position, mutant in enumerate(mutants, start=1):
            if identity(mutant) in equivalents:
                verdict, by = "equivalent", "on the list"
            else:
                verdict, by = judge(tree, mutant)
                verdict = "killed" if verdict == "broken" else verdict  # it cannot be imported
            counts[verdict] += 1
            line = f"{verdict:10} {mutant.target}, {mutant.name} ({by})"
            print(f"{position:3}/{len(mutants)} {line}", flush=True)
            left += [line] if verdict == "survived" else []
    except KeyboardInterrupt:
        print(f"mutants: stopped after {counts.total()} of {len(mutants)}", flush=True)
    for line in left:
        print(f"mutants: {line}", file=sys.stderr)
    judged = counts["killed"] + counts["survived"]
    score = counts["killed"] / max(1, judged)
    equivalent = counts["equivalent"]
    print(f"mutants: {counts['killed']} of {judged} killed ({score:.1%}), {equivalent} equivalent")
    return 1 if left else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
