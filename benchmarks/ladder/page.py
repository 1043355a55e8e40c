r"""The rows of the page of the ladder, from the result files of all families.

    python -m benchmarks.ladder.page           compare the page with the result files
    python -m benchmarks.ladder.page --write   write its cell of rows

The cells hold, for each model: name, whether the score is exact or a bound, the mean nats of the
validation part, the mean CPU seconds of training, the weights, and the nats of the test part with
each seed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from typing import Any

from benchmarks.record import RESULTS
from tools.notebooks import ROOT

PAGE = ROOT / "book/concepts/ladder.ipynb"
#: Each cell of rows: its id, the name of the list in it, and what data the list is of.
CELLS = (("rows", "DIGITS", "digits"), ("rows-binary", "BINARY", "digits, binarised"))
HEAD = "# name, kind, validation nats, CPU seconds, weights, test nats\n"


def rows() -> list[dict[str, Any]]:
    """All rows of all result files, the worst first."""
    files = sorted(RESULTS.glob("ladder_*.json"))
    found = [row for file in files for row in json.loads(file.read_text("utf-8"))["rows"]]
    return sorted(found, key=lambda row: -statistics.fmean(row["test"]))


def source(name: str, data: str) -> str:
    """The cell that holds the rows of some data, as Python."""
    text = HEAD + f"{name} = [\n"
    for row in rows():
        if row["data"] == data:
            kind = "bound" if row["bound"] else "exact"
            means = [round(statistics.fmean(row[key]), 2) for key in ("validation", "seconds")]
            model = row["model"].removesuffix(" (bound)")
            text += f'    ("{model}", "{kind}", {means[0]}, {means[1]}, {row["weights"]},\n'
            text += f"     {[round(nats, 2) for nats in row['test']]}),\n"
    return text + "]"


def main() -> None:
    r"""Compare or write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write the cell")
    options = parser.parse_args()
    page = json.loads(PAGE.read_text("utf-8"))
    changed = False
    for identity, name, data in CELLS:
        cell = next(cell for cell in page["cells"] if cell["id"] == identity)
        if "".join(cell["source"]) != source(name, data):
            cell["source"] = source(name, data).splitlines(keepends=True)
            changed = True
    if changed and not options.write:
        sys.exit(f"{PAGE.name}: rows differ: python -m benchmarks.ladder.page --write")
    if changed:
        text = json.dumps(page, ensure_ascii=False, indent=1) + "\n"
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
