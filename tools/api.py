"""The pages ``reference/api``: every public name of `helpers` with its docstring, as Markdown.

Written here because the known tools do not read our docstrings: autodoc and napoleon take them for
reStructuredText, in which a backtick is no code and a dollar no formula; autodoc2 takes them for
Markdown, but leaves the sections (Args, Returns) unread.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE = "helpers"
_LISTS = {"Args": "Arguments", "Raises": "Raises", "Attributes": "Attributes"}
_SECTION = re.compile(r"(Args|Raises|Attributes|Returns|Yields|Example|Examples):")
_TAUGHT = re.compile(r"Taught in: (\w+/\w+(?:, \w+/\w+)*)")


def layers(root: Path) -> list[str]:
    """The packages and modules of `helpers`, uppermost first, as the import contract lists them."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    lines = next(c["layers"] for c in contracts if c["id"] == "layers")
    return [name.strip() for line in lines for name in line.split(":")]


def taught_in(docstring: str) -> list[str]:
    r"""The pages below ``book/`` that the last line of a docstring names.

    Example:
        >>> taught_in("One line.\n\nTaught in: models/vae, models/gan")
        ['models/vae', 'models/gan']
    """
    found = _TAUGHT.fullmatch(docstring.strip().split("\n")[-1].strip())
    return found[1].split(", ") if found else []


def public(module: ModuleType) -> dict[str, Any]:
    """The public names of a module: what the door of a package imports, else what it defines."""
    if hasattr(module, "__path__"):
        body = ast.parse(inspect.getsource(module)).body
        imports = [node for node in body if isinstance(node, ast.ImportFrom)]
        names = [alias.name for node in imports for alias in node.names]
    else:
        defined = vars(module).items()
        names = [n for n, v in defined if getattr(v, "__module__", "") == module.__name__]
    return {name: getattr(module, name) for name in names if not name.startswith("_")}


def modules(name: str) -> Iterator[tuple[ModuleType, dict[str, Any]]]:
    """A package, then the folders below it, each with the names that are not in an earlier one.

    The names of a package without a door are those of its files.
    """
    seen: set[int] = set()
    waiting = [importlib.import_module(f"{PACKAGE}.{name}")]
    while waiting:
        module = waiting.pop(0)
        own = {n: v for n, v in public(module).items() if not inspect.ismodule(v)}
        own = {n: v for n, v in own.items() if id(v) not in seen or not callable(v)}
        seen |= {id(value) for value in own.values()}
        if own:
            yield module, own
        for info in pkgutil.iter_modules(getattr(module, "__path__", [])):
            if info.ispkg or not public(module):
                waiting.append(importlib.import_module(f"{module.__name__}.{info.name}"))


def _indented(lines: list[str], start: int) -> int:
    """Where the indented block that begins at a line ends."""
    end = start
    while end < len(lines) and (not lines[end].strip() or lines[end][0] == " "):
        end += 1
    return end


def markdown(docstring: str) -> str:
    r"""A docstring as Markdown: sections as lists, doctests as code, pages and preprints as links.

    Example:
        >>> print(markdown("The sum.\n\nArgs:\n    x: terms, (B,)."))
        The sum.
        <BLANKLINE>
        **Arguments**
        <BLANKLINE>
        - `x`: terms, (B,).
    """
    lines, out, at = inspect.cleandoc(docstring).splitlines(), list[str](), 0
    while at < len(lines):
        line, section = lines[at], _SECTION.fullmatch(lines[at].rstrip())
        if section:
            end = _indented(lines, at + 1)
            body = textwrap.dedent("\n".join(lines[at + 1 : end])).strip()
            if section[1] in _LISTS:
                body = re.sub(r"^(\S[^:\n]*):(?=\s)", r"- `\1`:", body, flags=re.M)
                body = re.sub(r"^(?=[^-\s])", "  ", body, flags=re.M)
                out += ["", f"**{_LISTS[section[1]]}**", "", *_linked(body)]
            elif section[1] in ("Returns", "Yields"):
                out += ["", f"**{section[1]}**", "", markdown(body)]
            else:
                out += ["", markdown(body)]
            out.append("")
            at = end
        elif line.startswith(">>>"):
            end = at
            while end < len(lines) and lines[end].strip():
                end += 1
            out += ["", "```pycon", *lines[at:end], "```", ""]
            at = end
        else:
            out += _linked(line)
            at += 1
    return "\n".join(out).strip()


def _linked(text: str) -> list[str]:
    pages = taught_in(text)
    if pages:
        return ["", "Taught in: " + ", ".join(f"{{doc}}`/book/{page}`" for page in pages)]
    pattern = r"arXiv[: ](\d{4}\.\d{4,5})"
    return re.sub(pattern, r"[arXiv:\1](https://arxiv.org/abs/\1)", text).splitlines() or [""]


def signature(value: Any) -> str:
    """Parameters with defaults; the docstring gives shapes and units, which a type does not."""
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    kept = []
    for parameter in found.parameters.values():
        default = parameter.default
        if default is not parameter.empty:
            short = getattr(default, "__name__", None) or re.sub(
                r"<([\w.]+).*>", r"\1", f"{default!r}"
            )
            parameter = parameter.replace(default=_Shown(short))
        if parameter.name != "self":
            kept.append(parameter.replace(annotation=parameter.empty))
    empty = inspect.Signature.empty
    return str(found.replace(parameters=kept, return_annotation=empty))


class _Shown(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def entry(name: str, value: Any, *, fence: str = ":::::") -> list[str]:
    """The directive of one name, with the methods of a class inside it."""
    if not callable(value) or not hasattr(value, "__name__"):
        return ["", f"{fence}{{py:data}} {name}", "", fence]
    kind = "function"
    if inspect.isclass(value):
        kind = "exception" if issubclass(value, BaseException) else "class"
    documented = value.__doc__ if "__doc__" in vars(value) or kind == "function" else None
    lines = ["", f"{fence}{{py:{kind}}} {name}{signature(value)}", "", markdown(documented or "")]
    for key, member in vars(value).items() if kind == "class" else ():
        function = getattr(member, "fget", None) or getattr(member, "__func__", member)
        if key.startswith("_") or not inspect.isfunction(function) or not function.__doc__:
            continue
        what = "property" if isinstance(member, property) else "method"
        shown = key if what == "property" else key + signature(function)
        lines += [
            "",
            f"{fence[1:]}{{py:{what}}} {shown}",
            "",
            markdown(function.__doc__),
            fence[1:],
        ]
    return [*lines, fence]


def page(names: list[str]) -> str:
    """The entries of these packages or modules of `helpers`."""
    lines = []
    for name in names:
        for module, own in modules(name):
            lines += ["", f":::{{py:module}} {module.__name__}", ":::", ""]
            lines += [f":::{{rubric}} {module.__name__}", ":::", "", markdown(module.__doc__ or "")]
            for key, value in own.items():
                lines += entry(key, value)
    return "\n".join(lines) + "\n"


def overview(root: Path) -> str:
    """All names with links, by package in the order of the layers."""
    lines = []
    for name in layers(root):
        for module, own in modules(name):
            first = (module.__doc__ or "").strip().split("\n")[0]
            links = ", ".join(f"{{py:obj}}`{n} <{module.__name__}.{n}>`" for n in own)
            lines += ["", f"**{module.__name__}**: {first}", "", links]
    return "\n".join(lines) + "\n"
