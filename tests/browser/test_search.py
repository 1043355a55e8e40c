"""The page that treats a subject comes first, in either spelling, with readable excerpts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

import pytest

from tests.browser.viewer import Viewer

#: What a reader types, and the page that must come first.
FIRST = {
    "Adam": "optimisation/gradient_methods",
    "stochastic gradient descent": "optimisation/gradient_methods",
    "batch normalisation": "optimisation/better_training",
    "batch normalization": "optimisation/better_training",
    "KL": "concepts/probability",
    "Wasserstein": "concepts/probability",
    "importance sampling": "concepts/probability",
    "EM algorithm": "background/classical_models",
    "HMM": "background/classical_models",
    "mode collapse": "models/gan",
    "FID": "models/gan",
    "frechet distance": "models/gan",
    "posterior collapse": "models/vae",
    "ELBO": "models/vae",
    "beta-VAE": "models/vae",
    "reparameterisation trick": "models/vae",
    "reparametrization": "models/vae",
    "perplexity": "models/rnn",
    "LSTM": "models/rnn",
    "vanishing gradients": "models/rnn",
    "attention": "applications/text",
    "nucleus sampling": "applications/text",
    "mixture density network": "applications/handwriting",
    "mel spectrogram": "applications/speech",
    "normalizing flows": "concepts/map_of_model_families",
}
#: What belongs to formulas, buttons and code, and to no excerpt.
_NOISE = re.compile(r"\\[a-zA-Z]+|\$|Show code|Hide code|Copy to clipboard|import torch")


@pytest.fixture(scope="module")
def tab(viewer: Viewer) -> Iterator[Any]:
    """A tab on the page of results."""
    page, _ = viewer.open("search.html")
    yield page
    page.close()


def results(tab: Any, viewer: Viewer, query: str) -> list[Any]:
    """The results of a search, best first."""
    tab.goto(f"{viewer.address}/search.html?q={quote_plus(query)}")
    tab.wait_for_function(
        "() => /finished|did not match/i.test(document.querySelector('#search-results').innerText)"
    )
    found: list[Any] = tab.locator("#search-results li").all()
    return found


@pytest.mark.parametrize("query", FIRST)
def test_the_page_that_treats_it_comes_first(tab: Any, viewer: Viewer, query: str) -> None:
    links = [li.locator("a").first.get_attribute("href") for li in results(tab, viewer, query)]
    pages = [link.split("#")[0].removeprefix("book/").removesuffix(".html") for link in links]
    assert pages[:1] == [FIRST[query]], pages[:5]


@pytest.mark.parametrize("query", ["divergence", "gradient", "softmax"])
def test_excerpts_are_sentences(tab: Any, viewer: Viewer, query: str) -> None:
    found = results(tab, viewer, query)[:8]
    assert found
    for li in found:
        if li.locator("p.context").count() == 0 and "helpers." in li.inner_text():
            continue  # a name of the package
        li.locator("p.context").wait_for()
        assert not _NOISE.search(li.inner_text()), li.inner_text()


def test_code_and_labels_of_buttons_are_not_found(tab: Any, viewer: Viewer) -> None:
    assert results(tab, viewer, "mathbb") == []
    assert results(tab, viewer, "torch.manual_seed(0)") == []
