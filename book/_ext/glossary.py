"""The first use of a term in a chapter leads to the glossary, and shows its entry in place.

Only running text counts: no headings, links, code, formulas, captions, tables or outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bookext import ROOT
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from tools.glossary import PAGE, Finder, Term, terms
from tools.notebooks import toc_notebooks

MARK = "glossary-term"
#: So many on a page, and in a paragraph, that they help and do not disturb.
ON_A_PAGE, IN_A_PARAGRAPH = 18, 1
_NOT_IN = (nodes.title, nodes.caption, nodes.table, nodes.footnote, nodes.raw, nodes.legend)
_NOT_WITHIN = (nodes.reference, addnodes.pending_xref, nodes.literal, nodes.math, nodes.raw)
_NOT_CLASSES = {"cell", "chapter-box", "generated-table", "sd-card"}


def paragraphs(doctree: nodes.document) -> Iterator[nodes.paragraph]:
    """The paragraphs of running text."""
    for paragraph in doctree.findall(nodes.paragraph):
        around: nodes.Node | None = paragraph.parent
        while around is not None and not (
            isinstance(around, _NOT_IN)
            or (isinstance(around, nodes.Element) and _NOT_CLASSES & set(around["classes"]))
        ):
            around = around.parent
        if around is None:
            yield paragraph


def texts(paragraph: nodes.paragraph) -> Iterator[nodes.Text]:
    """The words of a paragraph that are no link, code or formula."""
    for text in list(paragraph.findall(nodes.Text)):
        around: nodes.Node | None = text.parent
        while around is not paragraph and around is not None:
            if isinstance(around, _NOT_WITHIN):
                break
            around = around.parent
        else:
            yield text


def linked_terms(doctree: nodes.document) -> set[str]:
    """The terms to which the page already has a link of its own."""
    links = doctree.findall(addnodes.pending_xref)
    return {link["reftarget"].casefold() for link in links if link.get("reftype") == "term"}


def link_terms(app: Sphinx, doctree: nodes.document) -> None:
    """Link the first use of each term in a chapter."""
    if app.env.docname not in toc_notebooks(ROOT):
        return
    app.env.note_dependency(str(ROOT / f"{PAGE}.md"))
    known = terms(ROOT)
    there = linked_terms(doctree)
    done = {term for term in known if there & {name.casefold() for name in term.names}}
    find, count = Finder(known), 0
    for paragraph in paragraphs(doctree):
        here = 0
        for text in texts(paragraph):
            new = ((m, t) for m, t in find(str(text)) if t not in done)
            found = next(new, None)
            if found is not None and here < IN_A_PARAGRAPH:
                match, term = found
                replace(text, match.start(), match.end(), term)
                done.add(term)
                here, count = here + 1, count + 1
        if count >= ON_A_PAGE:
            return


def replace(text: nodes.Text, start: int, end: int, term: Term) -> None:
    """Put a link to a term in the place of a part of a text."""
    whole = str(text)
    link = addnodes.pending_xref(
        "", refdomain="std", reftype="term", reftarget=term.names[0], refexplicit=True
    )
    entry = f"{' · '.join(term.names)}: {term.definition}"
    link += nodes.inline("", whole[start:end], classes=[MARK], entry=entry)
    parts = [nodes.Text(whole[:start]), link, nodes.Text(whole[end:])]
    text.parent.replace(text, [part for part in parts if part.astext()])


def give_titles(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give the resolved links the definition; the script shows it, or the browser without one."""
    for word in doctree.findall(nodes.inline):
        if MARK in word["classes"] and isinstance(word.parent, nodes.reference):
            word.parent["reftitle"] = word["entry"]
            word.parent["classes"].append(MARK)
            word["classes"].remove(MARK)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.setup_extension("bookext")
    app.connect("doctree-read", link_terms)
    app.connect("doctree-resolved", give_titles)
    app.add_css_file("glossary.css")
    app.add_js_file("glossary.js", defer="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
