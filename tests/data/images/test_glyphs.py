"""The drawn characters: what each factor does to a picture, measured on the picture."""

import math
import time

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.ft2font import FT2Font
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from helpers.data import images
from helpers.data.images import glyphs
from helpers.models import IndependentCategorical

PLAIN = {"weight": 0.0, "slant": 0.0, "width": 1.0, "size": 16.0, "right": 0.0, "down": 0.0}
PIXELS, FINE = ("weight", "size", "right", "down"), 4
SANS = ("Sans", "Sans Bold", "Sans Mono", "Sans Mono Bold")
NUM_FACES = sum(map(len, glyphs.FACES))


@pytest.fixture(scope="module")
def data():
    return images.load("glyphs")


def splits(data):
    return data.train, data.validation, data.test


def column(split, name):
    return split.factors[:, glyphs.FACTORS.index(name)].double()


def draw(**factors):
    """Coverages (540, 28, 28) of all faces and characters, other factors in the plain state."""
    numbers = (PLAIN | factors).values()
    table = [[c, f, *numbers] for f in range(NUM_FACES) for c in range(36)]
    return glyphs._rasterise(np.array(table))[:, 0] / 255


@pytest.fixture
def finely(monkeypatch):
    """The same with a third of the characters on a canvas of four times as many pixels."""
    monkeypatch.setattr(glyphs, "SIDE", FINE * 28)

    def draw(**factors):
        numbers = {k: v * (FINE if k in PIXELS else 1) for k, v in (PLAIN | factors).items()}
        table = [[c, f, *numbers.values()] for f in range(NUM_FACES) for c in range(0, 36, 3)]
        return glyphs._rasterise(np.array(table))[:, 0] / 255

    return draw


def moments(x):
    """Ink, mean column and row, and their variances and covariance, in pixels of a picture."""
    row, column = np.mgrid[: x.shape[1], : x.shape[2]] * 28 / x.shape[1]
    ink = x.sum((1, 2))
    means = [(x * a).sum((1, 2)) / ink for a in (column, row)]
    (dx, dy) = (a - m[:, None, None] for a, m in zip((column, row), means))
    seconds = [(x * a).sum((1, 2)) / ink for a in (dx * dx, dy * dy, dx * dy)]
    return ink, *means, *seconds


def test_glyphs_keep_the_contract_of_image_sets(data):
    assert (data.name, data.num_levels) == ("glyphs", 256)
    assert data.classes == tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    for split, n in zip(splits(data), (10_000, 2_000, 2_000), strict=True):
        assert split.x.shape == split.levels.shape == (n, 1, 28, 28)
        assert split.factors.shape == (n, len(data.factors))
        assert (split.x.dtype, split.y.dtype) == (torch.float32, torch.int64)
        assert (split.x.min(), split.x.max()) == (0, 1)
        assert torch.equal(split.x, split.levels.float() / 255)
        assert split.y.unique().tolist() == list(range(36))
        assert torch.equal(column(split, "character").long(), split.y)
    assert images.load("digits").factors == ()
    assert images.load("digits").train.factors is None


def test_no_two_splits_share_a_face_or_a_family(data):
    seen = [set(column(split, "face").long().tolist()) for split in splits(data)]
    assert set.union(*seen) == set(range(NUM_FACES))
    assert sum(map(len, seen)) == NUM_FACES
    families = [{face.name.removesuffix(" Bold") for face in own} for own in glyphs.FACES]
    assert sum(map(len, families)) == len(set.union(*families))
    fonts = [(face.file, face.letter) for own in glyphs.FACES for face in own]
    assert len(fonts) == len(set(fonts))


def test_each_split_has_bold_and_regular_faces_with_and_without_serifs():
    """Serifs make the feet of an H broader than its legs, and its legs are broader in bold."""
    x = draw()[10 + 7 :: 36]
    foot, leg = x[:, 21].sum(1), x[:, 18].sum(1)
    kinds = [
        (f.name.endswith("Bold"), not f.name.endswith(SANS)) for own in glyphs.FACES for f in own
    ]
    assert [(broad, serif) for broad, serif in zip(leg > 5.5, foot > 1.3 * leg)] == kinds
    for own in glyphs.FACES:
        found = [kinds.pop(0) for _ in own]
        assert all({kind[i] for kind in found} == {True, False} for i in (0, 1))


def test_the_faces_draw_characters_that_differ():
    """A file without a character would draw the same empty box for all of them."""
    x = draw().reshape(NUM_FACES, 36, -1)
    for face in x:
        assert np.linalg.norm(face[:, None] - face, axis=2)[~np.eye(36, dtype=bool)].min() > 1
    for own in (x[:, 10], x[:, 2]):  # two faces never have one "A", nor one "2"
        assert np.linalg.norm(own[:, None] - own, axis=2)[~np.eye(NUM_FACES, dtype=bool)].min() > 1
    for face in {face for own in glyphs.FACES for face in own}:
        font = FT2Font(f"{mpl.get_data_path()}/fonts/ttf/{face.file}.ttf")
        codes = {ord(face.letter) + i for i in range(26)} | {ord(face.digit) + i for i in range(10)}
        assert codes <= font.get_charmap().keys()


def test_factors_are_drawn_evenly_and_independently(data):
    for split in splits(data):
        numbers = split.factors[:, 2:].double()
        low, high = torch.tensor(list(glyphs.RANGES.values()), dtype=torch.float64).T
        unit = (numbers - low) / (high - low)
        assert unit.min() >= 0
        assert unit.max() <= 1
        assert (unit.mean(0) - 0.5).abs().max() < 5 * math.sqrt(1 / 12 / len(split))
        correlation = torch.corrcoef(split.factors.T.double()).fill_diagonal_(0)
        assert correlation.abs().max() < 5 / math.sqrt(len(split))
        for name in ("character", "face"):
            counts = column(split, name).long().bincount()
            counts = counts[counts > 0].double()
            p = 1 / len(counts)
            error = math.sqrt(p * (1 - p) * len(split))
            assert (counts - p * len(split)).abs().max() < 5 * error


def test_nothing_is_cut_off():
    low, high = zip(*glyphs.RANGES.values())
    extremes = dict(zip(glyphs.RANGES, high))
    for signs in np.ndindex(2, 2, 2):
        ends = {
            n: (low, high)[s][i] for n, s, i in zip(("slant", "right", "down"), signs, (1, 4, 5))
        }
        x = draw(**(extremes | ends))
        border = np.concatenate([x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]], 1)
        assert border.max() < 0.9
        ink = draw(**(extremes | ends | {"right": 0.0, "down": 0.0})).sum((1, 2))
        np.testing.assert_allclose(x.sum((1, 2)), ink, rtol=5e-3)


@pytest.mark.parametrize(("right", "down"), [(2.0, 0.0), (0.0, 2.0), (-1.3, 0.6)])
def test_place_moves_the_centre_of_mass_by_so_many_pixels(finely, right, down):
    (_, x0, y0, *_), (_, x1, y1, *_) = moments(finely()), moments(finely(right=right, down=down))
    np.testing.assert_allclose(x1 - x0, right, atol=0.01)
    np.testing.assert_allclose(y1 - y0, down, atol=0.01)


@pytest.mark.parametrize("slant", [-12.0, 7.0])
def test_slant_shears_to_the_right(finely, slant):
    """Columns move by −tan times the row, counted from above, and so does the covariance."""
    (ink, *_, xx, yy, xy), (ink1, *_, xx1, yy1, xy1) = (
        moments(finely()),
        moments(finely(slant=slant)),
    )
    tangent = math.tan(math.radians(slant))
    np.testing.assert_allclose(xy1, xy - tangent * yy, atol=0.15)
    np.testing.assert_allclose(xx1, xx - 2 * tangent * xy + tangent**2 * yy, atol=0.15)
    np.testing.assert_allclose(yy1, yy, rtol=0.01)
    np.testing.assert_allclose(ink1, ink, rtol=0.01)


def test_width_stretches_along_the_row_alone(finely):
    (ink, *_, xx, yy, _), (ink1, *_, xx1, yy1, _) = moments(finely()), moments(finely(width=0.75))
    np.testing.assert_allclose(xx1, 0.75**2 * xx, atol=0.03)
    np.testing.assert_allclose(yy1, yy, rtol=0.01)
    np.testing.assert_allclose(ink1, 0.75 * ink, rtol=0.01)


@pytest.mark.parametrize("size", [12.0, 17.0])
def test_size_is_the_height_in_pixels(finely, size):
    x = finely(size=size)
    inked = (x.max(2) > 0.02).sum(1) / FINE
    assert abs(inked - size).max() <= 2 / FINE
    (ink, *_, xx, yy, _), (ink1, *_, xx1, yy1, _) = moments(finely(size=14.0)), moments(x)
    np.testing.assert_allclose(ink1, (size / 14) ** 2 * ink, rtol=0.01)
    np.testing.assert_allclose(xx1, (size / 14) ** 2 * xx, rtol=0.01, atol=0.02)
    np.testing.assert_allclose(yy1, (size / 14) ** 2 * yy, rtol=0.01)


def test_weight_adds_half_a_pen_on_each_side():
    """A bar without serifs is broader by the pen."""
    x, bold = (draw(weight=w)[18] for w in (0.0, 1.0))  # the I of DejaVu Sans
    assert bold[14].sum() - x[14].sum() == pytest.approx(1, abs=0.1)
    inks = [draw(weight=w).sum((1, 2)) for w in (0.0, 0.3, 0.6, 1.0)]
    assert (np.diff(inks, axis=0) > 0).all()


def test_middles_and_narrow_characters():
    """Each character stands in the middle and none is wider than high."""
    x = draw(size=16.0)
    for profile in (x.max(1), x.max(2)):  # along the columns, along the rows
        first, last = (profile > 0).argmax(1), 27 - (profile[:, ::-1] > 0).argmax(1)
        assert (abs(first + last - 27) <= 1).all()
        assert (last - first + 1 <= 18).all()


def test_each_load_draws_the_same_whatever_the_settings(data):
    before = torch.get_rng_state()
    changed = {"path.simplify": False, "path.snap": True, "text.hinting": "default", "font.size": 3}
    with mpl.rc_context(changed | {"figure.dpi": 50, "font.family": "serif"}):
        glyphs._outline.cache_clear()
        again = images.load("glyphs")
    glyphs._outline.cache_clear()
    assert torch.equal(torch.get_rng_state(), before)
    for split, other in zip(splits(data), splits(again)):
        assert torch.equal(split.x, other.x)
        assert torch.equal(split.factors, other.factors)
        assert split.x.data_ptr() != other.x.data_ptr()


def test_the_pictures_are_the_published_ones(data):
    """Rounding of a coordinate may differ by processor, so means are compared, not bytes."""
    assert [round(split.x.mean().item(), 4) for split in splits(data)] == pytest.approx(
        [0.1006, 0.1070, 0.1019], abs=2e-4
    )
    assert data.train.y[:8].tolist() == [8, 27, 29, 24, 7, 15, 7, 19]


def test_the_scores_to_compare_with(data):
    def nearest(train, classes, x, y):
        one = KNeighborsClassifier(1, algorithm="brute").fit(
            train.flatten(1).numpy(), classes.numpy()
        )
        return one.score(x.flatten(1).numpy(), y.numpy())

    train, test = data.train, data.test
    assert nearest(train.x, train.y, test.x, test.y) == pytest.approx(0.794, abs=0.005)
    own = nearest(train.x[:8000], train.y[:8000], train.x[8000:], train.y[8000:])
    assert own == pytest.approx(0.840, abs=0.005)
    model = IndependentCategorical((1, 28, 28), 256).fit(train.levels)
    nats = -model.log_prob(test.levels).double().mean().item()
    assert nats == pytest.approx(761, abs=1)


@pytest.mark.slow
def test_logistic_regression_to_compare_with(data):
    model = LogisticRegression(C=1.0, max_iter=300)  # C chosen on validation from 0.01, 0.1, 1
    model.fit(data.train.x.flatten(1).numpy(), data.train.y.numpy())
    score = model.score(data.test.x.flatten(1).numpy(), data.test.y.numpy())
    assert score == pytest.approx(0.727, abs=0.01)


def test_drawing_is_fast():
    images.load("glyphs")
    start = time.process_time()
    images.load("glyphs")
    assert time.process_time() - start < 10
