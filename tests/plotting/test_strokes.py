import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from helpers.plotting import strokes

PEN = [[1.0, 2.0, 0.0], [2.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.0, 3.0, 0.0]]


def test_each_stroke_is_a_line_through_the_sums_of_its_offsets(device):
    ax = strokes(torch.tensor(PEN, device=device), title="a word")
    expected = [[[1, 2], [3, 2]], [[4, 3], [4, 6]]]
    assert [np.column_stack(line.get_data()).tolist() for line in ax.lines] == expected
    assert ax.get_aspect() == 1
    assert ax.get_title("left") == "a word"


def test_a_length_ends_the_drawing_and_a_dot_is_visible():
    ax = strokes([*PEN[:2], [3.0, 3.0, 0.0], [0.0, 0.0, 1.0], [9.0, 9.0, 1.0]], length=4)
    assert [line.get_marker() for line in ax.lines] == ["None", "."]


def test_all_strokes_are_inside_and_the_paper_is_bare():
    """No axis lines: the limits of the axes contain each point."""
    _, ax = plt.subplots()
    assert strokes(PEN, ax=ax, points=True, colour="red") is ax
    assert len(plt.get_fignums()) == 1
    assert not ax.axison
    places = np.cumsum(np.array(PEN)[:, :2], axis=0)
    for values, (low, high) in zip(places.T, (ax.get_xlim(), ax.get_ylim())):
        assert low <= values.min()
        assert values.max() <= high
    assert {line.get_marker() for line in ax.lines} == {"."}
    assert {line.get_color() for line in ax.lines} == {"red"}


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([[1.0, 2.0]], r"x must have shape \(T, 3\), got \(1, 2\)"),
        ([[1.0, float("nan"), 0.0]], "x must be finite, got 1 NaN"),
    ],
)
def test_bad_arguments(x, expected):
    with pytest.raises(ValueError, match=expected):
        strokes(x)
