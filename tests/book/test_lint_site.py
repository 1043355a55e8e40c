"""The checks of a built site, on small pages: outside addresses, error output."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import lint_site


class Site:
    """Two pages that are fine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("_toc.yml", "root: book/intro\nchapters: [{file: book/demo}]\n")
        self.page("book/intro.html", '<a href="demo.html#here">demo</a>')
        self.page("book/demo.html", '<h1 id="here">Demo</h1><img src="x.png" alt="A line.">')
        self.write("_build/html/book/x.png", "")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def page(self, name: str, body: str, head: str = "") -> None:
        text = f"<html><head>{head}</head><body><main>{body}</main></body></html>"
        self.write(f"_build/html/{name}", text)

    def messages(self) -> list[str]:
        return [str(problem) for problem in lint_site.check(self.root)]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_good_site_has_no_problem(site: Site) -> None:
    assert site.messages() == []
    assert lint_site.main(["--root", str(site.root)]) == 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('<img src="x.png">', "picture x.png has no alt text"),
        ('<img src="x.png" alt="../_images/x.png">', "alt text is a file name"),
        ('<script src="https://cdn.example.org/a.js"></script>', "<script> loads from outside"),
        ('<script src="//cdn.example.org/a.js"></script>', "<script> loads from outside"),
        ('<img src="https://example.org/a.png" alt="A.">', "<img> loads from outside"),
        ('<iframe src="https://example.org/"></iframe>', "<iframe> loads from outside"),
        ("<style>@import 'https://example.org/a.css';</style>", "<style> loads from outside"),
        ('<p style="background: url(https://example.org/a.png)">x</p>', "<p> loads from outside"),
        ('<script>fetch("https://example.org/a")</script>', "<script> loads from outside"),
        ('<div class="output stderr">Warning</div>', "shows error output: Warning"),
        ('<div class="output traceback">Error</div>', "shows error output: Error"),
        ('<div class="system-message">Unknown</div>', "shows a message of Sphinx: Unknown"),
    ],
)
def test_a_defect_of_a_page_is_found(site: Site, body: str, message: str) -> None:
    site.page("book/intro.html", body)
    found = site.messages()
    assert len(found) == 1, found
    assert found[0].startswith("book/intro")
    assert message in found[0]
    assert lint_site.main(["--root", str(site.root)]) == 1


def test_an_outside_style_sheet_is_found(site: Site) -> None:
    link = '<link rel="stylesheet" href="https://cdn.example.org/a.css">'
    site.page("book/intro.html", "", head=link)
    assert site.messages() == [
        "book/intro.html: <link> loads from outside: https://cdn.example.org/a.css"
    ]


def test_an_address_in_a_style_sheet_is_found(site: Site) -> None:
    site.write("_build/html/_static/a.css", "@font-face { src: url(https://example.org/f.woff2) }")
    assert site.messages() == ["_static/a.css: loads from outside: https://example.org/f.woff2"]


def test_links_that_a_reader_may_follow_are_no_problem(site: Site) -> None:
    body = '<a href="https://example.org/paper">paper</a> <a href="mailto:a@example.org">mail</a>'
    site.page("book/intro.html", body, head='<link rel="canonical" href="https://example.org/">')
    assert site.messages() == []


def test_a_page_that_was_not_built_is_found(site: Site) -> None:
    (site.root / "_build/html/book/intro.html").unlink()
    assert site.messages() == ["book/intro: was not built"]


def test_without_a_site_the_message_says_what_to_do(tmp_path: Path) -> None:
    (problem,) = lint_site.check(tmp_path)
    assert "run: make book" in problem.message
