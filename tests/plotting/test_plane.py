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


def test_density_is_drawn_the_right_way_up():
    ax = density_2d(log_prob, limits=(0, 1, 0, 1), resolution=70)
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
    ax = samples_2d(x, labels=labels, title="Map")
    assert len(ax.collections) == 2
    for points, k in zip(ax.collections, (0, 1)):
        assert np.allclose(points.get_offsets(), x[labels == k])
        assert np.allclose(points.get_facecolor()[0, :3], plt.matplotlib.colors.to_rgb(PALETTE[k]))
    assert [(text.get_text(), tuple(text.xy)) for text in ax.texts] == [
        ("0", (1.0, 0.0)),
        ("1", (5.0, 3.0)),
    ]
    assert ax.get_aspect() == 1


def test_samples_without_labels_and_of_many_classes(seed):
    x = torch.randn(40, 2)
    assert len(samples_2d(x).collections) == 1
    ax = samples_2d(x, labels=torch.arange(40) % 10)
    colours = {tuple(points.get_facecolor()[0]) for points in ax.collections}
    assert len(colours) == 10
    assert [text.get_text() for text in ax.texts] == [str(k) for k in range(10)]


def test_draws_on_given_axes_with_its_axes_named():
    for draw in (
        lambda ax: density_2d(log_prob, ax=ax),
        lambda ax: samples_2d([[5.0, 9.0]], ax=ax),
    ):
        _, ax = plt.subplots()
        before = plt.get_fignums()
        assert draw(ax) is ax
        assert plt.get_fignums() == before
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x_1$", "$x_2$")
        assert ax.get_aspect() == 1
        assert not any(line.get_visible() for line in ax.get_xgridlines())


def test_the_default_plane_is_three_units_to_each_side():
    """Where a standard normal has nearly all its mass; pixels are 0.03 wide."""
    ax = density_2d(lambda x: -x.square().sum(1) / 2)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-3, 3), (-3, 3))
    assert picture(ax).shape == (200, 200)


def test_points_grow_smaller_as_they_grow_more():
    def area(n, **options):
        (size,) = samples_2d(torch.zeros(n, 2), **options).collections[0].get_sizes()
        return size

    assert area(10) > area(1000) > area(100_000) > 0
    assert area(10) == area(20)  # no point is huge
    assert area(1000, size=7.0) == 7


def test_samples_of_all_classes_are_inside(seed):
    x = 10 * torch.randn(50, 2) + 100
    ax = samples_2d(x, labels=torch.arange(50) % 3)
    for values, (low, high) in zip(x.T, (ax.get_xlim(), ax.get_ylim())):
        assert low <= values.min()
        assert values.max() <= high


def test_bad_input():
    with pytest.raises(
        ValueError, match=r"density's values must have shape \(25,\), got \(25, 2\)"
    ):
        density_2d(lambda x: x, resolution=5)
    with pytest.raises(ValueError, match="density must be finite, got 40000 NaN"):
        density_2d(lambda x: x[:, 0] * math.nan)
    with pytest.raises(ValueError, match=r"x must have shape \(N, 2\), got \(4, 3\)"):
        samples_2d(torch.zeros(4, 3))
    with pytest.raises(ValueError, match="x must be finite, got 0 NaN and 2 infinite"):
        samples_2d(torch.full((1, 2), torch.inf))
