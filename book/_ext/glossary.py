"""The first use of a term in a chapter leads to the glossary, and shows its entry in place.

At most one term in a paragraph and some on a page, the rarer ones, so that they do not disturb.
Only running text counts: no headings, links, code, formulas, captions, tables or outputs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bookext import ROOT
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from tools.glossary import PAGE, Finder, Term, terms
from tools.notebooks import toc_notebooks

MARK = "glossary-term"
#: So many on a page that they help and do not disturb.
ON_A_PAGE = 18
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


def chosen(running: list[nodes.paragraph], find: Finder) -> set[Term]:
    """The terms worth a link: the rarer ones, since a chapter explains what it often names."""
    count = Counter(term for p in running for text in texts(p) for _, term in find(str(text)))
    rare = sorted(count, key=lambda term: (count[term], -len(term.names[0]), term.names))
    return set(rare[:ON_A_PAGE])


def first_uses(
    running: list[nodes.paragraph], find: Finder, wanted: set[Term]
) -> Iterator[tuple[nodes.Text, re.Match[str], Term]]:
    """The first use of each of these terms, at most one in a paragraph."""
    for paragraph in running:
        uses = ((t, m, term) for t in texts(paragraph) for m, term in find(str(t)))
        found = next((use for use in uses if use[2] in wanted), None)
        if found is not None:
            wanted = wanted - {found[2]}
            yield found


def link_terms(app: Sphinx, doctree: nodes.document) -> None:
    """Link the first use of each term in a chapter."""
    if app.env.docname not in toc_notebooks(ROOT):
        return
    app.env.note_dependency(str(ROOT / f"{PAGE}.md"))
    known = terms(ROOT)
    there = linked_terms(doctree)
    done = {term for term in known if there & {name.casefold() for name in term.names}}
    find, running = Finder(known), list(paragraphs(doctree))
    for text, match, term in first_uses(running, find, chosen(running, find) - done):
        replace(text, match.start(), match.end(), term)


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
