"""The terms of ``book/reference/glossary``, and where a text uses one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = "book/reference/glossary"
_BLOCK = re.compile(r"^```\{glossary\}\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Term:
    """A term with its other names, its definition as plain text, and the links to its place."""

    names: tuple[str, ...]
    definition: str
    taught: str


def terms(root: Path) -> list[Term]:
    """The entries of the glossary, in its order."""
    path = root / f"{PAGE}.md"
    blocks = _BLOCK.findall(path.read_text(encoding="utf-8")) if path.is_file() else []
    found: list[Term] = []
    names: list[str] = []
    text: list[str] = []
    for line in [*"\n".join(blocks).splitlines(), "end"]:
        if line.startswith(" ") or not line:
            text.append(line.strip())
            continue
        if text:
            definition, _, taught = "\n".join(text).strip().partition("\n\n")
            plain = re.sub(r"\\(\W|_)", r"\1", " ".join(definition.split()))
            found.append(Term(tuple(names), plain, taught.strip()))
            names, text = [], []
        names.append(line)
    return found


def pattern(name: str) -> str:
    """A regular expression for a name, its plural, and a capital at the start of a sentence.

    Example:
        >>> bool(re.fullmatch(pattern("Saddle"), "saddles"))
        True
        >>> bool(re.fullmatch(pattern("EM"), "em"))
        False
    """
    text = re.sub("['’]", "['’]", re.escape(name)).replace(r"\ ", r"\s+")
    words = any(part[1:].islower() for part in re.findall(r"[^\W\d_]+", name))
    return rf"{f'(?i:{text})' if words else text}s?"


class Finder:
    """Finds the names of terms in running text; of two that begin together, the longer one."""

    def __init__(self, known: list[Term]) -> None:
        names = [(name, term) for term in known for name in term.names]
        names.sort(key=lambda pair: -len(pair[0]))
        self._terms = [term for _, term in names]
        parts = "|".join(f"({pattern(name)})" for name, _ in names) or "(?!)"
        self._pattern = re.compile(rf"(?<![\w\-–/])(?:{parts})(?![\w\-–/])")

    def __call__(self, text: str) -> Iterator[tuple[re.Match[str], Term]]:
        """The places in a text, each with its term."""
        for match in self._pattern.finditer(text):
            yield match, self._terms[(match.lastindex or 1) - 1]
