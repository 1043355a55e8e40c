"""For readers with a keyboard, a screen reader or a telephone.

1. A folded cell is called by the words on it.
2. ``scroll.js`` lets the keyboard reach what scrolls sideways, and ``scroll.css`` shows that it does.
"""

from __future__ import annotations

from html import escape
from typing import Any

from myst_nb.sphinx_ import HideCodeCellNode, depart_HideCellInput
from sphinx.application import Sphinx


def visit_fold(translator: Any, node: HideCodeCellNode) -> None:
    """Begin a folded cell; of the two labels the style sheet shows one."""
    translator.body.append(
        f'<details class="admonition hide {" ".join(node["classes"])}">\n<summary>'
        f'<p class="collapsed admonition-title">{escape(node["prompt_show"])}</p>'
        f'<p class="expanded admonition-title">{escape(node["prompt_hide"])}</p>'
        "</summary>\n"
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.setup_extension("myst_nb")
    app.add_node(HideCodeCellNode, override=True, html=(visit_fold, depart_HideCellInput))
    app.add_css_file("scroll.css")
    app.add_js_file("scroll.js", defer="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
