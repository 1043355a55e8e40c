"""Published copies of the notebooks (`tools.published`), written when the pages are ready.

They know the numbers and addresses of the finished pages, stand in ``_build/published`` and take
the place of the sources that the download buttons give. The option ``book_colab_branch`` names the
branch that the Colab buttons open.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from typing import Any
from urllib.parse import urljoin

import bookext  # puts the book's folder on the path
import nbformat
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from tools import notebooks, published
from tools.results import Store

#: Domain and type of the roles that MyST knows by a short name.
ROLES = {
    "cite": ("cite", "p"),
    "doc": ("std", "doc"),
    "eq": ("math", "eq"),
    "numref": ("std", "numref"),
    "ref": ("std", "ref"),
    "term": ("std", "term"),
}


def written(node: nodes.Node, here: str) -> str:
    """The Markdown of a few resolved words; addresses are relative to the page `here`."""
    if isinstance(node, nodes.Text):
        return str(node)
    inner = "".join(written(child, here) for child in node.children)
    if isinstance(node, nodes.reference):
        address = node.get("refuri") or f"#{node['refid']}"
        return f"[{inner}]({urljoin(here, address)})"
    mark = {nodes.math: "$", nodes.literal: "`", nodes.emphasis: "*", nodes.strong: "**"}
    edge = mark.get(type(node), "")
    return f"{edge}{inner}{edge}"


class Page:
    """What the finished build knows of one page."""

    def __init__(self, app: Sphinx, name: str, site: str) -> None:
        self.app, self.env, self.name, self.site = app, app.env, name, site
        self.address = self.of(name)
        self.title = self.env.titles[name].astext()
        doctree = self.env.get_doctree(name)
        numbers = self.env.toc_secnumbers.get(name, {})
        self.headings = []
        for section in doctree.findall(nodes.section):
            first = isinstance(section.parent, nodes.document)
            number = numbers.get("" if first else f"#{section['ids'][0]}", ())
            self.headings.append(".".join(map(str, number)))
        self.figures: dict[str, str] = {}
        numbers = self.env.toc_fignumbers.get(name, {}).get("figure", {})
        for figure in doctree.findall(nodes.figure):
            keys = [*figure["ids"], *figure["names"]]
            keys += [image["uri"] for image in figure.findall(nodes.image) if "uri" in image]
            for number in (numbers[key] for key in figure["ids"] if key in numbers):
                text = app.config.numfig_format["figure"] % ".".join(map(str, number))
                self.figures.update(dict.fromkeys(keys, text))

    def of(self, name: str) -> str:
        """The address of a page on the site."""
        return self.site + str(self.app.builder.get_target_uri(name))

    def role(self, name: str, content: str) -> str:
        """The Markdown that a role becomes; of an unknown one its words remain."""
        explicit = re.fullmatch(r"(.+?)\s*<([^<>]+)>", content, re.S)
        words, target = explicit.groups() if explicit else (content, content)
        domain, kind = ROLES.get(name) or (name.split(":", 1) if ":" in name else ("", name))
        if domain not in self.env.domains:
            return {"math": f"${content}$", "code": f"`{content}`"}.get(name, words)
        attributes = {
            "refdomain": domain,
            "reftype": kind,
            "reftarget": target.lower() if kind in ("ref", "numref", "term") else target,
            "refexplicit": explicit is not None,
            "refdoc": self.name,
            "refwarn": True,
        }
        named = nodes.inline("", words)
        wanted = pending_xref("", named, **attributes)
        found = self.env.domains[domain].resolve_xref(
            self.env,
            self.name,
            self.app.builder,
            kind,
            attributes["reftarget"],
            wanted,
            named.deepcopy(),
        )
        return words if found is None else written(found, self.address)

    def equation(self, label: str) -> str:
        """The number of an equation, as a reference to it shows it."""
        return re.sub(r"\]\(.*", "", self.role("eq", label)).strip("[()")

    def link(self, target: str) -> str:
        """The address on the site of a page of the book or of an anchor."""
        path, _, anchor = target.partition("#")
        name = self.name
        if path:
            folder = posixpath.dirname(self.name)
            name = posixpath.normpath(posixpath.join(folder, re.sub(r"\.(ipynb|md)$", "", path)))
        elif anchor in self.env.domains["std"].anonlabels:
            name, anchor = self.env.domains["std"].anonlabels[anchor]
        return self.of(name) + (f"#{anchor}" if anchor else "")


def write_copies(app: Sphinx, exception: Exception | None) -> None:
    """Write the copies of all chapters that have a kept run."""
    if exception is not None or app.builder.name != "html":
        return
    root = bookext.ROOT
    site = published.site_address(root)
    shutil.rmtree(root / published.FOLDER, ignore_errors=True)
    for chapter in notebooks.toc_notebooks(root):
        run = Store(root).executed(chapter)
        if run is None or chapter not in app.env.found_docs:
            continue
        stored = notebooks.read(root / f"{chapter}.ipynb")
        copy = published.published(root, chapter, stored, run, Page(app, chapter, site))
        path = root / published.FOLDER / f"{chapter}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(nbformat.writes(copy) + "\n", encoding="utf-8")
        download = app.outdir / "_sources" / f"{chapter}.ipynb"
        if download.is_file():
            shutil.copyfile(path, download)


def open_colab_branch(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Let the Colab buttons open the branch that holds the published copies."""
    branch = app.config.book_colab_branch
    waiting = list(context.get("header_buttons", []))
    for button in waiting:
        waiting += button.get("buttons", []) if isinstance(button, dict) else []
        if branch and button.get("text") == "Colab":
            button["url"] = re.sub(r"/blob/[^/]+/", f"/blob/{branch}/", button["url"], count=1)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.add_config_value("book_colab_branch", "", "html")
    app.connect("html-page-context", open_colab_branch, priority=600)
    app.connect("build-finished", write_copies)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
