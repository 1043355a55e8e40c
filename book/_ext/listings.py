"""``{equation-table}`` and ``{claim-table}``: the lists of the reference pages.

Each chapter is a section, so that the page has contents, with its entries folded below the title.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from bookext import ROOT
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from tools.reference_lists import (
    Chapter,
    Claimed,
    Tested,
    claims_by_chapter,
    equations_by_chapter,
    source_address,
)

_MARKDOWN = re.compile(r"([\\*_$\[\]<{}|])")


def as_markdown(text: str) -> str:
    """Plain text in which only `code` is marked, as Markdown that reads the same."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else _MARKDOWN.sub(r"\\\1", p) for p in parts)


def html(text: str) -> nodes.raw:
    """A piece of HTML as it stands."""
    return nodes.raw("", text, format="html")


def box(kind: str, *children: nodes.Node) -> nodes.container:
    """A ``div`` of this class."""
    return nodes.container("", *children, classes=[kind])


def figure(number: int, text: str) -> str:
    """One of the totals at the top of a page."""
    return f'<div class="total"><strong>{number}</strong> <span>{text}</span></div>'


def totals(*figures: str) -> nodes.raw:
    """The totals at the top of a page."""
    return html(f'<div class="totals">{"".join(figures)}</div>')


class _Listing(SphinxDirective):
    """A list that is written anew whenever the pages are made."""

    def text(self, markdown: str) -> nodes.paragraph:
        """A paragraph of Markdown."""
        parsed = nodes.Element()
        self.state.nested_parse(StringList([markdown], "listing"), self.content_offset, parsed)
        first = parsed.next_node(nodes.paragraph)
        return first if first is not None else nodes.paragraph()

    def section(
        self, chapter: Chapter[Any], summary: str, entries: Iterable[nodes.Node]
    ) -> nodes.section:
        """The folded entries of a chapter below its title."""
        name = f"{self.name}-{chapter.page.rpartition('/')[2].replace('_', '-')}"
        section = nodes.section(ids=[name], names=[name], classes=["listing"])
        section += nodes.title(chapter.title, chapter.title)
        section += html(f"<details><summary>{summary}</summary>")
        section += self.text(f"From the chapter {{doc}}`/{chapter.page}`.")
        section += entries
        section += html("</details>")
        return section


class EquationTable(_Listing):
    """Each equation with what it is compared with, and its test."""

    def run(self) -> list[nodes.Node]:
        """The totals, then one section a chapter."""
        self.env.note_reread()
        chapters = equations_by_chapter(ROOT)
        found = [tested for chapter in chapters for tested in chapter.entries]
        count = sum(tested.evaluated for tested in found)
        tests = {(mark.file, mark.test) for tested in found for mark in tested.marks}
        top = totals(
            figure(len(found), "equations"),
            figure(count, "evaluated"),
            figure(len(found) - count, "frozen"),
            figure(len(tests), "tests"),
        )
        return [top, *(self.chapter(chapter) for chapter in chapters)]

    def chapter(self, chapter: Chapter[Tested]) -> nodes.section:
        """The equations of one chapter."""
        all_, count = len(chapter.entries), sum(tested.evaluated for tested in chapter.entries)
        summary = (
            f'<span class="share" style="--share: {count / all_:.3f}"></span> '
            f"{all_} equations, {count} evaluated"
        )
        return self.section(chapter, summary, (self.card(tested) for tested in chapter.entries))

    def card(self, tested: Tested) -> nodes.Node:
        """One equation."""
        label, tex = tested.equation.label, tested.equation.tex.rstrip(" .,")
        bound = "evaluated" if tested.evaluated else "frozen"
        head = self.text(f"{{eq}}`{label}` `{label}`")
        head.insert(1, html(f' <span class="bound {bound}">{bound}</span>'))
        head["classes"].append("equation-head")
        formula = nodes.math_block(tex, tex, nowrap=False, number=None, label=None)
        card = box("equation-card", head, formula, html('<p class="compared">Compared with</p>'))
        card += nodes.bullet_list("", *self.comparisons(tested))
        card["ids"].append(f"listed-{label}")
        return card

    def comparisons(self, tested: Tested) -> Iterator[nodes.list_item]:
        """What each test of an equation compares it with, and where the test is."""
        for mark in tested.marks:
            text = self.text(mark.compares.removeprefix("Independent answer: "))
            place = f"{mark.file}:{mark.line}"
            address = source_address(ROOT, mark.file, mark.line)
            link = nodes.reference("", place, refuri=address, classes=["test-place"])
            yield nodes.list_item("", text, nodes.paragraph("", "", link))


class ClaimTable(_Listing):
    """Each claim with its record."""

    def run(self) -> list[nodes.Node]:
        """The totals, then one section a chapter."""
        self.env.note_reread()
        chapters = claims_by_chapter(ROOT)
        found = [claimed for chapter in chapters for claimed in chapter.entries]
        trained = [claimed for claimed in found if not claimed.always]
        recorded = [claimed for claimed in trained if claimed.seeds]
        top = totals(
            figure(len(found), "claims"),
            figure(len(found) - len(trained), "hold always, checked in each build"),
            figure(len(recorded), f"of the other {len(trained)} are recorded with other seeds"),
            figure(sum(c.held == c.seeds for c in recorded), "of these hold for all of the seeds"),
        )
        return [top, *(self.chapter(chapter) for chapter in chapters)]

    def chapter(self, chapter: Chapter[Claimed]) -> nodes.section:
        """The claims of one chapter."""
        trained = [claimed for claimed in chapter.entries if not claimed.always]
        recorded = [claimed for claimed in trained if claimed.seeds]
        parts = [f"{len(chapter.entries)} claims"]
        if always := len(chapter.entries) - len(trained):
            parts.append(f"{always} always")
        if recorded:
            held = sum(claimed.held == claimed.seeds for claimed in recorded)
            parts.append(f"{held} of {len(recorded)} for all seeds")
        if missing := len(trained) - len(recorded):
            parts.append(f"{missing} not yet run with other seeds")
        if not chapter.current:
            parts.append("recorded before the chapter's last change")
        share = sum(c.always or (c.seeds > 0 and c.held == c.seeds) for c in chapter.entries)
        bar = f'<span class="share" style="--share: {share / len(chapter.entries):.3f}"></span> '
        return self.section(chapter, bar + ", ".join(parts), [self.list_of(chapter)])

    def list_of(self, chapter: Chapter[Claimed]) -> nodes.bullet_list:
        """The claims of a chapter, each with its mark."""
        listing = nodes.bullet_list("", classes=["claim-list"])
        for claimed in chapter.entries:
            row = claimed.row
            page = chapter.page.removeprefix("book/")
            place = f"../{page}.html#claim-{row['name']}"
            said = self.text(as_markdown(row["text"]))
            facts = html(
                f' <a class="facts" href="{place}">{escape(row["comparison"], quote=False)}</a>'
            )
            said += facts
            said.insert(0, html(mark_of(claimed)))
            listing += nodes.list_item("", said)
        return listing


def mark_of(claimed: Claimed) -> str:
    """The small mark before a claim: always, or one dot a seed."""
    if claimed.always:
        return '<span class="record always">always</span>'
    if not claimed.seeds:
        return '<span class="record none">one run</span>'
    dots = "●" * claimed.held + "○" * (claimed.seeds - claimed.held)
    text = f"{claimed.held} of {claimed.seeds}"
    return (
        f'<span class="record{"" if claimed.held == claimed.seeds else " some"}">'
        f'<span class="dots" aria-hidden="true">{dots}</span> {text}</span>'
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.setup_extension("bookext")
    app.add_directive("equation-table", EquationTable)
    app.add_directive("claim-table", ClaimTable)
    app.add_css_file("reference.css")
    app.add_js_file("reference.js", defer="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
