"""The figures of the chapters as files, for the pages.

Before the pages are rendered, ``_build/figures`` gets each named figure of the kept runs as
``<name>.svg``, so that a page may say ``{figure} /_build/figures/fig-vae-map.svg``, and as
``<name>.png`` for the copies of the notebooks; and in
``narrow`` the forms for telephones, each under the digest of the form that it stands in for.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import shutil
from pathlib import Path

from PIL import Image

from tools.notebooks import Notebook, code_cells, toc_notebooks
from tools.page_figures import MIME
from tools.results import Store

FOLDER = "_build/figures"


def narrow_form(root: Path, wide: bytes) -> Path:
    """Where the form for telephones of a figure is, if it has one; white space does not count."""
    digest = hashlib.sha256(b"".join(wide.split())).hexdigest()[:20]
    return root / FOLDER / "narrow" / f"{digest}.svg"


def light(svg: str) -> str:
    """The same drawing with the pictures inside it in 256 colours: a third of the weight."""

    def smaller(found: re.Match[str]) -> str:
        picture = Image.open(io.BytesIO(base64.b64decode(found[2])))
        file = io.BytesIO()
        picture.convert("RGBA").quantize(256, Image.Quantize.FASTOCTREE).save(file, "PNG")
        fewer = base64.b64encode(file.getvalue()).decode()
        return found[1] + min(fewer, "".join(found[2].split()), key=len)

    return re.sub(r"(data:image/png;base64,)([A-Za-z0-9+/=\s]+)", smaller, svg)


def show_wide(executed: Notebook) -> Notebook:
    """Let the figures of a run stand there as SVG; changed in place."""
    for cell in code_cells(executed):
        for output in cell.outputs:
            if MIME in output.get("data", {}):
                output.data = {"image/svg+xml": light(output.data[MIME]["wide"])}
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
                forms = {kind: light(svg) for kind, svg in forms.items()}
                if name:
                    path = root / FOLDER / f"{name}.svg"
                    path.write_text(forms["wide"], encoding="utf-8")
                    png = base64.b64decode(output.data["image/png"])
                    path.with_suffix(".png").write_bytes(png)
                if "narrow" in forms:
                    path = narrow_form(root, forms["wide"].encode())
                    path.write_text(forms["narrow"], encoding="utf-8")
