"""Published copies: each construct of MyST as plain Markdown, and the checks of the copies."""

from __future__ import annotations

import base64
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from tests.book.conftest import Book
from tools import lint_published, published
from tools.notebooks import ROOT, BookError, code_cells, read

SITE = "https://owner.github.io/REPO/"
#: The smallest PNG: one pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def page(headings: list[str]) -> SimpleNamespace:
    """What a build would know of the page ``book/demo``."""
    return SimpleNamespace(
        address=f"{SITE}book/demo.html",
        title="Demo",
        headings=headings,
        figures={"fig-demo-line": "Fig. 7.2", "_build/figures/fig-x.png": "Fig. 7.1"},
        role=lambda name, content: f"[{name}:{content}]({SITE}x)",
        equation=lambda label: {"eq-demo-sum": "7.3"}[label],
        link=lambda target: f"{SITE}<{target}>",
    )


@pytest.fixture
def converter(book: Book) -> published.Converter:
    return published.Converter(book.root, book.chapter, page(["7", "7.1", "7.2"]))


EXAMPLES = {
    "a role": ("See {eq}`eq-a`.", f"See [eq:eq-a]({SITE}x)."),
    "a role with a domain": ("{cite:t}`a,b` says", f"[cite:t:a,b]({SITE}x) says"),
    "a role in a table": ("| a |\n|---|\n| {eq}`b` |", f"| a |\n|---|\n| [eq:b]({SITE}x) |"),
    "a role in code": ("`` {eq}`eq-a` `` stays", "`` {eq}`eq-a` `` stays"),
    "braces in a formula": ("$x_{a}$ and $`b`$", "$x_{a}$ and $`b`$"),
    "a claim": ("It is [90.7](#claim-bound) nats.", "It is 90.7 nats."),
    "a link to a page": ("[there](../a/b.ipynb#c)", f"[there]({SITE}<../a/b.ipynb#c>)"),
    "a link to an anchor": ("[](#fig-a)", f"[Demo]({SITE}<#fig-a>)"),
    "a link to elsewhere": ("[there](https://example.org)", "[there](https://example.org)"),
    "a link in code": ("`[a](#b)`", "`[a](#b)`"),
    "headings": ("# A\n\n## B", "# 7. A\n\n## 7.1. B"),
    "a numbered formula": (
        "So\n\n$$\na + b\n= c\n$$ (eq-demo-sum)\n\nthen",
        "So\n\n$$\na + b\n= c\n\\tag{7.3}\n$$\n\nthen",
    ),
    "a formula without a number": ("$$\na\n$$", "$$\na\n$$"),
    "a formula in a list": ("- so\n\n  $$\n  a\n  $$", "- so\n\n  $$\n  a\n  $$"),
    "a formula of amsmath": ("\\begin{align}\na\n\\end{align}", "\\begin{align}\na\n\\end{align}"),
    "an admonition": (
        "```{admonition} Erratum E2: signs\n:class: warning\nOne {cite}`a`.\n\nTwo.\n```",
        f"> **Erratum E2: signs.**\n>\n> One [cite:a]({SITE}x).\n>\n> Two.",
    ),
    "a note between colons": (":::{note}\nWhy?\n:::", "> **Note.**\n>\n> Why?"),
    "a title that is a question": (
        "```{admonition} Why?\nSo.\n```",
        "> **Why?**\n>\n> So.",
    ),
    "a formula in an admonition": (
        "```{tip}\n$$\na\nb\n$$ (eq-demo-sum)\n```",
        "> **Tip.**\n>\n> $$ a b \\tag{7.3} $$",
    ),
    "a solution": (
        "```{admonition} Solution of exercise 1\n:class: dropdown\n$$\na\n$$\n```",
        "<details>\n<summary>Solution of exercise 1</summary>\n\n$$\na\n$$\n\n</details>",
    ),
    "a directive in a list": (
        "1. x\n\n   ```{note}\n   y\n   ```",
        "1. x\n\n   > **Note.**\n   >\n   > y",
    ),
    "a nested directive": (
        "````{note}\n```{tip}\nx\n```\n````",
        "> **Note.**\n>\n> > **Tip.**\n> >\n> > x",
    ),
    "code": ("```python\n{eq}`a`\n```", "```python\n{eq}`a`\n```"),
    "a block of code": ("```{code-block} python\nx = 1\n```", "```python\nx = 1\n```"),
    "a laboratory": (
        "```{laboratory} Two rings\n:name: lab-rings\n```",
        f"*“Two rings” is on the page of this chapter: [Demo]({SITE}book/demo.html#lab-rings).*",
    ),
    "anything unknown": (
        "```{unknown}\n{eq}`a`\n```",
        f"*This part is on the page of this chapter: [Demo]({SITE}book/demo.html).*",
    ),
    "a label": ("(sec-a)=\n# A", "# 7. A"),
    "a comment": ("a\n\n% hidden\n\nb", "a\n\nb"),
    "a definition list": ("Term\n: what {eq}`a` is", f"**Term**\n\nwhat [eq:a]({SITE}x) is"),
    "a footnote": ("a[^1]\n\n[^1]: b", "a(note 1)\n\n**Note 1.** b"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_construct_becomes_plain_markdown(converter: published.Converter, name: str) -> None:
    source, wanted = EXAMPLES[name]
    assert converter.cell(source) == wanted


def test_a_figure_is_embedded_with_its_number(book: Book, converter: published.Converter) -> None:
    (book.root / "_build/figures").mkdir(parents=True)
    (book.root / "_build/figures/fig-x.png").write_bytes(PIXEL)
    source = "```{figure} /_build/figures/fig-x.png\n:alt: A dot.\n:width: 70%\n\nOne {eq}`a`.\n```"
    text = converter.cell(source)
    data = base64.b64encode(PIXEL).decode()
    assert text == (
        f"![A dot.][fig-x]\n\n**Fig. 7.1.** One [eq:a]({SITE}x).\n\n"
        f"[fig-x]: data:image/png;base64,{data}"
    )


def test_the_site_is_where_the_configuration_says(book: Book) -> None:
    assert published.site_address(book.root) == SITE
    text = (book.root / "_config.yml").read_text()
    book.write("_config.yml", text.replace("html:\n", "html:\n  baseurl: https://example.org/b\n"))
    assert published.site_address(book.root) == "https://example.org/b/"


def executed(book: Book) -> nbformat.NotebookNode:
    """The fixture notebook with an output in each code cell."""
    run = book.notebook()
    for cell in code_cells(run):
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=f"{cell.id}\n")]
    return run


def copy_of(book: Book) -> nbformat.NotebookNode:
    return published.published(
        book.root, book.chapter, book.notebook(), executed(book), page(["7"])
    )


def test_a_copy_has_the_tested_code_its_outputs_and_captions(book: Book) -> None:
    copy = copy_of(book)
    nbformat.validate(copy)
    stored = book.notebook()
    assert [c.source for c in code_cells(copy)] == [c.source for c in code_cells(stored)]
    assert [c.outputs[0].text for c in code_cells(copy)] == [
        f"{c.id}\n" for c in code_cells(stored)
    ]
    assert book.cell(copy, "figure-caption").source == "**Fig. 7.2.** A line."
    assert book.cell(copy, "figure").metadata.jupyter == {"source_hidden": True}
    assert f"> **You get:** [eq:eq-demo-sum]({SITE}x)" in book.cell(copy, "title").source
    assert f"> **On the web:** [Demo]({SITE}book/demo.html)" in book.cell(copy, "title").source
    assert set(copy.metadata) == {"kernelspec", "language_info"}


def test_heavy_outputs_are_left_out(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    run = executed(book)
    book.cell(run, "figure").outputs[0].text = "x" * 20_000
    monkeypatch.setattr(published, "LIMIT", 20_000)
    notebook = book.notebook()
    copy = published.published(book.root, book.chapter, notebook, run, page(["7"]))
    assert (
        f"[the page]({SITE}book/demo.html)"
        in (book.cell(copy, "figure").outputs[0].data["text/markdown"])
    )
    assert book.cell(copy, "checked").outputs[0].text == "checked\n"
    monkeypatch.setattr(published, "LIMIT", 10)
    with pytest.raises(BookError, match="too large even without its outputs"):
        copy_of(book)


@pytest.mark.parametrize("headings", [[], ["7", "7.1"]])
def test_headings_that_are_not_those_of_the_page_are_refused(
    book: Book, headings: list[str]
) -> None:
    with pytest.raises(BookError, match=r"book/demo: .*heading"):
        published.published(
            book.root, book.chapter, book.notebook(), executed(book), page(headings)
        )


@pytest.fixture
def copied(book: Book) -> Path:
    """A chapter, its page and a copy without any problem."""
    book.write(
        "_build/html/book/demo.html",
        '<main><h1 id="demo">Demo</h1><div class="math" id="equation-a"><span class="eqno">(7.3)'
        "<a>#</a></span></div><figcaption>"
        '<span class="caption-number">Fig. 7.2 </span></figcaption></main>',
    )
    copy = copy_of(book)
    book.cell(copy, "title").source = f"# Demo\n\n[here]({SITE}book/demo.html#equation-a)"
    book.cell(copy, "end").source = "The end."
    path = book.root / published.FOLDER / "book/demo.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(copy, path)
    return path


def test_a_good_copy_has_no_problem(book: Book, copied: Path) -> None:
    assert lint_published.check(book.root, [book.chapter]) == []
    copied.unlink()
    (problem,) = lint_published.check(book.root, [book.chapter])
    assert problem.message == "was not written; run: make book"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{eq}`eq-a`", "shows raw MyST: '{eq}`'"),
        ("{cite:t}`a`", "shows raw MyST: '{cite:t}`'"),
        (":::{note}", "shows raw MyST: ':::'"),
        ("> a\n\n```{note}\n```", "shows raw MyST: '```{'"),
        ("(sec-a)=\n", "shows raw MyST: '(sec-a)='"),
        (f"[]({SITE}book/demo.html)", "shows raw MyST: '[]('"),
        ("[1](#claim-a)", "shows raw MyST: '](#'"),
        (f"[a]({SITE}book/gone.html)", "is no page of the site"),
        (f"[a]({SITE}book/demo.html#gone)", "is no place on that page"),
        ("[a](gone.html)", "is no address of the site"),
        ("$$\na\n\\tag{7.4}\n$$", "numbers of formulas differ from those of the page: ['7.4']"),
        ("**Fig. 7.3.** A.", "numbers of figures differ from those of the page: ['Fig. 7.3']"),
    ],
)
def test_a_defect_of_a_copy_is_found(book: Book, copied: Path, text: str, message: str) -> None:
    copy = read(copied)
    book.cell(copy, "end").source = text
    nbformat.write(copy, copied)
    found = [str(problem) for problem in lint_published.check(book.root, [book.chapter])]
    assert message in found[0]


def test_changed_code_is_found(book: Book, copied: Path) -> None:
    copy = read(copied)
    book.cell(copy, "checked").source = "print(3)"
    nbformat.write(copy, copied)
    (problem,) = lint_published.check(book.root, [book.chapter])
    assert problem.message == "its code cells are not those of the chapter"


def test_the_copies_of_this_book_have_no_problem() -> None:
    if not (ROOT / published.FOLDER).is_dir():
        pytest.skip("the site was not built")
    assert lint_published.main([]) == 0
