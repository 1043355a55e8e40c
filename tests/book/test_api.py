"""The pages of the package's interface: every public name, formulas and links as Markdown."""

from __future__ import annotations

import importlib

import pytest

from tools import api, lint_docstrings
from tools.notebooks import ROOT, toc_pages

DOCSTRING = r"""The sum of two numbers.

$$ a + b = c $$

Args:
    a: first term, (B,); it may
        be negative.
    *more: the others.

Returns:
    c, (B,).

Reference: Someone, arXiv:1312.6114.

>>> 1 + 1
2

Taught in: models/vae, models/gan
"""


def test_a_docstring_becomes_lists_code_and_links() -> None:
    text = api.markdown(DOCSTRING)
    assert "$$ a + b = c $$\n" in text
    assert "- `a`: first term, (B,); it may\n" in text
    assert "- `*more`: the others." in text
    assert "**Returns**\n\nc, (B,)." in text
    assert "[arXiv:1312.6114](https://arxiv.org/abs/1312.6114)" in text
    assert "```pycon\n>>> 1 + 1\n2\n```" in text
    assert text.endswith("Taught in: {doc}`/book/models/vae`, {doc}`/book/models/gan`")


class Model:
    """One line."""

    def __init__(self, size: int, *, kind: type = int) -> None:
        """Not shown."""

    def loss(self, x: float, beta: float = 1.0) -> float:
        """The loss."""
        return x * beta

    @property
    def width(self) -> int:
        """The width."""
        return 1

    def _hidden(self) -> None:
        """Not shown."""


def test_a_class_shows_its_documented_methods_without_types() -> None:
    lines = api.entry("Model", Model)
    heads = [line for line in lines if "{py:" in line]
    assert heads == [
        ":::::{py:class} Model(size, *, kind=int)",
        "::::{py:method} loss(x, beta=1.0)",
        "::::{py:property} width",
    ]


def test_each_layer_has_a_page_and_each_page_its_layers() -> None:
    pages = [page for page in toc_pages(ROOT) if page.startswith("book/reference/api/")]
    shown = [
        name
        for page in pages
        for line in (ROOT / f"{page}.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("```{api} ")
        for name in line.removeprefix("```{api} ").split()
    ]
    assert sorted(shown) == sorted(api.layers(ROOT))
    packages = [name for name in api.layers(ROOT) if (ROOT / "helpers" / name).is_dir()]
    assert shown[: len(packages)] == packages  # in the order of the layers


@pytest.mark.parametrize("name", api.layers(ROOT))
def test_every_name_of_a_door_has_an_entry(name: str) -> None:
    text = api.page([name])
    for public in api.public(importlib.import_module(f"helpers.{name}")):
        assert f"}} {public}" in text or f"{{py:module}} helpers.{name}.{public}\n" in text


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('"""Fine: $x$.\n\nTaught in: models/vae\n"""', None),
        ('r"""Fine: $\\mu$."""', None),
        ('r"""No backslash."""', "without a backslash"),
        ('r"""A formula.\n\n.. math:: \\mu\n"""', "has a formula as `.. math::`"),
        ('"""Uses :func:`f`."""', "has a role"),
        ('"""One.\n\nTaught in: models/gone\n"""', "is taught in 'models/gone', which is no page"),
        ('"""One.\n\nTaught in: The VAE.\n"""', "must end with a line like"),
        ('"""One.\n\nTaught in: models/vae\n\nMore.\n"""', "must end with a line like"),
        ('"""It costs $x, more or less."""', "is not closed"),
    ],
)
def test_a_defect_of_a_docstring_is_found(source: str, message: str | None) -> None:
    found = lint_docstrings.problems_in(source, {"book/models/vae"})
    assert len(found) == (message is not None), found
    assert all(message is not None and message in line for line in found)


def test_docstrings_are_found_with_their_place() -> None:
    text = '"""Module."""\n\n\nclass A:\n    r"""Class."""\n\n    def f(self):\n        pass\n'
    found = list(lint_docstrings.docstrings(text))
    assert found == [(1, "module", '"""Module."""'), (5, "A", 'r"""Class."""')]
