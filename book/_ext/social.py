"""What a network shows where a page is linked: its title, its first sentences, and a picture.

The picture is the first figure of the page that was drawn by a run, on white, in the form of 1200 by
630 points which the networks ask for; pages without one have that of `LANDING`.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from bookext import ROOT
from docutils import nodes
from PIL import Image, ImageOps
from sphinx.application import Sphinx
from tools import figures, published

#: The figure of the ring of eight, which moves on the first page.
LANDING = "fig-gan-ring"
FOLDER = "_static/social"
SIZE, MARGIN = (1200, 630), 40
LENGTH = 240  # letters of a description


def figure_of(doctree: nodes.document) -> str:
    """The name of the figure that stands for a page."""
    for image in doctree.findall(nodes.image):
        if "sd-card-img-top" in image["classes"]:  # of another page
            continue
        for name in (Path(image["uri"]).stem, *image.parent.get("names", [])):
            if (ROOT / figures.FOLDER / f"{name}.png").is_file():
                return str(name)
    return LANDING


def description(doctree: nodes.document) -> str:
    """The first sentences of a page, as many as fit."""
    paragraph = doctree.next_node(nodes.paragraph)
    text = " ".join(paragraph.astext().split()) if paragraph else ""
    if len(text) <= LENGTH:
        return text
    end = text.rfind(". ", 0, LENGTH)
    return text[: end + 1] if end > 0 else text[: text.rfind(" ", 0, LENGTH)] + " …"


def draw(name: str, target: Path) -> None:
    """A figure on a white card, unless it is there."""
    if target.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    source = ROOT / figures.FOLDER / f"{name}.png"
    card = Image.new("RGB", SIZE, "white")
    if source.is_file():
        inner = (SIZE[0] - 2 * MARGIN, SIZE[1] - 2 * MARGIN)
        picture = ImageOps.contain(Image.open(source).convert("RGB"), inner)
        card.paste(picture, tuple((a - b) // 2 for a, b in zip(SIZE, picture.size)))
    card.quantize(64).save(target)


def add_tags(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Write the tags of one page, and its picture."""
    if app.builder.format != "html" or doctree is None:
        return
    name = figure_of(doctree)
    draw(name, Path(app.outdir) / FOLDER / f"{name}.png")
    site = published.site_address(ROOT)
    title = app.env.titles[pagename].astext()
    tags = {
        "og:type": "article",
        "og:site_name": app.config.html_title,
        "og:title": title,
        "og:description": description(doctree) or title,
        "og:url": site + app.builder.get_target_uri(pagename),
        "og:image": f"{site}{FOLDER}/{name}.png",
    }
    lines = [f'<meta property="{tag}" content="{escape(text)}"/>' for tag, text in tags.items()]
    lines += [
        '<meta name="twitter:card" content="summary_large_image"/>',
        f'<meta name="description" content="{escape(tags["og:description"])}"/>',
    ]
    context["metatags"] = "\n".join([context.get("metatags", ""), *lines])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.connect("html-page-context", add_tags)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
