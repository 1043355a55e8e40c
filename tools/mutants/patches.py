"""The lists of patches, and whether they still fit the code."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """One deliberate mistake: `old` becomes `new` in `target`, and one of `tests` must fail."""

    name: str
    target: str
    tests: tuple[str, ...]
    old: str
    new: str


def read(folder: Path, names: Sequence[str] = ()) -> list[Mutant]:
    """All mutants of the lists ``<name>.toml`` in a folder; of every list if none is named."""
    known = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"mutants: no list called {unknown[0]!r}; there are {', '.join(known)}")
    mutants = []
    for name in names or known:
        for module in tomllib.loads(known[name].read_text(encoding="utf-8"))["module"]:
            target, tests = module["target"], tuple(module["tests"])
            for entry in module["mutant"]:
                old, new = entry["old"].strip("\n"), entry["new"].strip("\n")
                mutants.append(Mutant(entry["name"], target, tests, old, new))
    return mutants


def unfit(root: Path, mutants: Sequence[Mutant]) -> list[str]:
    """One sentence for each patch that cannot be applied as it is meant."""
    problems = []
    for mutant in mutants:
        where = f"{mutant.target}, {mutant.name!r}"
        missing = [path for path in (mutant.target, *mutant.tests) if not (root / path).exists()]
        if missing:
            problems.append(f"{where}: there is no {missing[0]}")
            continue
        count = (root / mutant.target).read_text(encoding="utf-8").count(mutant.old)
        if count != 1:
            problems.append(f"{where}: the old text occurs {count} times, it must occur once")
        elif mutant.old == mutant.new:
            problems.append(f"{where}: the new text is the old one")
    return problems
