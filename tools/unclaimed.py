"""Sentences that compare, quantify or name a cause, with nothing near by that was computed.

A list for a person to read, not a failure: a sentence may well be a definition or a quotation.
A claim or a checked cell at most two cells away, or a link to a claim in the same cell, is taken to
bear the sentence out.

    python -m tools.unclaimed [chapters]
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from tools.claims import LINK, is_claims
from tools.markdown import prose
from tools.notebooks import ROOT, BookError, Notebook, is_checked, read, select, toc_notebooks

NEAR = 2  # cells
_WORDS = (
    r"(more|less|fewer|better|worse|larger|smaller|higher|lower|faster|slower|sharper|closer) than"
    r"|most|best|worst|least|twice|half|always|never|because|therefore|causes?|due to|thanks to"
    r"|\w+ times|beats?|wins?|loses?|outperforms?|improves?|hurts?|helps?"
)
_UNIT = r"(%|nats?|bits?|seconds?|minutes?|steps?|epochs?|modes?|points?|dB|times)"
CLAIMING = re.compile(rf"\b(?:{_WORDS})\b|\d+(?:\.\d+)?\s?{_UNIT}(?!\w)|\b\d+\.\d+\b", re.I)


def unclaimed(notebook: Notebook) -> list[str]:
    """The sentences that claim something where nothing near by supports them."""
    computed = [is_claims(cell) or is_checked(cell) for cell in notebook.cells]
    found = []
    for place, cell in enumerate(notebook.cells):
        near = computed[max(0, place - NEAR) : place + NEAR + 1]
        if cell.cell_type != "markdown" or any(near) or LINK.search(cell.source):
            continue
        for sentence in re.split(r"(?<=[.!?:])\s+", prose(cell.source)):
            if CLAIMING.search(sentence):
                found.append(" ".join(sentence.split()))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.unclaimed", description=__doc__)
    parser.add_argument("chapters", nargs="*", help="such as vae or book/models/vae; default: all")
    parser.add_argument("--root", type=Path, default=ROOT)
    options = parser.parse_args(arguments)
    try:
        chapters = select(toc_notebooks(options.root), options.chapters)
        found = {c: unclaimed(read(options.root / f"{c}.ipynb")) for c in chapters}
    except BookError as error:
        print(f"unclaimed: {error}", file=sys.stderr)
        return 1
    for chapter, sentences in found.items():
        print(f"{chapter}: {len(sentences)} sentences")
        for sentence in sentences:
            print(f"  {sentence}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
