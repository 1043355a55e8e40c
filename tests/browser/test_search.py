"""The place that treats a subject comes first, in any spelling, with a readable excerpt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.viewer import Viewer

#: What a reader types, and the page that must come first.
FIRST = {
    "Adam": "optimisation/gradient_methods",
    "stochastic gradient descent": "optimisation/gradient_methods",
    "learning rate": "optimisation/gradient_methods",
    "batch normalisation": "optimisation/better_training",
    "batch normalization": "optimisation/better_training",
    "dropout": "optimisation/better_training",
    "loss goes nan": "optimisation/better_training",
    "KL": "concepts/probability",
    "kullback leibler": "concepts/probability",
    "Wasserstein": "concepts/probability",
    "importance sampling": "concepts/probability",
    "EM": "background/classical_models",
    "EM algorithm": "background/classical_models",
    "HMM": "background/classical_models",
    "hidden markov": "background/classical_models",
    "pca": "background/classical_models",
    "gaussian mixture": "background/classical_models",
    "generative model": "background/what_is_a_generative_model",
    "gan": "models/gan",
    "how do I train a GAN?": "models/gan",
    "mode collapse": "models/gan",
    "FID": "models/gan",
    "frechet distance": "models/gan",
    "wgan": "models/gan",
    "vae": "models/vae",
    "variational autoencoder": "models/vae",
    "posterior collapse": "models/vae",
    "ELBO": "models/vae",
    "beta-VAE": "models/vae",
    "reparameterisation trick": "models/vae",
    "reparametrization": "models/vae",
    "vq-vae": "models/hybrids",
    "why are vae samples blurry": "models/hybrids",
    "rnn": "models/rnn",
    "backpropagation": "models/rnn",
    "perplexity": "models/rnn",
    "lstm": "models/rnn",
    "vanishing gradients": "models/rnn",
    "attention": "applications/text",
    "transformer": "models/transformer",
    "gpt": "models/transformer",
    "nucleus sampling": "applications/text",
    "mixture density network": "applications/handwriting",
    "mel spectrogram": "applications/speech",
    "normalizing flows": "models/flow",
    "diffusion": "concepts/map_of_model_families",
    "my own data": "reference/your_own_data",
}
#: What is typed in error or in other words, what is shown instead, and the page that comes first.
INSTEAD = {
    "genrative model": ("generative model", "background/what_is_a_generative_model"),
    "mode colapse": ("mode collapse", "models/gan"),
    "Wasserstien": ("wasserstein", "concepts/probability"),
    "backpropogation": ("backpropagation", "models/rnn"),
}
#: What belongs to formulas, buttons and code, and to no excerpt.
_NOISE = re.compile(r"\\[a-zA-Z]+|\$|Show code|Hide code|Copy to clipboard|import torch")


@pytest.fixture(scope="module")
def tab(viewer: Viewer) -> Iterator[Any]:
    """A tab on the page of results, with the index."""
    page, _ = viewer.open("search.html?q=loss")
    page.locator("#search-results li").first.wait_for()
    yield page
    page.close()


def results(tab: Any, query: str) -> list[Any]:
    """The results of a search, best first."""
    tab.locator("main input[name=q]").fill(query)
    tab.wait_for_function(
        "query => document.querySelector('#search-results').dataset.query === query", arg=query
    )
    found: list[Any] = tab.locator("#search-results li").all()
    return found


def pages(found: list[Any]) -> list[str]:
    """The pages of results."""
    links = [li.locator("a").first.get_attribute("href") for li in found]
    return [re.sub(r"^(\./)?book/|\.html(#.*)?$", "", link) for link in links]


@pytest.mark.parametrize("query", FIRST)
def test_the_page_that_treats_it_comes_first(tab: Any, query: str) -> None:
    found = pages(results(tab, query))
    assert found[:1] == [FIRST[query]], found[:5]


@pytest.mark.parametrize("query", INSTEAD)
def test_errors_of_typing_and_other_words(tab: Any, query: str) -> None:
    instead, page = INSTEAD[query]
    found = pages(results(tab, query))
    assert f"Showing results for {instead}." in tab.locator("#search-results").inner_text()
    assert found
    assert found[0].startswith(page)


def test_a_word_that_the_book_lacks_does_not_empty_the_list(tab: Any) -> None:
    assert pages(results(tab, "dropout xylophone"))[0] == "optimisation/better_training"
    assert "The book does not have: xylophone." in tab.locator("#search-results").inner_text()


def test_nothing_found_points_on(tab: Any) -> None:
    for query in ("xylophone", "mathbb"):
        assert results(tab, query) == []
        names = [a.inner_text() for a in tab.locator("#search-results a").all()]
        assert names == ["glossary", "contents"]


@pytest.mark.parametrize("query", ["divergence", "gradient", "softmax", "ELBO", "hidden markov"])
def test_excerpts_are_sentences(tab: Any, query: str) -> None:
    found = results(tab, query)[:8]
    assert found
    for li in found:
        assert li.locator("p.context").count() == 1
        assert not _NOISE.search(li.inner_text()), li.inner_text()


@pytest.mark.parametrize("query", ["hidden markov", "kl", "sample"])
def test_chapters_are_not_hidden_by_lists(tab: Any, query: str) -> None:
    found = pages(results(tab, query))
    api = [page for page in found if page.startswith("reference/api")]
    assert len(api) == len(set(api))
    assert found.count("reference/glossary") <= 1
    assert not any(page.startswith("reference/api") for page in found[:3])


def test_titles_of_exercises(tab: Any) -> None:
    titles = [li.locator("a").inner_text() for li in results(tab, "what the VAE's code looks like")]
    assert any("Exercise 6 · medium: what the VAE’s code looks like" in t for t in titles), titles


@pytest.mark.parametrize("width", [1280, 390])
def test_the_box_shows_results_while_one_types(viewer: Viewer, width: int) -> None:
    page, record = viewer.open("book/models/gan.html", width=width)
    try:
        assert not page.evaluate(
            "performance.getEntriesByName(location.origin + '/searchindex.js').length"
        )
        page.keyboard.press("Control+k")
        page.keyboard.type("wasserst")
        links = page.locator("#pst-search-dialog li > a")
        links.first.wait_for()
        assert 1 <= links.count() <= 6
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.matches('#pst-search-dialog li > a')")
        page.keyboard.press("Enter")
        page.wait_for_url("**/probability.html#*")
        assert page.locator(".highlighted, .highlight-link").count() == 0
        assert record.problems() == []
    finally:
        page.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_magnifier_does_not_cover_the_words(viewer: Viewer, width: int) -> None:
    page, _ = viewer.open("search.html?q=wasserstein", width=width)
    try:
        gap = page.evaluate(
            """() => {
                const form = document.querySelector("main form.bd-search");
                const [icon, input] = [form.querySelector("i, svg"), form.querySelector("input")];
                const text = parseFloat(getComputedStyle(input).paddingLeft);
                const left = input.getBoundingClientRect().left + text;
                return left - icon.getBoundingClientRect().right;
            }"""
        )
        assert gap >= 2
    finally:
        page.close()
