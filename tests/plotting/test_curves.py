import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from helpers.plotting import PALETTE, curves


def test_each_name_is_a_line_over_epochs(device):
    values = {"train": [3.0, 2.0, 1.0], "validation": torch.tensor([4.0, 3.0, 2.5], device=device)}
    ax = curves(values, ylabel="nats", title="Learning")
    for line, (name, curve), colour in zip(ax.lines, values.items(), PALETTE):
        assert line.get_label() == name
        assert line.get_color() == colour
        assert line.get_xdata().tolist() == [1, 2, 3]
        assert np.allclose(line.get_ydata(), torch.as_tensor(curve).cpu())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(values)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "nats")


def test_one_sequence_has_no_legend():
    ax = curves(np.arange(4.0), x=[0.1, 0.2, 0.4, 0.8], xlabel="β")
    assert ax.get_legend() is None
    assert ax.lines[0].get_xdata().tolist() == [0.1, 0.2, 0.4, 0.8]


def test_references_stand_at_their_heights_and_their_names_do_not_overlap():
    heights = {"VAE": 95.2, "tree": 96.45, "uniform": 181.3, "twin": 96.45}
    ax = curves({"a": [180.0, 100.0]}, references=heights)
    lines = ax.lines[1:]
    assert sorted(line.get_ydata()[0] for line in lines) == sorted(heights.values())
    ax.figure.canvas.draw()
    assert {text.get_text() for text in ax.texts} == set(heights)
    boxes = sorted((text.get_window_extent().y0, text.get_window_extent().y1) for text in ax.texts)
    assert all(below[1] <= above[0] for below, above in itertools.pairwise(boxes))
    uniform = next(text for text in ax.texts if text.get_text() == "uniform")
    assert uniform.xyann[1] == pytest.approx(0, abs=1e-6)  # room enough: not moved


def test_a_single_point_is_visible():
    assert curves({"a": [2.0]}).lines[0].get_marker() == "o"


def size_on_the_page(ax) -> tuple[float, float]:
    """In inches, as a notebook saves it: with everything that is drawn, however far outside."""
    ax.figure.canvas.draw()
    box = ax.figure.get_tightbbox()
    return box.width, box.height


def test_limits_set_later_move_the_names_and_hide_those_outside():
    heights = {"far below": 95.0, "low": 150.0, "high": 160.0}
    ax = curves({"loss": [400.0, 152.0, 148.0]}, references=heights)
    apart = {text.get_text(): text for text in ax.texts}
    assert apart["low"].xyann[1] < apart["high"].xyann[1]  # 3 points apart: moved
    ax.set_ylim(140, 170)
    assert [name for name, text in apart.items() if text.get_visible()] == ["low", "high"]
    assert apart["low"].xyann[1] == pytest.approx(0, abs=1e-6)  # room enough now
    width, height = size_on_the_page(ax)
    assert width < 8
    assert height < 4
    ax.set_ylim(0, 450)
    assert all(text.get_visible() for text in ax.texts)


def test_two_epochs_far_above_the_references_are_seen():
    floors = {"tree": 95.0, "mixture": 96.5}
    ax = curves({"loss": [210.0, 180.0]}, references=floors)
    width, height = size_on_the_page(ax)
    assert width < 8
    assert height < 4
    low, high = ax.get_ylim()
    assert low < 95
    assert high > 210
    assert ax.lines[0].get_visible()


def test_curves_may_have_different_lengths():
    ax = curves({"stopped": [3.0, 2.0], "whole": [3.0, 2.5, 2.0]})
    assert [line.get_xdata().tolist() for line in ax.lines] == [[1, 2], [1, 2, 3]]


def test_draws_on_given_axes_and_keeps_every_value_inside():
    _, ax = plt.subplots()
    values = {"a": [3.0, -1.0], "b": [0.0, 7.0]}
    assert curves(values, x=[2.0, 9.0], ax=ax, references={"floor": -4.0}) is ax
    assert len(plt.get_fignums()) == 1
    for found, inside in ((ax.get_xlim(), (2, 9)), (ax.get_ylim(), (-4, 7))):
        assert found[0] <= inside[0]
        assert inside[1] <= found[1]


def test_bad_input():
    with pytest.raises(ValueError, match=r"values\['a'\] must be finite, got 1 NaN"):
        curves({"a": [torch.nan]})
    with pytest.raises(ValueError, match="references must be finite, got 1 NaN"):
        curves({"a": [1.0]}, references={"floor": float("nan")})
