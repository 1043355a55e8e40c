"""Break the package at random places and say how many of the changes the tests notice.

The lists of ``python -m tools.mutants`` hold mistakes that somebody thought of; these are drawn. A
change is one node of the syntax tree: an operator, a constant, a condition, a statement, a pair of
arguments; never a docstring, an annotation or the text of an error. Each runs the doctests of its
file and the file of tests at the mirrored place (of models also the contract), or all tests of the
folder where there is none. A survivor that cannot be noticed, because nothing that is promised
changes, belongs into ``equivalents.json`` with its reason.

    python -m tools.mutants.at_random --number 200 --seed 0 [--only helpers/optim]
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import sys
import tempfile
import time
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
_LEFT_ALONE = (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom, ast.Assert)


def nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that may be changed: no annotations, decorators, docstrings or error texts."""
    for name, field in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases"):
            continue
        for child in field if isinstance(field, list) else [field]:
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


def known_equivalents(root: Path) -> set[tuple[str, str]]:
    """File and change (without its line number) of each survivor that cannot be noticed."""
    path = root / "tools" / "mutants" / "equivalents.json"
    entries = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return {(entry["target"], entry["change"]) for entry in entries}


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Draw the changes and run them; the exit status is 0 if each is noticed or equivalent."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants.at_random")
    parser.add_argument("--number", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="helpers", help="a folder or a file of helpers")
    options = parser.parse_args(arguments)
    only = root / options.only
    files = sorted(only.rglob("*.py")) if only.is_dir() else [only]
    equivalent = known_equivalents(root)
    everything = [
        mutant
        for path in files
        for mutant in mutants_of(root, path.relative_to(root).as_posix())
        if (mutant.target, mutant.name.partition(": ")[2]) not in equivalent
    ]
    number = min(options.number, len(everything))
    drawn = random.Random(options.seed).sample(everything, number)
    print(f"mutants: {number} of {len(everything)} changes, seed {options.seed}", flush=True)
    preload()
    counts: Counter[str] = Counter()
    left = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder)
        copy_tree(root, tree)
        limits: dict[tuple[str, ...], float] = {}
        for position, mutant in enumerate(sorted(drawn, key=lambda m: m.tests), start=1):
            if mutant.tests not in limits:
                start = time.monotonic()
                status, output = run_tests(tree, mutant.tests)
                limits[mutant.tests] = 10 + 3 * (time.monotonic() - start) if status == 0 else 0.0
                if status != 0:
                    print(output[-2000:], file=sys.stderr)
            limit = limits[mutant.tests]
            verdict, by = judge(tree, mutant, limit) if limit else ("unjudged", "its tests fail")
            verdict = "killed" if verdict == "broken" else verdict  # nothing can be imported
            counts[verdict] += 1
            line = f"{verdict:8} {mutant.target}, {mutant.name} ({by})"
            print(f"{position:3}/{number} {line}", flush=True)
            left += [line] if verdict != "killed" else []
    for line in left:
        print(f"mutants: {line}", file=sys.stderr)
    judged = number - counts["unjudged"]
    print(
        f"mutants: {counts['killed']} of {judged} killed ({counts['killed'] / max(1, judged):.0%})"
    )
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
