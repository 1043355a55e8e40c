"""The named figures of the chapters as files, for pages that show a figure of another page.

They are written to ``_build/figures/<name>.png`` before the pages are rendered, so that a page may
say ``{figure} /_build/figures/fig-vae-map.png``.
"""

from __future__ import annotations

import base64
from pathlib import Path

from tools.notebooks import Notebook, code_cells, toc_notebooks
from tools.results import Store

FOLDER = "_build/figures"


def named_figures(executed: Notebook) -> dict[str, bytes]:
    """Name and PNG of each figure that the run made."""
    found = {}
    for cell in code_cells(executed):
        name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
        for output in cell.outputs:
            data = output.get("data", {}).get("image/png")
            if name and data:
                found[str(name)] = base64.b64decode(data)
    return found


def write_figures(root: Path) -> list[Path]:
    """Write the figures of all kept runs; files of figures that are gone are removed."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    store, written = Store(root), []
    for chapter in toc_notebooks(root):
        executed = store.executed(chapter)
        for name, png in named_figures(executed).items() if executed is not None else ():
            path = folder / f"{name}.png"
            if not path.is_file() or path.read_bytes() != png:
                path.write_bytes(png)
            written.append(path)
    for path in set(folder.glob("*.png")) - set(written):
        path.unlink()
    return written
