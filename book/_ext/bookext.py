"""The book's own Sphinx extension: MathJax without a network, boxes and tables from the build.

1. MathJax: the parts that the book needs are copied from the package sphinx-mathjax-offline.
2. ``book/_static`` holds the style sheets, ``book/_pages`` the scripts of single pages. Neither is
   ``_static`` in the root, whose every file Jupyter Book would add to every page.
3. The outputs of the kept runs stand in the notebooks when they are read.
4. ``{chapter-box}``: what the reader needs, what the reader gets, and how long the chapter runs.
5. ``{status-table}``, ``{api-table}`` and ``{api}``: generated parts of the reference pages; the
   lists of equations and claims are in ``listings``.
6. Details of the set page: punctuation stays with its formula, a telephone gets its figures.
"""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tools import (  # noqa: E402
    api,
    claims,
    figures,
    normalise,
    notebooks,
    outputs,
    reference_lists,
    results,
    status,
)

MATHJAX = "sphinx-mathjax-offline/static/mathjax/"
#: Half as heavy as the ready combinations, which have a menu. Rare commands come when they are met.
MATHJAX_PROGRAMS = ("core", "input/tex", "output/chtml", "a11y/assistive-mml")
MATHJAX_PARTS = (
    "startup.js",
    *(f"{name}.js" for name in MATHJAX_PROGRAMS),
    "input/tex/extensions/",
    "output/chtml/fonts/tex.js",
    "output/chtml/fonts/woff-v2/",
)
#: Formulas have the same size for every reader, whichever font the text around them is set in.
MATHJAX_OPTIONS = {
    "loader": {"load": MATHJAX_PROGRAMS},
    "chtml": {"matchFontHeight": False, "scale": 1.1},
}
#: Up to this width of the page a figure is shown in its form for telephones.
TELEPHONE = "(max-width: 45rem)"


def use_own_files(app: Sphinx, config: Config) -> None:
    """Serve style sheet, page scripts and MathJax from the site itself."""
    for name in ("_static", "_pages"):
        if (ROOT / "book" / name).is_dir():
            config.html_static_path.append(str(ROOT / "book" / name))
    config.mathjax_path = "mathjax/startup.js"
    config.mathjax3_config = {**MATHJAX_OPTIONS, **(config.mathjax3_config or {})}
    config.myst_substitutions.update(counts())
    config.templates_path.append(str(ROOT / "book" / "_ext" / "templates"))
    app.add_css_file("book.css")
    app.add_css_file("landing.css")


def counts() -> dict[str, str]:
    """The book's own numbers, for ``{{ claims }}`` on its first page."""
    known = [e for chapter in reference_lists.equations_by_chapter(ROOT) for e in chapter.entries]
    runs = map(results.Store(ROOT).executed, notebooks.toc_notebooks(ROOT))
    return {
        "equations": str(len(known)),
        "evaluated": str(sum(equation.evaluated for equation in known)),
        "claims": str(sum(len(claims.claims_of(run)) for run in runs if run is not None)),
    }


def copy_mathjax(app: Sphinx, exception: Exception | None) -> None:
    """Copy the program and the fonts of MathJax from the installed package into the site."""
    if exception is not None or app.builder.format != "html":
        return
    package = distribution("sphinx-mathjax-offline")
    target = Path(app.outdir) / "_static" / "mathjax"
    for file in package.files or []:
        part = str(file).removeprefix(MATHJAX)
        if part.startswith(MATHJAX_PARTS):
            copy = target / part
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(package.locate_file(file)), copy)
    for leftover in Path(app.outdir).rglob("*.map"):
        leftover.unlink()  # source maps of the theme: a megabyte that nobody loads


def show_results(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give a notebook the outputs of its kept run, so that nothing is executed here."""
    path = ROOT / f"{docname}.ipynb"
    run = results.Store(ROOT).executed(docname) if path.is_file() else None
    if run is not None:
        shown = outputs.with_outputs(notebooks.read(path), run, only_checked=False)
        shown = figures.show_wide(shown)
        source[0] = normalise.text_of(claims.shown(ROOT, docname, shown))


def keep_punctuation(doctree: nodes.document) -> None:
    """Let no line begin with the comma after a formula, or end with the bracket before it."""
    for formula in list(doctree.findall(nodes.math)):
        parent = formula.parent
        place = parent.index(formula)
        before = parent[place - 1] if place else None
        after = parent[place + 1] if place + 1 < len(parent) else None
        start = end = ""
        if isinstance(before, nodes.Text):
            start = before[len(before.rstrip("([“‘")) :]
        if isinstance(after, nodes.Text):
            end = after[: len(after) - len(after.lstrip("-.,;:!?)]”’"))]
        if not start and not end:
            continue
        group = nodes.inline(classes=["nobreak"])
        parent[place] = group
        group += [nodes.Text(start), formula, nodes.Text(end)]
        if isinstance(before, nodes.Text):
            parent[place - 1] = nodes.Text(before.removesuffix(start))
        if isinstance(after, nodes.Text):
            parent[place + 1] = nodes.Text(after.removeprefix(end))


def offer_narrow_figures(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Let a telephone load the form of a figure that was drawn for it."""
    base = "../" * docname.count("/") + "_images/"
    for image in list(doctree.findall(nodes.image)):
        file = Path(app.srcdir) / image["uri"]
        if file.suffix != ".svg" or not file.is_file() or "sd-card-img-top" in image["classes"]:
            continue
        narrow = figures.narrow_form(ROOT, file.read_bytes())
        if narrow.is_file():
            copy = Path(app.outdir) / "_images" / narrow.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(narrow, copy)
            source = f'<source media="{TELEPHONE}" srcset="{base}{narrow.name}">'
            start = nodes.raw("", f"<picture>{source}", format="html")
            for option in ("width", "scale"):  # with them Sphinx makes a link of the picture
                image.attributes.pop(option, None)
            image.replace_self(
                [start, image.deepcopy(), nodes.raw("", "</picture>", format="html")]
            )


def finish_page(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Apply what only the rendered page needs."""
    if app.builder.format == "html":
        keep_punctuation(doctree)
        offer_narrow_figures(app, doctree, docname)


class ChapterBox(SphinxDirective):
    """The box below a chapter's title: You need, You get, Runs in."""

    option_spec: ClassVar[dict[str, Any]] = {
        "need": directives.unchanged_required,
        "get": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Make the box; both options are required."""
        lines = (
            ("You need", self.options.get("need")),
            ("You get", self.options.get("get")),
            ("Runs in", status.runs_in(ROOT, self.env.docname)),
        )
        missing = [name for name, text in lines if not text]
        if missing:
            raise self.error(f"chapter-box: {', '.join(missing)} must be given")
        listing = nodes.definition_list()
        for name, text in lines:
            item = nodes.definition_list_item()
            item += nodes.term(name, name)
            paragraph = nodes.paragraph()
            children, messages = self.state.inline_text(str(text), self.lineno)
            paragraph += children
            item += nodes.definition("", paragraph, *messages)
            listing += item
        return [nodes.container("", listing, classes=["chapter-box"])]


class _Generated(SphinxDirective):
    """A table that is written when the page is made."""

    kind: ClassVar[str] = ""

    def text(self) -> str:
        """The Markdown of the table."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Parse the Markdown at this place; the page is always made anew."""
        self.env.note_reread()
        box = nodes.container(classes=["generated-table", self.kind])
        self.state.nested_parse(self.text().splitlines(), self.content_offset, box)
        return [box]


class StatusTable(_Generated):
    """The measurements of the last build."""

    kind = "status-table"

    def text(self) -> str:
        """One row a chapter, and the totals."""
        return status.table(ROOT)


class ApiTable(_Generated):
    """The public names of the package."""

    kind = "api-table"

    def text(self) -> str:
        """One paragraph a package."""
        return api.overview(ROOT)


class Api(_Generated):
    """The docstrings of some packages of `helpers`."""

    kind = "api"
    required_arguments = 1
    final_argument_whitespace = True

    def text(self) -> str:
        """One entry a name."""
        return api.page(self.arguments[0].split())


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.add_directive("chapter-box", ChapterBox)
    app.add_directive("status-table", StatusTable)
    app.add_directive("api-table", ApiTable)
    app.add_directive("api", Api)
    app.connect("config-inited", use_own_files)
    app.connect("source-read", show_results)
    app.connect("doctree-resolved", finish_page)
    app.connect("build-finished", copy_mathjax)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
