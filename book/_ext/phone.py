"""For readers with a telephone: ``phone.js`` and ``phone.css``."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both with Sphinx."""
    app.add_css_file("phone.css", priority=900)  # after the sheets that it refines
    app.add_js_file("phone.js", defer="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
