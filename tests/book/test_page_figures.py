"""Figures in the forms of the pages: vectors without a ground, and drawn again for a telephone."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from helpers.plotting import style
from tests.book.conftest import CLEAN_UP
from tools import page_figures
from tools.kernel import execute

pytestmark = CLEAN_UP

LONG = "A title that is much too long for a panel of this width on a telephone"


@pytest.fixture(autouse=True)
def defaults() -> Iterator[None]:
    with plt.rc_context():
        style()
        yield
        plt.close("all")


def forms(figure: Figure) -> dict[str, str]:
    made: dict[str, str] = page_figures.bundle(figure)[0][page_figures.MIME]
    return made


def size(svg: str) -> tuple[float, float]:
    """Width and height in inches."""
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert found
    return float(found[1]) / 72, float(found[2]) / 72


def panels(columns: int, rows: int = 1, **more: object) -> tuple[Figure, np.ndarray]:
    figure, axes = plt.subplots(rows, columns, figsize=(8.4, 2.4 * rows), squeeze=False, **more)
    for ax in axes.flat:
        ax.plot([0, 1, 4])
    return figure, axes


def test_three_panels_stand_below_each_other_on_a_telephone() -> None:
    figure, axes = panels(3, sharey=True)
    axes[0, 0].set_title(LONG)
    made = forms(figure)
    assert size(made["wide"])[0] == pytest.approx(8.4, abs=0.3)
    width, height = size(made["narrow"])
    assert width == pytest.approx(page_figures.NARROW, abs=0.3)
    assert height == pytest.approx(3 * 2.4, abs=0.5)
    lefts, tops = zip(*((ax.get_position().x0, ax.get_position().y1) for ax in axes[0]))
    assert np.ptp(lefts) < 1e-6
    assert (np.diff(tops) < -0.2).all()
    assert "\n" in axes[0, 0].get_title("left") + axes[0, 0].get_title()


def test_no_form_is_so_wide_that_a_page_shrinks_its_letters() -> None:
    figure, _ = plt.subplots(figsize=(12, 3))
    assert size(forms(figure)["wide"])[0] <= page_figures.WIDE + 0.1


@pytest.mark.slow
def test_the_kernel_keeps_the_picture_for_notebooks_as_it_was_drawn() -> None:
    code = "import matplotlib.pyplot as plt\nplt.subplots(1, 3, figsize=(8, 2));"
    run = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    assert execute(run, Path.cwd(), "default", figures=True)["error"] is None
    (shown,) = run.cells[0].outputs
    with Image.open(io.BytesIO(base64.b64decode(shown.data["image/png"]))) as picture:
        known = shown.metadata["image/png"]
        assert picture.size == pytest.approx((2 * known["width"], 2 * known["height"]), abs=1)


def test_many_panels_keep_two_columns_and_a_single_one_its_place() -> None:
    figure, axes = panels(3, 2)
    width, _ = size(forms(figure)["narrow"])
    assert width == pytest.approx(page_figures.NARROW, abs=0.3)
    assert len({round(ax.get_position().x0, 2) for ax in axes.flat}) == 2
    figure, _ = panels(1)
    assert size(forms(figure)["narrow"])[0] == pytest.approx(page_figures.NARROW, abs=0.3)


def test_a_table_of_panels_stays_a_table() -> None:
    figure, axes = panels(3, 2)
    for ax, name in zip(axes[0], "abc"):
        ax.set_title(name)
    assert size(forms(figure)["narrow"])[0] == pytest.approx(page_figures.NARROW, abs=0.3)
    assert len({round(ax.get_position().x0, 2) for ax in axes.flat}) == 3


def test_a_panel_over_all_columns_keeps_a_line_of_its_own() -> None:
    figure = plt.figure(figsize=(8.4, 4))
    grid = figure.add_gridspec(2, 2)
    wide, left, right = (figure.add_subplot(part) for part in (grid[0, :], grid[1, 0], grid[1, 1]))
    forms(figure)
    tops = [ax.get_position().y1 for ax in (wide, left, right)]
    assert tops == sorted(tops, reverse=True)
    assert min(ax.get_position().width for ax in (wide, left, right)) > 0.6


def test_a_figure_as_narrow_as_a_telephone_is_drawn_once() -> None:
    figure, ax = plt.subplots(figsize=(3.6, 2))
    ax.plot([1, 2])
    assert list(forms(figure)) == ["wide"]


def test_figures_have_no_ground_on_pages_and_a_white_one_in_notebooks() -> None:
    figure, ax = plt.subplots(figsize=(3.6, 2))
    ax.plot([1, 2])
    data, metadata = page_figures.bundle(figure)
    assert "#ffffff" not in data[page_figures.MIME]["wide"]
    assert data["image/png"].startswith(b"\x89PNG")
    assert metadata["image/png"]["width"] == pytest.approx(3.6 * 110, abs=30)


def test_thousands_of_points_are_one_picture_in_the_drawing() -> None:
    for count, pictures in ((100, 0), (10_000, 1)):
        figure, ax = plt.subplots(figsize=(3.6, 2))
        ax.scatter(*np.random.default_rng(0).normal(size=(2, count)), s=2)
        svg = forms(figure)["wide"]
        assert svg.count("<image") == pictures
        assert len(svg) < 400_000


def test_equal_figures_give_equal_files() -> None:
    first, second = (forms(panels(2)[0]) for _ in range(2))
    assert first == second
