"""The claims of the chapters: judged after each run, repeated with other seeds, shown on the pages.

A claim is made by `helpers.claims` in a cell tagged ``claims``. One that must hold always fails the
build when it is false. One that depends on training fails it only if the committed record says that
it holds for each of five seeds, with a margin of three standard deviations over them: another
processor trains another model. The record, ``benchmarks/results/claims.json``, is written by

    python -m tools.claims             seeds 1 to 5 of all chapters, default profile
    python -m tools.claims vae         of one chapter

which goes on where it was stopped, runs a chapter again only if its code has changed (the first
seed alone if that gives the numbers of the record), and is not stopped by a chapter that fails.
"""

from __future__ import annotations

import argparse
import ast
import html
import json
import platform
import re
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tools import kernel
from tools.dependencies import dependencies, program
from tools.notebooks import (
    ROOT,
    BookError,
    Cell,
    Notebook,
    cell_name,
    code_cells,
    read,
    select,
    tags,
    toc_notebooks,
)
from tools.problems import Problem
from tools.progress import Progress
from tools.results import Record, Store, digest, named_contents, only_one

#: As `helpers.claims` marks its output; a test compares the two.
MIME = "application/vnd.book.claims+json"
SEEDS = (1, 2, 3, 4, 5)
RECORD = "benchmarks/results/claims.json"
LINK = re.compile(r"\[([^\]\[]+)\]\(#claim-([a-z0-9-]+)\)")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NUMBER = re.compile(r"(?<![\w-])[-−+]?\d[\d,]*(?:\.\d+)?")  # not the 2 of bz2

Row = dict[str, Any]  # one claim as `helpers.claims` writes it


def is_claims(cell: Cell) -> bool:
    """Whether a cell shows claims."""
    return cell.cell_type == "code" and "claims" in tags(cell)


def rows_of(cell: Cell) -> list[Row]:
    """The claims in the outputs of one cell; the kernel writes infinities as text."""
    rows = [row for output in cell.outputs for row in output.get("data", {}).get(MIME, [])]
    return [{**row, "left": float(row["left"]), "right": float(row["right"])} for row in rows]


def claims_of(run: Notebook) -> list[Row]:
    """The claims of an executed chapter, in its order."""
    return [row for cell in code_cells(run) for row in rows_of(cell)]


def margin(row: Row) -> float:
    """How far a comparison is from the border between true and false; negative if false."""
    left, right, relation = float(row["left"]), float(row["right"]), row["relation"]
    if relation in ("≈", "=="):
        return float(row["within"] - abs(left - right))
    return float(right - left if relation in ("<", "<=") else left - right)


def stamp(root: Path, notebook: Notebook) -> str:
    """What a record of a chapter holds for: its program and the helpers that it uses.

    The set-up, the bounds between cells, the words of a claim and what only draws change no number.
    """
    sources = [cell.source for cell in code_cells(notebook) if cell.get("id") != "setup"]
    tree = program(sources)
    tree.body = [statement for statement in tree.body if not _only_draws(statement)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "claim":
            del node.args[1:2]
            node.keywords = [word for word in node.keywords if word.arg != "seeds"]
    used = dependencies(root, [ast.unparse(tree)])
    used = [file for file in used if file.parent != root / "helpers" / "plotting"]
    return digest([ast.dump(tree).encode(), *named_contents(root, used)])


def _only_draws(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return statement.module == "helpers.plotting"
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and getattr(call.func, "id", "") == "diagram"


def read_record(root: Path) -> dict[str, Any]:
    """The committed record; no chapters if there is none."""
    path = root / RECORD
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"figures": {}}


def is_safe(recorded: Row | None) -> bool:
    """Whether a claim about training held for all seeds and by three standard deviations."""
    if recorded is None or len(recorded["margins"]) < len(SEEDS) or not all(recorded["holds"]):
        return False
    if max(map(abs, recorded["margins"])) >= 1e308:
        return False
    spread = statistics.stdev(recorded["margins"])
    return bool(statistics.fmean(recorded["margins"]) >= 3 * spread)


def _recorded(root: Path, chapter: str) -> dict[str, Row]:
    claims: dict[str, Row] = read_record(root)["figures"].get(chapter, {}).get("claims", {})
    return claims


def problems(root: Path, chapter: str, stored: Notebook, run: Notebook) -> list[Problem]:
    """False claims, cells tagged ``claims`` without any, and links to claims that do not agree."""
    found: list[Problem] = []
    names: set[str] = set()
    recorded = _recorded(root, chapter)
    for cell in code_cells(run):
        place, rows = cell_name(run, cell), rows_of(cell)
        if bool(rows) != is_claims(cell):
            message = "shows no claims" if is_claims(cell) else "shows claims without the tag"
            found.append(Problem(chapter, place, f"{message}: tag `claims`, last line claims(...)"))
        for row in rows:
            name = row["name"]
            if name in names or not _NAME.fullmatch(name):
                message = f"claim name {name!r} must be new here, of small letters, digits, hyphens"
                found.append(Problem(chapter, place, message))
            names.add(name)
            safe = row["seeds"] is None or is_safe(recorded.get(name))
            if not row["holds"] and safe:
                message = f"claim {name!r} is false: {row['text']} ({row['comparison']})"
                found.append(Problem(chapter, place, message))
    return found + link_problems(root, chapter, stored, claims_of(run))


def notices(root: Path, chapter: str, run: Notebook) -> list[str]:
    """Claims about training that are false in this run, and not sure enough to fail the build."""
    recorded = _recorded(root, chapter)
    return [
        f"{chapter}: does not hold in this run: {row['text']} ({row['comparison']})"
        for row in claims_of(run)
        if not row["holds"] and row["seeds"] is not None and not is_safe(recorded.get(row["name"]))
    ]


def link_problems(root: Path, chapter: str, stored: Notebook, rows: list[Row]) -> list[Problem]:
    """Links ``[90.7](#claim-name)`` without their claim, or with another number than it has.

    The number of a claim about training may be that of any of the recorded seeds, or in between.
    """
    known, recorded = {row["name"]: row for row in rows}, _recorded(root, chapter)
    found = []
    for cell in stored.cells:
        for text, name in LINK.findall(cell.source if cell.cell_type == "markdown" else ""):
            place = cell_name(stored, cell)
            if name not in known:
                found.append(Problem(chapter, place, f"links to claim {name!r}, which is not made"))
                continue
            for number in _NUMBER.findall(text):
                if not _agrees(number, known[name], recorded.get(name)):
                    row = known[name]
                    message = (
                        f"says {number}, its claim {name!r} has {row['left']:.6g} and "
                        f"{row['right']:.6g}: {row['text']}"
                    )
                    found.append(Problem(chapter, place, message))
    return found


def _agrees(number: str, row: Row, recorded: Row | None) -> bool:
    digits = len(number.partition(".")[2])
    value = abs(float(number.replace(",", "").replace("−", "-")))
    half = 0.500001 * 10**-digits
    for side in ("left", "right"):
        values = [abs(row[side]), *(abs(v) for v in (recorded or {}).get(f"{side}s", []))]
        values = values if row["seeds"] is not None else values[:1]
        for scale in (1, 100):  # a share may be printed as a percentage
            if scale * min(values) - half <= value <= scale * max(values) + half:
                return True
    return False


def _share(row: Row, record: dict[str, Any], *, current: bool) -> str:
    recorded = record.get("claims", {}).get(row["name"])
    if recorded is None:
        return "checked in each build" if row["seeds"] is None else "not yet run with other seeds"
    held, count = sum(recorded["holds"]), len(recorded["holds"])
    earlier = "" if current else ", before the last change of this chapter"
    return f"holds for {held} of {count} seeds{earlier}"


def shown(root: Path, chapter: str, notebook: Notebook) -> Notebook:
    """The notebook as its page shows it: claims with their record, links to them resolved."""
    record = read_record(root)["figures"].get(chapter, {})
    current = record.get("stamp") == stamp(root, notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(r'<a class="claim" href="#claim-\2">\1</a>', cell.source)
        elif rows := rows_of(cell):
            items = []
            for row in rows:
                name, mark = row["name"], "✓" if row["holds"] else "✗"
                facts = [row["comparison"]]
                facts.append(_share(row, record, current=current))
                items.append(
                    f'<li id="claim-{name}"><span class="claim-mark">{mark}</span> '
                    f'{html.escape(row["text"])} <span class="claim-facts">'
                    f"{html.escape('; '.join(facts))}</span></li>"
                )
            output = next(output for output in cell.outputs if MIME in output.get("data", {}))
            page = f'<ul class="claims">{"".join(items)}</ul>'
            output.data = {"text/html": page}
            cell.outputs = [output]
            cell.metadata.tags = [*tags(cell), "hide-cell"]
            cell.metadata.setdefault("mystnb", {}).update(
                code_prompt_show=f"Checked claims ({len(rows)})",
                code_prompt_hide=f"Checked claims ({len(rows)})",
            )
    return notebook


def run_seed(root: Path, chapter: str, seed: int) -> dict[str, Any]:
    """Run a chapter with another seed, or read the run that is kept; what it claimed."""
    path = root / f"{chapter}.ipynb"
    stored = read(path)
    folder = root / "_build" / "claims" / chapter
    kept = folder / f"seed-{seed}.json"
    mark = stamp(root, stored)
    if kept.is_file():
        result: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        if result["stamp"] == mark:
            return result
    run = kernel.prepared(path, folder / f"seed-{seed}.ipynb", {"seed": seed})
    cost = kernel.execute(run, path.parent, "default")
    result = {"stamp": mark, "error": cost["error"], "seconds": cost["cpu_seconds"]}
    result["claims"] = claims_of(run)
    kept.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return result


def _written(value: float) -> float:
    """Six digits; JSON has no infinity."""
    return float(f"{min(max(float(value), -1e308), 1e308):.6g}")


def entry(results: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """What the record says of a chapter, from its results by seed."""
    claims: dict[str, Row] = {}
    for result in results.values():
        for row in result["claims"]:
            keep = claims.setdefault(
                row["name"],
                {key: row[key] for key in ("sentence", "relation", "seeds")}
                | {"lefts": [], "rights": [], "margins": [], "holds": []},
            )
            for key, value in (("lefts", row["left"]), ("rights", row["right"])):
                keep[key].append(_written(value))
            keep["margins"].append(_written(margin(row)))
            keep["holds"].append(row["holds"])
    return {
        "stamp": next(iter(results.values()))["stamp"],
        "seeds": list(results),
        "cpu_seconds": [result["seconds"] for result in results.values()],
        "errors": {seed: r["error"] for seed, r in results.items() if r["error"]},
        "claims": claims,
    }


def judged(chapter: str, made: dict[str, Any]) -> list[Problem]:
    """What is wrong with a record: runs that failed, claims that hold less often than they say."""
    found = [Problem(chapter, f"seed {seed}", message) for seed, message in made["errors"].items()]
    for name, row in made["claims"].items():
        needed, held = row["seeds"] or len(row["holds"]), sum(row["holds"])
        if held < needed:
            numbers = ", ".join(
                f"{a:.4g} {row['relation']} {b:.4g}"
                for a, b in zip(row["lefts"], row["rights"], strict=True)
            )
            message = f"claim {name!r} holds for {held} of {len(row['holds'])} seeds: {numbers}"
            found.append(Problem(chapter, "", message))
    return found


def write_record(root: Path, chapters: dict[str, dict[str, Any]]) -> None:
    """Put these chapters into the record, in the order of the book; the others stay."""
    known = {**read_record(root)["figures"], **chapters}
    record = {
        "benchmark": "claims",
        "command": "python -m tools.claims",
        "versions": {"python": platform.python_version(), "torch": version("torch")},
        "device": "cpu",
        "threads": 1,
        "seeds": list(SEEDS),
        "figures": {c: known[c] for c in toc_notebooks(root) if c in known},
    }
    text = json.dumps(record, ensure_ascii=False, indent=1)
    # A list of numbers on one line: the file is read as differences between versions.
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: "[" + " ".join(m[1].split()) + "]", text)
    path = root / RECORD
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def renewed(made: dict[str, Any], recorded: dict[str, Any] | None) -> dict[str, Any] | None:
    """The record under its new stamp, if the run of the first seed gives each number as before."""
    if recorded is None or recorded["seeds"] != list(SEEDS) or recorded["errors"]:
        return None
    claims: dict[str, Row] = {}
    for name, row in made["claims"].items():
        known = recorded["claims"].get(name)
        sides = ("lefts", "rights", "holds")
        if known is None or any(row[side][0] != known[side][0] for side in sides):
            return None
        claims[name] = {**known, **{key: row[key] for key in ("sentence", "seeds")}}
    return {**recorded, "stamp": made["stamp"], "claims": claims}


def run_all(root: Path, chapters: list[str], *, workers: int = 2) -> list[Problem]:
    """Run chapters with the seeds of the record and write it after each chapter.

    Of a chapter that is recorded the first seed alone is run again, if it gives the same numbers.
    """
    store, known = Store(root), read_record(root)["figures"]
    records: dict[str, Record | None] = {chapter: store.record(chapter) for chapter in chapters}
    expected = {
        f"{chapter}, seed {seed}": (record.seconds if record else 0.0) or 60.0
        for chapter, record in records.items()
        for seed in SEEDS
    }
    progress, found = Progress(expected, workers=workers), []

    def work(chapter: str, seed: int) -> dict[str, Any]:
        progress.begin(f"{chapter}, seed {seed}")
        result = run_seed(root, chapter, seed)
        said = result["error"] or f"{len(result['claims'])} claims"
        progress.end(f"{chapter}, seed {seed}", said)
        return result

    def finish(chapter: str, made: dict[str, Any]) -> None:
        write_record(root, {chapter: made})
        found.extend(judged(chapter, made))

    with ThreadPoolExecutor(workers) as pool:
        try:
            firsts = {chapter: pool.submit(work, chapter, SEEDS[0]) for chapter in chapters}
            others = {}
            for chapter, first in firsts.items():
                made = renewed(entry({SEEDS[0]: first.result()}), known.get(chapter))
                if made is None:
                    others[chapter] = {s: pool.submit(work, chapter, s) for s in SEEDS[1:]}
                    continue
                for seed in SEEDS[1:]:
                    progress.end(f"{chapter}, seed {seed}", "its record stands")
                finish(chapter, made)
            for chapter, runs in others.items():
                results = {seed: run.result() for seed, run in runs.items()}
                finish(chapter, entry({SEEDS[0]: firsts[chapter].result(), **results}))
        except KeyboardInterrupt:
            kernel.stop_all()
            pool.shutdown(wait=False, cancel_futures=True)
            raise BookError("stopped; what has run is kept, and the same command goes on") from None
    return found


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.claims",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("chapters", nargs="*", help="such as vae or book/models/vae; default: all")
    parser.add_argument("--workers", type=int, default=2, help="notebooks at a time")
    parser.add_argument("--root", type=Path, default=ROOT)
    options = parser.parse_args(arguments)
    try:
        with only_one(options.root, "claims"):
            all_chapters = toc_notebooks(options.root)
            chapters = select(all_chapters, options.chapters)
            chapters = [
                c for c in chapters if any(map(is_claims, read(options.root / f"{c}.ipynb").cells))
            ]
            found = run_all(options.root, chapters, workers=options.workers)
    except BookError as error:
        print(f"claims: {error}", file=sys.stderr)
        return 1
    for problem in found:
        print(f"claims: {problem}", file=sys.stderr)
    print(f"claims: {len(chapters)} chapters in {RECORD}, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
