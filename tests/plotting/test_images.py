import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from helpers.plotting import image_grid
from helpers.plotting.images import GAP


def sheet(ax) -> np.ndarray:
    (image,) = ax.images
    return np.asarray(image.get_array())


def tile(ax, row, column, height, width, scale):
    y, x = row * (height * scale + GAP) + GAP, column * (width * scale + GAP) + GAP
    return sheet(ax)[y : y + height * scale, x : x + width * scale][::scale, ::scale]


@pytest.mark.parametrize("shape", [(5, 6, 4), (5, 1, 6, 4)])
def test_grey_images_lie_row_by_row(shape, device):
    x = torch.rand(shape, device=device)
    ax = image_grid(x, columns=3)
    scale = 7  # 28 / 4
    assert sheet(ax).shape == (2 * (6 * scale + GAP) + GAP, 3 * (4 * scale + GAP) + GAP, 3)
    for i, image in enumerate(x.cpu().reshape(5, 6, 4).numpy()):
        drawn = tile(ax, i // 3, i % 3, 6, 4, scale)
        assert np.allclose(drawn, 1 - image[..., None])  # ink
    assert (tile(ax, 1, 2, 6, 4, scale) == 1).all()  # the sixth place is white


def test_colour_images_keep_their_channels():
    x = np.random.default_rng(0).random((2, 3, 28, 30))
    ax = image_grid(x, columns=2)
    assert np.allclose(tile(ax, 0, 1, 28, 30, 1), x[1].transpose(1, 2, 0))


def test_values_are_clipped_and_ink_is_dark():
    x = torch.tensor([-3.0, 0.0, 0.5, 1.0, 9.0]).reshape(1, 1, 5)
    drawn = tile(image_grid(x), 0, 0, 1, 5, 28)[0, :, 0]
    assert np.allclose(drawn, [1, 1, 0.5, 0, 0])


@pytest.mark.parametrize(("n", "columns", "expected"), [(1, None, 1), (9, None, 3), (10, None, 4)])
def test_default_grid_is_about_square(n, columns, expected):
    ax = image_grid(torch.zeros(n, 28, 28), columns=columns)
    assert sheet(ax).shape[1] == expected * (28 + GAP) + GAP


def test_more_columns_than_images():
    assert sheet(image_grid(torch.zeros(2, 28, 28), columns=9)).shape[1] == 2 * (28 + GAP) + GAP


def test_labels_stand_at_the_middles():
    ax = image_grid(
        torch.zeros(4, 28, 28),
        columns=2,
        title="Digits",
        row_labels=["data", "model"],
        column_labels=["a", "b"],
    )
    assert [text.get_text() for text in ax.get_yticklabels()] == ["data", "model"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["a", "b"]
    assert ax.get_yticks() == pytest.approx([GAP + 13.5, 2 * GAP + 28 + 13.5], abs=1)
    assert ax.get_title(loc="left") == "Digits"


def test_draws_on_given_axes():
    _, (left, right) = plt.subplots(1, 2)
    assert image_grid(torch.zeros(3, 8, 8), ax=right) is right
    assert not left.images


def test_the_images_are_not_changed():
    x = torch.rand(2, 8, 8, requires_grad=True)
    kept = x.detach().clone()
    image_grid(x)
    assert torch.equal(x, kept)


@pytest.mark.parametrize(
    ("images", "options", "expected"),
    [
        (torch.zeros(8, 8), {}, r"images must have shape \(N, H, W\).* got \(8, 8\)"),
        (torch.zeros(0, 1, 8, 8), {}, "images must hold at least one example"),
        (torch.full((1, 8, 8), torch.nan), {}, "images must be finite, got 64 NaN"),
        (torch.zeros(4, 8, 8), {"columns": -1}, "columns must be an integer of at least 1, got -1"),
        (torch.zeros(4, 8, 8), {"row_labels": ["a"]}, "number of labels"),
    ],
)
def test_bad_input(images, options, expected):
    with pytest.raises(ValueError, match=expected):
        image_grid(images, **options)
