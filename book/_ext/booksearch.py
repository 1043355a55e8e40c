"""The search: the book's words and nothing else, one spelling, pages ranked by what they treat.

Sphinx notes which page has which word. Added to that:

1. Formulas, code, outputs and labels of buttons are left out.
2. British and American spelling, accents and Greek letters are one and the same.
3. The terms that a chapter sets in bold, and abbreviations in its headings, are found like headings.
4. ``weights`` in the index says how much of a page is about a word (BM25); ``search.js`` ranks by it.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.search import IndexBuilder, languages
from sphinx.search.en import SearchEnglish

#: (pattern, replacement), in this order, in Python and in JavaScript alike.
SPELLINGS = (
    ("β", "beta"),
    ("μ|µ", "mu"),
    ("parametri(?=[sz])", "parameteri"),
    ("is(e|ed|es|er|ers|ing|ation|ations)$", "iz$1"),
    ("(?<=[a-z][a-z])our(s|ed|ing|al|able)?$", "or$1"),
    ("tre(s?)$", "ter$1"),
    ("(?<=[a-z])ae(?=[a-z])", "e"),
)
_LEFT_OUT = (nodes.math, nodes.math_block, nodes.literal_block, nodes.raw, nodes.image)
_LEFT_OUT_CLASSES = frozenset({"cell", "chapter-box", "generated-table"})
#: A word on a page of the reference section counts less than in a chapter.
_REFERENCE = 0.3


def one_spelling(word: str) -> str:
    """The spelling under which a word stands in the index."""
    word = word.lower()
    for pattern, replacement in SPELLINGS:
        word = re.sub(pattern, replacement.replace("$", "\\"), word)
    plain = unicodedata.normalize("NFD", word)
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _script() -> str:
    """Sphinx' stemmer in JavaScript behind the same table of spellings."""
    rules = ", ".join(f"[/{pattern}/u, '{new}']" for pattern, new in SPELLINGS)
    return f"""{SearchEnglish.js_stemmer_code}
var oneSpelling = (word) => [{rules}]
  .reduce((text, [pattern, spelling]) => text.replace(pattern, spelling), word.toLowerCase())
  .normalize("NFD").replace(/\\p{{M}}/gu, "");
var PorterStemmer = Stemmer;
Stemmer = function () {{
  const porter = new PorterStemmer();
  this.stemWord = (word) => porter.stemWord(oneSpelling(word));
}};
"""


class OneSpelling(SearchEnglish):
    """English, British or American."""

    js_stemmer_code = _script()

    def stem(self, word: str) -> str:
        """The stem of the spelling in the index."""
        return str(super().stem(one_spelling(word)))


def readable(doctree: nodes.document) -> nodes.document:
    """A copy of a page without what nobody searches for."""
    copy: nodes.document = doctree.deepcopy()
    for node in list(copy.findall(nodes.Element)):
        if node.parent is None:
            continue
        classes = set(node.get("classes", []))
        if isinstance(node, _LEFT_OUT) or classes & _LEFT_OUT_CLASSES:
            node.parent.remove(node)
    return copy


def terms(doctree: nodes.document) -> list[tuple[str, str]]:
    """What a page explains: its bold words, and abbreviations in headings; each with its anchor."""
    found = []
    for node in doctree.findall(lambda n: isinstance(n, nodes.strong | nodes.title)):
        section = node.parent
        while section is not None and not isinstance(section, nodes.section | nodes.Admonition):
            section = section.parent
        if not isinstance(section, nodes.section) or not section["ids"]:
            continue
        text = node.astext().strip(" .:")
        if isinstance(node, nodes.title):
            texts = re.findall(r"\(([\w-]+)\)", text)
        else:
            texts = [text] if len(text.split()) <= 5 else []
        found += [(name, section["ids"][0]) for name in texts]
    return list(dict.fromkeys(found))


class BookIndex:
    """What is fed to Sphinx' index, and the weights that are added to it."""

    def __init__(self, builder: Any) -> None:
        self.builder = builder
        self.counts: dict[str, Counter[str]] = {}
        self.index_page = builder.index_page

    def feed(self, name: str, doctree: nodes.document, title: str) -> None:
        """Index one page."""
        indexer: IndexBuilder = self.builder.indexer
        page = readable(doctree)
        self.index_page(name, page, title)
        seen = {text.lower() for text, _ in indexer._all_titles[name]}
        indexer._all_titles[name] += [t for t in terms(page) if t[0].lower() not in seen]
        words = Counter(indexer.lang.stem(w) for w in indexer.lang.split(page.astext()))
        for heading in page.findall(nodes.title):
            level = 1
            parent = heading.parent
            while isinstance(parent.parent, nodes.section):
                level, parent = level + 1, parent.parent
            for word in indexer.lang.split(heading.astext()):
                words[indexer.lang.stem(word)] += 16 // level
        self.counts[name] = words

    def weights(self, docnames: tuple[str, ...]) -> dict[str, dict[int, float]]:
        """BM25 of each word on each page, without words that stand on one page only."""
        lengths = {name: sum(words.values()) for name, words in self.counts.items()}
        mean = sum(lengths.values()) / max(len(lengths), 1)
        pages = Counter(word for words in self.counts.values() for word in words)
        found: dict[str, dict[int, float]] = {}
        for place, name in enumerate(docnames):
            factor = _REFERENCE if name.startswith("book/reference/") else 1.0
            factor *= 0.3 if name == "book/reference/glossary" else 1.0
            for word, n in self.counts.get(name, Counter()).items():
                rarity = math.log(1 + (len(lengths) - pages[word] + 0.5) / (pages[word] + 0.5))
                much = n / (n + 1.5 * (0.5 + 0.5 * lengths[name] / mean))
                found.setdefault(word, {})[place] = round(10 * factor * (rarity + 0.2) * much, 1)
        return {word: each for word, each in found.items() if len(each) > 1}


def use_book_index(app: Sphinx) -> None:
    """Put the book's index before that of Sphinx."""
    if app.builder.name != "html":
        return
    book = BookIndex(app.builder)
    app.builder.index_page = book.feed
    freeze = IndexBuilder.freeze

    def with_weights(self: IndexBuilder) -> dict[str, Any]:
        frozen = freeze(self)
        return {**frozen, "weights": book.weights(frozen["docnames"])}

    prepare = app.builder.prepare_writing

    def prepare_writing(docnames: set[str]) -> None:
        prepare(docnames)
        indexer = app.builder.indexer
        if indexer is not None:
            indexer.freeze = with_weights.__get__(indexer)

    app.builder.prepare_writing = prepare_writing


def add_script(app: Sphinx, pagename: str, *_: Any) -> None:
    """The page of results has a script of its own."""
    if pagename == "search":
        app.add_js_file("search.js", defer="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    languages["en"] = OneSpelling
    app.connect("builder-inited", use_book_index)
    app.connect("html-page-context", add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
