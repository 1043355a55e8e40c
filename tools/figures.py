"""The figures of the chapters as files, for the pages.

Before the pages are rendered, ``_build/figures`` gets each named figure of the kept runs as
``<name>.svg``, so that a page may say ``{figure} /_build/figures/fig-vae-map.svg``, and as
``<name>.png`` for the copies of the notebooks; and in
``narrow`` the forms for telephones, each under the digest of the form that it stands in for.
Pages get drawings with no more digits than a screen can show (`compact`).
"""

from __future__ import annotations

import base64
import re
import shutil
from pathlib import Path

from tools.notebooks import Notebook, code_cells, toc_notebooks
from tools.page_figures import MIME
from tools.results import Store, digest

FOLDER = "_build/figures"
#: A line through more points than this is noise, and none of its corners is seen.
_MANY = 1000
_DRAWN = re.compile(r' (d|x|y)="([^"]*)"')


def compact(svg: str) -> str:
    """The same drawing with points to a hundredth, of lines with very many points to a tenth."""

    def rounded(found: re.Match[str]) -> str:
        places = 1 if found[2].count("L") > _MANY else 2
        text = re.sub(r"-?\d+\.\d+", lambda n: f"{round(float(n[0]), places) + 0:g}", found[2])
        return f' {found[1]}="{" ".join(text.split())}"'

    return _DRAWN.sub(rounded, svg)


def narrow_form(root: Path, wide: bytes) -> Path:
    """Where the form for telephones of a figure is, if it has one; white space does not count."""
    return root / FOLDER / "narrow" / f"{digest(wide.split())}.svg"


def show_wide(executed: Notebook) -> Notebook:
    """Let the figures of a run stand there as SVG; changed in place."""
    for cell in code_cells(executed):
        for output in cell.outputs:
            if MIME in output.get("data", {}):
                output.data = {"image/svg+xml": compact(output.data[MIME]["wide"])}
                output.metadata = {}
    return executed


def write_figures(root: Path) -> None:
    """Write the figures of all kept runs; files of figures that are gone are removed."""
    shutil.rmtree(root / FOLDER, ignore_errors=True)
    (root / FOLDER / "narrow").mkdir(parents=True)
    store = Store(root)
    for chapter in toc_notebooks(root):
        executed = store.executed(chapter)
        for cell in code_cells(executed) if executed is not None else ():
            name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
            for output in cell.outputs:
                forms = output.get("data", {}).get(MIME)
                if forms is None:
                    continue
                forms = {kind: compact(svg) for kind, svg in forms.items()}
                if name:
                    path = root / FOLDER / f"{name}.svg"
                    path.write_text(forms["wide"], encoding="utf-8")
                    png = base64.b64decode(output.data["image/png"])
                    path.with_suffix(".png").write_bytes(png)
                if "narrow" in forms:
                    path = narrow_form(root, forms["wide"].encode())
                    path.write_text(forms["narrow"], encoding="utf-8")
