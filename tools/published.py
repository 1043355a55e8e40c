r"""Published copies of the notebooks: plain Markdown that Jupyter and Colab show as they are.

What MyST adds to Markdown (roles, directives, numbered formulas) becomes links to the site,
quotations and ``\tag{…}``; numbers are those of the page, which the build knows
(`book/_ext/published.py`). Code cells stay as they were tested and bring the outputs of the kept
run.
"""

from __future__ import annotations

import base64
import copy
import html
import mimetypes
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import nbformat

from tools import claims, page_figures
from tools.markdown import PROSE, Directive, blocks, directive
from tools.normalise import KERNEL
from tools.notebooks import (
    BookError,
    Cell,
    Notebook,
    code_cells,
    is_folded,
    read_config,
    tags,
)
from tools.outputs import with_outputs
from tools.status import runs_in

FOLDER = "_build/published"
#: Largest size of a copy in bytes; the heaviest outputs of a larger one are left out.
LIMIT = 5_000_000

#: What a sentence may hold that is not plain text; escapes, code and formulas stay as they are.
_INLINE = re.compile(
    r"""\\.
    | \{(?P<role>[a-zA-Z][\w:.+-]*)\}(?P<tick>`+)(?P<content>.+?)(?P=tick)
    | (?P<code>`+)(?!`).+?(?<!`)(?P=code)(?!`)
    | \$\$.+?\$\$ | \$[^$\n]+\$
    | (?P<picture>!?)\[(?P<words>[^\]\[]*)\]\((?P<target>[^)\s]+)\)
    | \[\^(?P<note>[\w-]+)\]""",
    re.X | re.S,
)
_MARKER = re.compile(r"[\s>]*(?:(?:[-*+]|\d+[.)])\s+)?[\s>]*")
_KEPT = frozenset(["code_block", "html_block", "amsmath"])
_REMOVED = frozenset(["myst_target", "myst_line_comment", "myst_block_break"])


class Page(Protocol):
    """What the build knows of the page of one chapter."""

    address: str
    title: str
    #: Numbers of the headings in their order, such as ``7.1``, empty where there is none.
    headings: list[str]
    #: ``Fig. 7.2`` by the name of the figure, or by the path of its picture.
    figures: dict[str, str]

    def role(self, name: str, content: str) -> str:
        """The Markdown that a role becomes: its words on the page, linked."""

    def equation(self, label: str) -> str:
        """The number of an equation, without brackets."""

    def link(self, target: str) -> str:
        """The address on the site of a page of the book or of an anchor."""


def site_address(root: Path) -> str:
    """Where the site is published: ``html.baseurl``, or else GitHub's pages of the repository."""
    config = read_config(root)
    owner, name = config["repository"]["url"].rstrip("/").split("/")[-2:]
    address = config["html"].get("baseurl") or f"https://{owner.lower()}.github.io/{name}"
    return str(address).rstrip("/") + "/"


@dataclass
class Converter:
    """Rewrites the Markdown of one chapter."""

    root: Path
    chapter: str
    page: Page

    def __post_init__(self) -> None:
        self.headings = iter(self.page.headings)
        self.pictures: dict[str, str] = {}

    def cell(self, text: str) -> str:
        """The Markdown of one cell; its pictures stand at the end, where nobody reads them."""
        self.pictures = {}
        lines = [self.markdown(text)]
        lines += [f"[{name}]: {address}" for name, address in self.pictures.items()]
        return "\n\n".join(lines)

    def markdown(self, text: str, *, quoted: bool = False) -> str:
        """Plain Markdown of some blocks; in quotations each formula must be on one line."""
        lines, done, position = text.split("\n"), [], 0
        for token in blocks(text):
            start, end = token.map or (0, 0)
            if token.type in ("dt_open", "dd_open", "footnote_reference_open"):
                end = start + 1  # only its first line is marked
            if end <= start or start < position:
                continue
            source = lines[start:end]
            new = self.block(token, source, quoted)
            if new is not None:
                done += [self.inline("\n".join(lines[position:start])), new]
                position = end
        done.append(self.inline("\n".join(lines[position:])))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(done)).strip("\n")

    def block(self, token: Any, source: list[str], quoted: bool) -> str | None:
        """What stands in place of a block, or None where its lines are sentences."""
        first = source[0]
        new = None
        if token.type in _KEPT:
            return "\n".join(source)
        if token.type in _REMOVED:
            return ""
        if token.type == "heading_open":
            return self.heading(first)
        if token.type == "dt_open":
            return f"**{self.inline(first.strip())}**"
        if token.type == "dd_open":
            return "\n" + self.inline(re.sub(r"^\s*:\s+", "", first))
        if token.type == "footnote_reference_open":
            return self.inline(re.sub(r"^\[\^([\w-]+)\]:", r"**Note \1.**", first))
        if token.type in ("math_block", "math_block_label"):
            new = self.formula(token.content, token.info, quoted)
        elif inside := directive(token):
            new = self.directive(inside)
        elif "fence" in token.type:
            return "\n".join(source)
        if new is None:
            return None
        marker = _MARKER.match(first)
        prefix = marker[0] if marker else ""
        rest = re.sub(r"[^>\s]", " ", prefix)
        return prefix + new.replace("\n", f"\n{rest}")

    def heading(self, line: str) -> str:
        """A heading with its number on the page."""
        try:
            number = next(self.headings)
        except StopIteration:
            raise BookError(f"{self.chapter}: {line!r} is no heading of its page") from None
        marks, _, words = line.partition(" ")
        return f"{marks} {number}{'. ' if number else ''}{self.inline(words.strip())}"

    def formula(self, tex: str, label: str, quoted: bool) -> str:
        """A displayed formula with its number on the page."""
        lines = ["$$", *tex.strip().split("\n")]
        lines += [rf"\tag{{{self.page.equation(label)}}}"] if label else []
        return (" " if quoted else "\n").join([*lines, "$$"])

    def inline(self, text: str) -> str:
        """Sentences without roles, claims and relative links."""
        return _INLINE.sub(self._inline, text)

    def _inline(self, found: re.Match[str]) -> str:
        if found["role"]:
            return self.page.role(found["role"], found["content"])
        if found["note"]:
            return f"(note {found['note']})"
        target, words = found["target"], found["words"]
        if target is None or re.match(r"[a-z]+:", target):
            return found[0]
        if found["picture"]:
            return self.picture(target, words)
        if target.startswith("#claim-"):
            return words
        return f"[{words or self.page.title}]({self.page.link(target)})"

    def picture(self, path: str, alt: str) -> str:
        """A picture within the notebook: Colab shows data addresses, but no attachments."""
        folder = self.root if path.startswith("/") else (self.root / self.chapter).parent
        file = folder / path.lstrip("/")
        if file.with_suffix(".png").is_file():  # with a ground: the notebook's may be dark
            file = file.with_suffix(".png")
        kind = mimetypes.guess_type(file.name)[0] or "image/png"
        data = base64.b64encode(file.read_bytes()).decode("ascii")
        self.pictures[file.stem] = f"data:{kind};base64,{data}"
        return f"![{alt}][{file.stem}]"

    def caption(self, key: str, text: str) -> str:
        """The caption of a figure with its number on the page."""
        number = self.page.figures.get(key, "")
        return f"**{number}.** {self.markdown(text)}" if number else self.markdown(text)

    def directive(self, block: Directive) -> str:
        """A directive as plain Markdown; one that is not known becomes a link to the page."""
        name, options = block.name, block.options
        if name == "chapter-box":
            return self.chapter_box(options)
        if name in ("figure", "image"):
            path = block.argument
            key = options.get("name") or posixpath.normpath(
                path.lstrip("/")
                if path.startswith("/")
                else posixpath.join(posixpath.dirname(self.chapter), path)
            )
            picture = self.picture(path, options.get("alt", ""))
            return f"{picture}\n\n{self.caption(key, block.body)}".strip()
        if name == "math":
            return self.formula(block.body, options.get("label", ""), False)
        if name in ("code", "code-block"):
            return f"```{block.argument}\n{block.body.strip()}\n```"
        if name in PROSE:
            title = self.inline(block.argument or name.capitalize())
            if name == "dropdown" or "dropdown" in options.get("class", ""):
                plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
                head = f"<details>\n<summary>{html.escape(plain, quote=False)}</summary>"
                return f"{head}\n\n{self.markdown(block.body)}\n\n</details>"
            mark = "" if title.endswith((".", "?", "!")) else "."
            body = self.markdown(block.body, quoted=True)
            return quotation(f"**{title}{mark}**\n\n{body}")
        address = self.page.address + (f"#{options['name']}" if "name" in options else "")
        what = f"“{self.inline(block.argument)}”" if block.argument else "This part"
        return f"*{what} is on the page of this chapter: [{self.page.title}]({address}).*"

    def chapter_box(self, options: dict[str, str]) -> str:
        """The box below the title, with the address of the page."""
        rows = {
            "You need": self.inline(options["need"]),
            "You get": self.inline(options["get"]),
            "Runs in": runs_in(self.root, self.chapter),
            "On the web": f"[{self.page.title}]({self.page.address})",
        }
        return quotation("\n\n".join(f"**{name}:** {text}" for name, text in rows.items()))


def quotation(text: str) -> str:
    """A quotation of these lines."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def figure_caption(converter: Converter, cell: Cell) -> Cell | None:
    """The caption below a figure that a code cell draws, as a cell of its own."""
    figure = cell.metadata.get("mystnb", {}).get("figure", {})
    if not figure.get("caption"):
        return None
    text = converter.caption(figure.get("name", ""), figure["caption"])
    result = nbformat.v4.new_markdown_cell(text)
    result["id"] = f"{cell['id'][:55]}-caption"
    return result


def leave_out_heavy(notebook: Notebook, address: str) -> None:
    """Replace the heaviest outputs by a sentence until the file is small enough."""
    words = f"*Too large for this copy: see [the page]({address}), or run the cell.*"
    data = {"text/markdown": words, "text/plain": words}
    waiting = sorted(code_cells(notebook), key=lambda cell: len(str(cell.outputs)))
    while len(nbformat.writes(notebook).encode()) > LIMIT:
        if not waiting:
            raise BookError(f"the copy of {address} is too large even without its outputs")
        waiting.pop().outputs = [nbformat.v4.new_output("display_data", data)]


def published(root: Path, chapter: str, stored: Notebook, run: Notebook, page: Page) -> Notebook:
    """The published copy of a chapter with the outputs of a run."""
    converter = Converter(root, chapter, page)
    shown = with_outputs(stored, run, only_checked=False)
    for output in (o for cell in code_cells(shown) for o in cell.outputs):
        output.get("data", {}).pop(page_figures.MIME, None)
    texts = [cell.source for cell in stored.cells]
    shown = claims.shown(root, chapter, shown)
    result = nbformat.v4.new_notebook(metadata=copy.deepcopy(KERNEL))
    for cell, original, text in zip(shown.cells, stored.cells, texts, strict=True):
        cell.metadata = copy.deepcopy(original.metadata)
        cell.metadata.pop("mystnb", None)
        result.cells.append(cell)
        if cell.cell_type == "markdown":
            cell.source = converter.cell(text)
        elif is_folded(cell):
            cell.metadata["jupyter"] = {"source_hidden": True}
        if "remove-output" in tags(cell):  # the page shows it elsewhere
            cell.outputs = []
        if caption := figure_caption(converter, original):
            result.cells.append(caption)
    if left := list(converter.headings):
        raise BookError(f"{chapter}: its page has {len(left)} headings more than the notebook")
    leave_out_heavy(result, page.address)
    nbformat.validate(result)
    return result
