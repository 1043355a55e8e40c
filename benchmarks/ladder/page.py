r"""The rows of the page of the ladder, from the result files of all families.

    python -m benchmarks.ladder.page           compare the page with the result files
    python -m benchmarks.ladder.page --write   write its cell of rows

The cell holds, for each model: name, whether the score is exact or a bound, the nats of the test
part with each seed, the mean of the validation part, the mean CPU seconds of training, the weights.
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
LISTS = {"DIGITS": "digits", "BINARY": "digits, binarised", "TEXT": "text"}
HEAD = "# name, kind, test nats, validation nats, CPU seconds, weights\n"


def rows() -> list[dict[str, Any]]:
    """All rows of all result files, the worst first."""
    files = sorted(RESULTS.glob("ladder_*.json"))
    found = [row for file in files for row in json.loads(file.read_text("utf-8"))["rows"]]
    return sorted(found, key=lambda row: -statistics.fmean(row["test"]))


def source() -> str:
    """The cell that holds them, as Python."""
    text = HEAD
    for name, data in LISTS.items():
        text += f"{name} = [\n"
        for row in rows():
            if row["data"] == data:
                kind = "bound" if row["bound"] else "exact"
                means = [round(statistics.fmean(row[key]), 2) for key in ("validation", "seconds")]
                text += f'    ("{row["model"].removesuffix(" (bound)")}", "{kind}",\n'
                text += f"     {[round(nats, 3) for nats in row['test']]},\n"
                text += f"     {means[0]}, {means[1]}, {row['weights']}),\n"
        text += "]\n"
    return text.rstrip("\n")


def main() -> None:
    r"""Compare or write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write the cell")
    options = parser.parse_args()
    page = json.loads(PAGE.read_text("utf-8"))
    cell = next(cell for cell in page["cells"] if cell["id"] == "rows")
    if "".join(cell["source"]) == source():
        return
    if not options.write:
        sys.exit(f"{PAGE.name}: rows differ: python -m benchmarks.ladder.page --write")
    cell["source"] = source().splitlines(keepends=True)
    PAGE.write_text(json.dumps(page, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
