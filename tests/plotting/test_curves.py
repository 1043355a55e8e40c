import itertools

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


def test_bands_are_one_standard_error_on_both_sides():
    ax = curves({"a": [1.0, 2.0]}, standard_errors={"a": [0.25, 0.5]})
    (band,) = ax.collections
    corners = {(x, y) for x, y in band.get_paths()[0].vertices.round(6).tolist()}
    assert corners == {(1.0, 0.75), (1.0, 1.25), (2.0, 1.5), (2.0, 2.5)}


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


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ({}, {}, "values must hold at least one curve, got none"),
        ({"a": []}, {}, r"values\['a'\] must hold at least one value, got none"),
        ({"a": [1.0, 2.0], "b": [1.0]}, {}, r"values\['b'\] must have shape \(2,\), got \(1,\)"),
        ({"a": [[1.0, 2.0]]}, {}, r"values\['a'\] must have shape \(2,\), got \(1, 2\)"),
        ({"a": [1.0]}, {"x": [1, 2]}, r"values\['a'\] must have shape \(2,\), got \(1,\)"),
        ({"a": [torch.nan]}, {}, r"values\['a'\] must be finite, got 1 NaN"),
        ({"a": [1.0]}, {"standard_errors": {"b": [1.0]}}, r"name curves among \['a'\], got 'b'"),
        (
            {"a": [1.0]},
            {"standard_errors": {"a": [1.0, 2.0]}},
            r"standard_errors\['a'\] must have shape \(1,\), got \(2,\)",
        ),
        (
            {"a": [1.0]},
            {"references": {"floor": float("nan")}},
            "references must be finite, got 1 NaN",
        ),
    ],
)
def test_bad_arguments(values, options, expected):
    with pytest.raises(ValueError, match=expected):
        curves(values, **options)
