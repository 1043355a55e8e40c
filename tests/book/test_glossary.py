"""The glossary: its entries, where the chapters use them, and their links."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from tests.book.conftest import Book
from tools import markdown
from tools.glossary import PAGE, Finder, Term, terms
from tools.notebooks import ROOT, read, toc_notebooks

KNOWN = terms(ROOT)

ENTRIES = """# Glossary

## K

```{glossary}
KL divergence
KL
  The mean of log p/q, a \\*mean\\*
  in nats.

  {doc}`/book/demo`

```

## S

```{glossary}
Saddle
  A point.

  {doc}`/book/demo`
```
"""


def test_entries_are_read_with_their_names_text_and_place(book: Book) -> None:
    book.write(f"{PAGE}.md", ENTRIES)
    first, second = terms(book.root)
    taught = "{doc}`/book/demo`"
    assert first == Term(("KL divergence", "KL"), "The mean of log p/q, a *mean* in nats.", taught)
    assert second == Term(("Saddle",), "A point.", taught)


def test_a_book_without_a_glossary_has_no_terms(book: Book) -> None:
    assert terms(book.root) == []
    assert list(Finder([])("any text")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Saddles and a saddle", ["Saddles", "saddle"]),
        ("The KL divergence, KL and kl", ["KL divergence", "KL"]),
        ("KL-free and sub-KL and KL/n", []),
        ("Bayes' rule and Bayes’ rule", ["Bayes' rule", "Bayes’ rule"]),
        ("KL\ndivergence", ["KL\ndivergence"]),
    ],
)
def test_names_are_found_as_words(text: str, found: list[str]) -> None:
    known = [Term((n,), "", "") for n in ("Saddle", "KL", "KL divergence", "Bayes’ rule")]
    assert [match[0] for match, _ in Finder(known)(text)] == found


def test_the_glossary_is_complete_and_sorted() -> None:
    names = [term.names[0] for term in KNOWN]
    assert 100 <= len(names) <= 220
    assert all(a < b for a, b in pairwise(n.casefold().replace("’", "") for n in names))
    every = [name.casefold() for term in KNOWN for name in term.names]
    assert len(every) == len(set(every))
    for term in KNOWN:
        assert len(term.definition) > 20, term.names
        assert term.definition.endswith("."), term.names
        assert re.match(r"\{doc\}`/book/", term.taught), term.names


def test_letters_lead_to_their_sections() -> None:
    page = (ROOT / f"{PAGE}.md").read_text(encoding="utf-8")
    letters = re.findall(r"^## (\w)$", page, re.M)
    assert letters == re.findall(r'<a href="#\w">(\w)</a>', page)
    assert letters == sorted({term.names[0][0].upper() for term in KNOWN})


def test_every_term_is_used_in_a_chapter() -> None:
    find, used = Finder(KNOWN), set()
    for chapter in toc_notebooks(ROOT):
        for cell in read(ROOT / f"{chapter}.ipynb").cells:
            if cell.cell_type == "markdown":
                used |= {term for _, term in find(markdown.prose(cell.source))}
    assert [term.names[0] for term in KNOWN if term not in used] == []
