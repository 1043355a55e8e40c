import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from helpers.plotting import PALETTE, density_2d, samples_2d


def picture(ax) -> np.ndarray:
    (image,) = ax.images
    return np.asarray(image.get_array())


def log_prob(x):
    """High at the lower right corner of the unit square."""
    return x[:, 0] - 2 * x[:, 1]


def test_density_is_drawn_the_right_way_up(device):
    ax = density_2d(log_prob, limits=(0, 1, 0, 1), resolution=70, device=device)
    drawn = picture(ax)
    middle = (np.arange(70) + 0.5) / 70
    expected = np.exp(middle[None, :] - 2 * middle[:, None])
    assert np.allclose(drawn, expected / expected.max())
    assert ax.images[0].origin == "lower"
    assert tuple(ax.images[0].get_extent()) == (0, 1, 0, 1)
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 1), (0, 1))


def test_grid_and_function_agree():
    limits = (-1.0, 2.0, 0.0, 4.0)
    xs = -1 + 3 * (np.arange(9) + 0.5) / 9
    ys = 4 * (np.arange(9) + 0.5) / 9
    grid = xs[None, :] - 2 * ys[:, None]
    from_grid = picture(density_2d(grid, limits=limits))
    assert np.allclose(from_grid, picture(density_2d(log_prob, limits=limits, resolution=9)))


def test_zero_density_is_white_and_samples_keep_the_limits():
    def half(x):
        return torch.where(x[:, 0] > 0, 0.0, -math.inf)

    ax = density_2d(half, limits=(-1, 1, -1, 1), resolution=10)
    assert set(picture(ax)[0].tolist()) == {0.0, 1.0}
    samples_2d(torch.tensor([[50.0, 0.0]]), ax=ax)
    assert ax.get_xlim() == (-1, 1)
    assert (picture(density_2d(torch.full((3, 3), -math.inf))) == 0).all()


def test_density_draws_no_gradient():
    weight = torch.tensor(2.0, requires_grad=True)
    seen = []

    def model(x):
        seen.append(weight * x[:, 0])
        return seen[-1]

    density_2d(model, resolution=5)
    assert not seen[0].requires_grad


def test_samples_are_coloured_by_class_and_named_at_the_median():
    x = torch.tensor([[0.0, 0.0], [1.0, 0.0], [5.0, 2.0], [5.0, 4.0], [9.0, 0.0]])
    labels = torch.tensor([0, 0, 1, 1, 0])
    ax = samples_2d(x, labels=labels, names=["moon", "sun"], title="Map")
    assert len(ax.collections) == 2
    for points, k in zip(ax.collections, (0, 1)):
        assert np.allclose(points.get_offsets(), x[labels == k])
        assert np.allclose(points.get_facecolor()[0, :3], plt.matplotlib.colors.to_rgb(PALETTE[k]))
    assert [(text.get_text(), tuple(text.xy)) for text in ax.texts] == [
        ("moon", (1.0, 0.0)),
        ("sun", (5.0, 3.0)),
    ]
    assert ax.get_aspect() == 1


def test_samples_without_labels_and_of_many_classes(seed):
    x = torch.randn(40, 2)
    assert len(samples_2d(x).collections) == 1
    ax = samples_2d(x, labels=torch.arange(40) % 10)
    colours = {tuple(points.get_facecolor()[0]) for points in ax.collections}
    assert len(colours) == 10
    assert [text.get_text() for text in ax.texts] == [str(k) for k in range(10)]


@pytest.mark.parametrize(
    ("density", "options", "expected"),
    [
        (log_prob, {"limits": (1, 0, 0, 1)}, r"limits must be \(left, right, bottom, top\)"),
        (log_prob, {"resolution": 1}, "resolution must be an integer of at least 2, got 1"),
        (lambda x: x, {"resolution": 5}, r"density must return one value .* got \(25, 2\) for 25"),
        (lambda x: x[:, 0] * math.nan, {}, "density must be finite, got 40000 NaN"),
        (torch.zeros(5), {}, r"density must be a function or have shape \(R, S\), got \(5,\)"),
    ],
)
def test_bad_densities(density, options, expected):
    with pytest.raises(ValueError, match=expected):
        density_2d(density, **options)


@pytest.mark.parametrize(
    ("x", "options", "expected"),
    [
        (torch.zeros(4, 3), {}, r"x must have shape \(N, 2\) with N of at least 1, got \(4, 3\)"),
        (torch.zeros(0, 2), {}, r"N of at least 1, got \(0, 2\)"),
        (torch.full((1, 2), torch.inf), {}, "x must be finite, got 0 NaN and 2 infinite"),
        (torch.zeros(4, 2), {"labels": [0, 1]}, r"labels must have shape \(4,\), got \(2,\)"),
        (torch.zeros(2, 2), {"labels": [0.5, 1]}, "labels must be integers, got fractions"),
        (
            torch.zeros(2, 2),
            {"labels": [0, 2], "names": ["a", "b"]},
            "labels must lie in 0 to 1, one for each name, got classes 0 to 2",
        ),
        (torch.zeros(2, 2), {"size": 0}, "size must be a positive number, got 0"),
    ],
)
def test_bad_samples(x, options, expected):
    with pytest.raises(ValueError, match=expected):
        samples_2d(x, **options)
