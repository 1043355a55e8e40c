"""Tables: values with errors, alignment, the best value, text and HTML from the same cells."""

from __future__ import annotations

import pytest
import torch
from bs4 import BeautifulSoup

from helpers.metrics import Estimate
from helpers.plotting import table

ROWS = [
    ["tree", Estimate(96.512, 0.5), 1000],
    ["VAE & co", (torch.tensor(-86.1), 0.484), 20],
    ["seed 1", None, 3],
]


def test_the_text_aligns_numbers_to_the_right_and_words_to_the_left() -> None:
    made = table(ROWS, ["model", "nats", "weights"], digits={"nats": 1}, best={"weights": min})
    assert repr(made).split("\n") == [
        "model            nats  weights",
        "------------------------------",
        "tree       96.5 ± 0.5    1,000",
        "VAE & co  −86.1 ± 0.5       20",
        "seed 1                      *3",
    ]


def test_the_page_shows_the_same_cells_with_small_errors_and_a_bold_best_value() -> None:
    made = table(ROWS, ["model", "nats", "weights"], digits=1, best={"nats": min})
    page = BeautifulSoup(made._repr_html_(), "html.parser")
    rows = [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in page.find_all("tr")]
    assert rows[0] == ["model", "nats", "weights"]
    assert rows[1] == ["tree", "96.5 ± 0.5", "1,000"]
    assert rows[2] == ["VAE & co", "−86.1 ± 0.5", "20"]
    assert rows[3] == ["seed 1", "", "3"]
    assert [bold.get_text() for bold in page.find_all("strong")] == ["−86.1"]
    assert [small.get_text() for small in page.find_all("small")] == ["± 0.5", "± 0.5"]


def test_equal_best_values_are_all_marked() -> None:
    made = table([["a", 2], ["b", 2], ["c", 1]], ["", "n"], best={"n": max})
    assert made._repr_html_().count("<strong>") == 2


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="rows must have 2 columns like head"):
        table([["a"]], ["name", "n"])
    with pytest.raises(ValueError, match="must name columns of"):
        table([["a", 1]], ["name", "n"], digits={"m": 1})
