"""Markdown as the pages use it, read by MyST's own parser: formulas, pictures, blocks, prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

#: Directives whose content is read as sentences, and those whose content is no Markdown.
PROSE = frozenset(
    [
        *("admonition", "note", "tip", "warning", "important", "hint", "seealso", "caution"),
        *("attention", "danger", "error", "dropdown", "card", "margin", "sidebar"),
    ]
)
_CODE = frozenset(["code", "code-block", "code-cell", "literalinclude", "mermaid", "math"])
_EXTENSIONS = {"amsmath", "colon_fence", "deflist", "dollarmath", "html_image"}


@dataclass(frozen=True)
class Directive:
    """A directive: its name, the rest of its first line, its options, its content."""

    name: str
    argument: str
    options: dict[str, str]
    body: str


@cache
def _parser() -> Any:
    return create_md_parser(MdParserConfig(enable_extensions=_EXTENSIONS), RendererHTML)


def directive(token: Token) -> Directive | None:
    """The directive that a fenced block is, or None for anything else."""
    head = re.match(r"\{([\w:-]+)\}[ \t]*(.*)", token.info) if "fence" in token.type else None
    if head is None:
        return None
    options = re.match(r"(?:[ \t]*:[\w-]+:[^\n]*(?:\n|$))*", token.content)
    fields = re.findall(r":([\w-]+):[ \t]*([^\n]*)", options[0] if options else "")
    body = token.content[options.end() if options else 0 :]
    return Directive(head[1], head[2], {key: value.strip() for key, value in fields}, body)


def blocks(markdown: str) -> list[Token]:
    """The blocks of a text in the order of their lines; each knows which lines it takes."""
    return list(_parser().parse(markdown))


def tokens(markdown: str, *, prose: bool = True) -> Iterator[tuple[Token, bool]]:
    """Every token, also those inside of directives, and whether it is part of the sentences."""
    waiting = blocks(markdown)
    while waiting:
        token = waiting.pop(0)
        yield token, prose
        waiting = [*(token.children or []), *waiting] if token.type != "image" else waiting
        inside = directive(token)
        if inside and inside.name not in _CODE:
            read = prose and inside.name in PROSE
            yield from tokens(f"{inside.argument}\n\n{inside.body}", prose=read)


def prose(markdown: str) -> str:
    """The sentences of a text; a formula, code or a reference stands in them as one word."""
    kept = []
    for token, is_prose in tokens(markdown):
        if is_prose and token.type == "text":
            kept.append(token.content)
        elif is_prose and token.type in ("math_inline", "code_inline", "myst_role", "image"):
            kept.append("formula")
        elif token.type in ("softbreak", "inline", "hardbreak"):
            kept.append("\n")
    return "".join(kept)


def count_words(markdown: str) -> int:
    """Number of words of prose; a formula or a name in the middle of a sentence counts as one."""
    return len(re.findall(r"[^\W\d_][\w'’-]*", prose(markdown)))
