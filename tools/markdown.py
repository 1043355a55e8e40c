"""Markdown as the pages use it: which lines are prose, which are code, which are directives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^\s*(`{3,}|~{3,}|:{3,})\s*(?:\{([\w:-]+)\})?(.*)$")

#: Directives whose content is read as sentences, and those whose content is code.
PROSE = frozenset(
    [
        *("admonition", "note", "tip", "warning", "important", "hint", "seealso", "caution"),
        *("attention", "danger", "error", "dropdown", "card", "margin", "sidebar"),
    ]
)
CODE = frozenset(["code", "code-block", "code-cell", "literalinclude", "mermaid"])


@dataclass(frozen=True)
class Fence:
    """An open block: its marks, the directive it names (empty for plain code), its argument."""

    marks: str
    directive: str
    argument: str

    @property
    def is_code(self) -> bool:
        """Whether the block shows its content as it is."""
        return not self.directive or self.directive in CODE


def blocks(markdown: str) -> Iterator[tuple[str, list[Fence], str]]:
    """Each line with the blocks that are open around it, and "open", "close" or ""."""
    stack: list[Fence] = []
    for line in markdown.splitlines():
        fence = _FENCE.match(line)
        if fence:
            marks, directive, argument = fence[1], fence[2] or "", fence[3].strip()
            if stack and not directive and not argument and marks.startswith(stack[-1].marks):
                closed = list(stack)
                stack.pop()
                yield line, closed, "close"
                continue
            if not (stack and stack[-1].is_code):
                stack.append(Fence(marks, directive, argument))
                yield line, list(stack), "open"
                continue
        yield line, list(stack), ""


def without_code(markdown: str) -> str:
    """The text with blocks of code and code in the line left out, directives left in."""
    kept = (line for line, stack, _ in blocks(markdown) if not any(f.is_code for f in stack))
    return re.sub(r"(?<!`)`[^`\n]+`(?!`)", "", "\n".join(kept))


def prose(markdown: str) -> str:
    """The sentences of a text: without formulas, code, directives' options and labels."""
    kept: list[str] = []
    for line, stack, edge in blocks(markdown):
        if edge == "close" or not all(fence.directive in PROSE for fence in stack):
            continue
        if edge == "open":
            kept.append(stack[-1].argument)
        elif not re.match(r"^\s*(:[\w-]+:|\([\w-]+\)=)", line):
            kept.append(line)
    text = "\n".join(kept)
    text = re.sub(r"\$\$.*?\$\$(\s*\([\w-]+\))?", " ", text, flags=re.S)
    text = re.sub(r"\$[^$\n]*(?:\n[^$\n]+)?\$", " x ", text)
    text = re.sub(r"\{[\w:-]+\}`[^`]*`", " ref ", text)
    text = re.sub(r"`[^`]*`", " code ", text)
    return re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)


def count_words(markdown: str) -> int:
    """Number of words of prose; a formula or a name in the middle of a sentence counts as one."""
    return len(re.findall(r"[^\W\d_][\w'’-]*", prose(markdown)))
