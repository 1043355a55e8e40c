"""The search: the book's words and nothing else, cut into the places that a reader wants to reach.

``searchindex.js`` holds the entries below and their text; ``search.js`` ranks and shows them.

1. An entry is a section, an exercise or another titled box, a term of the glossary, or a name of the
   package, so that a result leads to the place, and its excerpt is what stands there.
2. Displayed formulas, code, outputs, answers and labels of buttons are left out; formulas in a
   sentence are written plainly, or marked as a hole.
3. British and American spelling, accents and Greek letters are one and the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from bookext import ROOT
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.search import IndexBuilder, languages
from sphinx.search.en import SearchEnglish
from tools import glossary

#: (pattern, replacement), in this order; JavaScript applies them to the text and to the query.
SPELLINGS = (
    ("β", "beta"),
    ("μ|µ", "mu"),
    ("parametri(?=[sz])", "parameteri"),
    ("is(e|ed|es|er|ers|ing|ation|ations)$", "iz$1"),
    ("(?<=[a-z][a-z])our(s|ed|ing|al|able)?$", "or$1"),
    ("tre(s?)$", "ter$1"),
    ("(?<=[a-z])ae(?=[a-z])", "e"),
)
#: What readers say, and what the book says: words, each perhaps with others of the same meaning.
SYNONYMS = {
    "backprop": "backpropagation",
    "blurriness": "blur",
    "blurry": "blur",
    "chatgpt": "transformer",
    "ddpm": "diffusion",
    "gpt": "transformer",
    "inf": "diverge/explode",
    "llm": "language model",
    "llms": "language model",
    "mle": "maximum likelihood",
    "nan": "diverge/explode",
    "nans": "diverge/explode",
    "regularization": "penalty/regularise",
    "transformer": "transformer/self-attention",
    "transformers": "transformer/self-attention",
    "tts": "speech",
    "unstable": "unstable/instability/stability",
    "wgan": "wasserstein gan",
}
#: Words of questions, beside those of Sphinx.
STOPWORDS = (
    "about am an any between can could did do does doing from get gets getting give go goes going had "
    "has have having he her how i its just made make makes many me more most much my need our out over "
    "so some than too us use used uses using versus vs want we went were what when where which while "
    "who whom whose why without would you your"
)

_LEFT_OUT = (nodes.math_block, nodes.literal_block, nodes.raw, nodes.image, nodes.system_message)
_LEFT_OUT_CLASSES = frozenset({"cell", "chapter-box", "generated-table", "headerlink"})
#: In the place of a formula that cannot be written in one line; search.js cuts there.
HOLE = "\ufffc"
_SYMBOLS = {
    **{name: name for name in ("exp", "log", "ln", "max", "min", "det", "tanh", "sin", "cos")},
    **{"dots": "...", "ldots": "...", "mid": " | ", "quad": " ", "sim": "~", "star": "*"},
    **{"approx": "≈", "ge": "≥", "geq": "≥", "le": "≤", "leq": "≤", "ne": "≠", "neq": "≠"},
    **{"cdot": "·", "times": "×", "pm": "±", "gg": "≫", "ll": "≪", "lVert": "‖", "rVert": "‖"},
    **{"in": "∈", "infty": "∞", "mapsto": "↦", "nabla": "∇", "partial": "∂", "to": "→"},
}
#: Commands that change how a letter looks.
_LOOKS = re.compile(
    r"\\(mathbb|mathbf|mathcal|mathrm|boldsymbol|operatorname|text|bar|hat|tilde|left|right)\b"
)


def plain(formula: str) -> str:
    r"""A formula in one line of plain letters, or a hole.

    Example:
        >>> plain(r"q_\varphi(z \mid x)")
        'q_φ(z | x)'
        >>> plain(r"\frac{1}{2}") == HOLE
        True
    """

    def symbol(match: re.Match[str]) -> str:
        name = match[1]
        if name in _SYMBOLS:
            return _SYMBOLS[name]
        size = "CAPITAL" if name[0].isupper() else "SMALL"
        letter = name.removeprefix("var").upper().replace("LAMBDA", "LAMDA")
        try:
            return unicodedata.lookup(f"GREEK {size} LETTER {letter}")
        except KeyError:
            return match[0]

    text = re.sub(r"\\([a-zA-Z]+)", symbol, _LOOKS.sub("", formula))
    text = re.sub(r"\\[,;:! ]", " ", text).replace(r"\|", "‖").replace("~", " ~ ")
    text = text.replace("^2", "²").replace(r"\{", "(").replace(r"\}", ")").replace(r"\%", "%")
    text = " ".join(re.sub(r"[{}]", "", text).split())
    return HOLE if "\\" in text or "&" in text or len(text) > 48 else text


def _script() -> str:
    """Sphinx' stemmer in JavaScript, and the one spelling before it."""
    rules = ", ".join(f"[/{pattern}/u, '{new}']" for pattern, new in SPELLINGS)
    return f"""{SearchEnglish.js_stemmer_code}
var oneSpelling = (word) => [{rules}]
  .reduce((text, [pattern, spelling]) => text.replace(pattern, spelling), word.toLowerCase())
  .normalize("NFD").replace(/\\p{{M}}/gu, "");
"""


class OneSpelling(SearchEnglish):
    """English, British or American."""

    js_stemmer_code = _script()
    stopwords = SearchEnglish.stopwords | set(STOPWORDS.split())


def readable(doctree: nodes.document) -> nodes.document:
    """A copy of a page without what nobody searches for, with plain formulas."""
    copy: nodes.document = doctree.deepcopy()
    for node in list(copy.findall(nodes.Element)):
        if node.parent is None:
            continue
        classes = set(node.get("classes", []))
        silent = bool(classes & _LEFT_OUT_CLASSES) and "api" not in classes
        if isinstance(node, nodes.math):
            node.replace_self(nodes.Text(plain(node.astext())))
        elif isinstance(node, _LEFT_OUT) or node.tagname == "Answer" or silent:
            node.parent.remove(node)
    return copy


def _is_entry(node: nodes.Node) -> bool:
    if isinstance(node, nodes.admonition):
        return "dropdown" not in node["classes"] and bool(node["ids"])
    if isinstance(node, nodes.definition_list_item):
        return "glossary" in node.parent["classes"]
    return isinstance(node, nodes.section | addnodes.desc)


def _texts(node: nodes.Element) -> Iterator[str]:
    """The paragraphs of an entry, without its title and the entries within."""
    for child in node.children:
        if isinstance(child, nodes.title | nodes.term | addnodes.desc_signature) or _is_entry(
            child
        ):
            continue
        if isinstance(child, nodes.TextElement):
            text = " ".join(child.astext().split())
            if not text.startswith("Set-up and parameters"):
                yield text
        elif isinstance(child, nodes.Element):
            yield from _texts(child)


def _names(node: nodes.Element) -> Iterator[str]:
    """What an entry explains: its bold words, without those of the entries within."""
    for child in node.children:
        if isinstance(child, nodes.strong) and len(child.astext().split()) <= 5:
            yield child.astext().strip(" .:")
        elif isinstance(child, nodes.Element) and not _is_entry(child):
            yield from _names(child)


def entry(node: nodes.Element) -> tuple[str, str, list[str], str]:
    """The anchor, the title, the names and the text of an entry."""
    texts = [text for text in _texts(node) if text]
    head: Any = node.next_node(nodes.title)
    if isinstance(node, addnodes.desc):
        name = node[0]["ids"][0] if node[0].get("ids") else node[0].astext()
        return name, name, [name.rpartition(".")[2]], " ".join(texts[:1])
    if isinstance(node, nodes.definition_list_item):
        terms = [term for term in node.children if isinstance(term, nodes.term)]
        title = ", ".join(term.astext() for term in terms)
        return terms[0]["ids"][0], title, [term.astext() for term in terms], "\n".join(texts[:1])
    title = " ".join(head.astext().split()).replace(HOLE, "…")
    if len(head) == 3 and "exercise-number" in head[0].get("classes", []):
        title = f"{head[0].astext()}{head[1].astext()}: {head[2].astext()}"
    names = [*re.findall(r"\(([\w-]+)\)", title), *_names(node)]
    return node["ids"][0], title, list(dict.fromkeys(names)), "\n".join(texts)


class BookIndex:
    """Collects the entries of all pages."""

    def __init__(self) -> None:
        self.pages: list[tuple[str, str]] = []
        self.entries: list[tuple[int, str, str, list[str], str]] = []

    def feed(self, name: str, doctree: nodes.document, title: str) -> None:
        """Take the entries of one page; the first one is the page itself."""
        page = readable(doctree)
        for node in page.findall(_is_entry):
            anchor, heading, names, text = entry(node)
            if node.parent is page:
                anchor = ""
                names = [*names, *name.rpartition("/")[2].split("_")]
            if text or not anchor:
                self.entries.append((len(self.pages), anchor, heading, names, text))
        self.pages.append((name, re.sub(r"<[^>]*>", "", title)))


def taught() -> dict[str, list[str]]:
    """The terms that a page teaches, as the glossary says."""
    found: dict[str, list[str]] = {}
    for term in glossary.terms(ROOT):
        for page in re.findall(r"\{doc\}`/([^`]+)`", term.taught):
            found.setdefault(page, []).extend(term.names)
    return found


def give_anchors(app: Sphinx, doctree: nodes.document) -> None:
    """A box with a title of its own can be reached."""
    for box in doctree.findall(nodes.admonition):
        if box["ids"] or "dropdown" in box["classes"] or not isinstance(box[0], nodes.title):
            continue
        name = nodes.make_id(" ".join(part.astext() for part in box[0].children))
        if name and name not in doctree.ids:
            box["ids"].append(name)
            doctree.ids[name] = box


def use_book_index(app: Sphinx) -> None:
    """Put the book's index in the place of that of Sphinx."""
    builder: Any = app.builder
    if builder.name != "html":
        return
    book = BookIndex()
    builder.index_page = book.feed
    prepare = builder.prepare_writing

    def freeze(self: IndexBuilder) -> dict[str, Any]:
        # What Sphinx asks for when it reads its index again is there, and empty.
        lists = ("docnames", "filenames", "titles")
        tables = ("alltitles", "indexentries", "terms", "titleterms")
        return {
            **{key: [] for key in lists},
            **{key: {} for key in tables},
            "envversion": self.env.version,
            "pages": book.pages,
            "entries": book.entries,
            "taught": taught(),
            "synonyms": SYNONYMS,
        }

    def prepare_writing(docnames: set[str]) -> None:
        prepare(docnames)
        if builder.indexer is not None:
            builder.indexer.freeze = freeze.__get__(builder.indexer)

    builder.prepare_writing = prepare_writing


def mark_nothing(app: Sphinx, name: str, template: str, context: dict[str, Any], *_: Any) -> None:
    """Do without Sphinx' script that colours the words of the last search on the next page."""
    files = context.get("script_files", [])
    files[:] = [file for file in files if "sphinx_highlight" not in str(file.filename)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    languages["en"] = OneSpelling
    app.connect("builder-inited", use_book_index)
    app.connect("doctree-read", give_anchors, priority=600)
    app.connect("html-page-context", mark_nothing, priority=900)
    app.add_css_file("search.css")
    app.add_js_file("search.js", defer="defer")
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": False}
