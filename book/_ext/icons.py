"""The theme's icons: of two thousand in its fonts and style sheet those stay that a page shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fontTools import subset
from sphinx.application import Sphinx

FONTS = "vendor/fontawesome/webfonts"
#: An icon in the theme's style sheet: its names, and its place in the font.
_RULE = re.compile(r'(?:\.fa-[\w-]+:before,?)+\{content:"\\([0-9a-f]+)"\}')
_PLACE = re.compile(r'["\'](?:\\([ef][0-9a-f]{3})|([\ue000-\uf8ff]))["\']')


def keep_used(sheet: str, names: set[str]) -> tuple[str, set[int]]:
    """The style sheet without the icons that have none of these names, and the places it needs."""

    def kept(rule: re.Match[str]) -> str:
        return rule[0] if names & set(re.findall(r"\.(fa-[\w-]+)", rule[0])) else ""

    smaller = _RULE.sub(kept, sheet)
    found = _PLACE.findall(smaller)
    return smaller, {int(code, 16) if code else ord(letter) for code, letter in found}


def shrink(font: Path, places: set[int]) -> None:
    """Leave only these places in a TrueType font."""
    options = subset.Options(layout_features=[], notdef_outline=True)
    whole = subset.load_font(str(font), options)
    chooser = subset.Subsetter(options)
    chooser.populate(unicodes=places)
    chooser.subset(whole)
    subset.save_font(whole, str(font), options)


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Make the icons of the rendered site light."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    static = site / "_static"
    # A program of half a megabyte that draws a dozen icons; the fonts have them all.
    (static / "scripts" / "fontawesome.js").write_text("", encoding="utf-8")
    texts = [*site.rglob("*.html"), *static.glob("*.js"), *static.glob("scripts/*.js")]
    names = {n for path in texts for n in re.findall(r"\bfa-[\w-]+", path.read_text("utf-8"))}
    places: set[int] = set()
    for path in (*static.glob("*.css"), *static.glob("styles/*.css")):
        sheet, needed = keep_used(path.read_text("utf-8"), names)
        places |= needed
        sheet = re.sub(r'url\([^()]*\.woff2\) format\("woff2"\),(?=url\([^()]*\.ttf\))', "", sheet)
        path.write_text(sheet, encoding="utf-8")
    for font in (static / FONTS).glob("*.ttf"):
        shrink(font, places)
        font.with_suffix(".woff2").unlink(missing_ok=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
