"""Pens, writers, fonts and archives: geometry, splits, round trips, errors."""

from __future__ import annotations

import itertools
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.data import strokes
from helpers.data.download import DownloadError
from helpers.data.strokes import glyphs, omniglot
from helpers.data.strokes.writers import Writer, made_up_words, resample, to_offsets, write
from helpers.random import seeded


@pytest.fixture(scope="module")
def data() -> strokes.StrokeSplits:
    return strokes.load("glyphs")


def test_splits_share_no_word_and_are_the_same_at_each_call(data: strokes.StrokeSplits) -> None:
    parts = [data.train, data.validation, data.test]
    assert [len(part) for part in parts] == [4000, 400, 400]
    words = [word for part in parts for word in part.texts]
    assert len(set(words)) == len(words)
    again = strokes.load("glyphs").test
    assert torch.equal(again.x, data.test.x)
    assert again.texts == data.test.texts


def test_every_sequence_ends_with_a_lift_and_zeros(data: strokes.StrokeSplits) -> None:
    x, lengths = data.test.x, data.test.lengths
    rows = torch.arange(len(x))
    assert (x[rows, lengths - 1, 2] == 1).all()
    behind = torch.arange(x.shape[1]) >= lengths[:, None]
    assert (x[behind] == 0).all()
    assert x.dtype == torch.float32
    assert set(x[..., 2].unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("font", ["upright", "italic"])
def test_every_letter_is_drawn_inside_its_ink(font: str) -> None:
    """The filled outline: nearly all points of the middle line lie in the letter's ink."""
    for letter in glyphs.LETTERS:
        ink = glyphs.fill(letter, font)
        lines = glyphs.thin(ink)
        assert not (lines & ~ink).any()
        drawn = {pixel for stroke in glyphs.trace(lines) for pixel in stroke}
        assert len(drawn) > 0.9 * lines.sum(), letter
        assert 0.8 < max(stroke[:, 1].max() for stroke in glyphs.glyph(letter, font)) < 1.8


def test_thinning_keeps_the_holes_and_pieces_of_a_letter() -> None:
    """Counts by scipy's labelling: connected pieces of ink, and of the paper around it."""
    from scipy.ndimage import label

    for letter in "abcdehijkopqs":
        ink = glyphs.fill(letter)
        for image in (glyphs.thin(ink),):
            assert label(image, np.ones((3, 3)))[1] == label(ink, np.ones((3, 3)))[1]
            assert label(~image)[1] == label(~ink)[1]


def test_a_pen_that_can_go_straight_does() -> None:
    cross = np.zeros((21, 21), dtype=bool)
    cross[10, :] = cross[:, 10] = True
    drawn = glyphs.trace(cross)
    assert sorted(len(stroke) for stroke in drawn) == [21, 21]


def test_points_are_at_equal_distances_and_ends_are_kept() -> None:
    angle = np.linspace(0, np.pi, 400)
    arc = np.stack([np.cos(angle), np.sin(angle)], 1)
    points = resample(arc, 0.2)
    gaps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert gaps.std() < 1e-3
    assert gaps.mean() == pytest.approx(0.2, rel=0.05)
    assert np.allclose(points[[0, -1]], arc[[0, -1]])


def test_offsets_add_up_to_the_points() -> None:
    parts = [np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[0.0, 1.0], [7.0, 1.0], [2.0, 2.0]])]
    x = to_offsets(parts)
    assert np.allclose(np.cumsum(x[:, :2], 0), np.concatenate(parts))
    assert x[:, 2].tolist() == [0, 1, 0, 0, 1]


def test_a_slant_shears_and_a_size_scales() -> None:
    plain = np.cumsum(write("l")[:, :2], 0)
    leaning = np.cumsum(write("l", Writer(slant=0.5, size=2.0, step=0.44))[:, :2], 0)
    expected = 2 * np.stack([plain[:, 0] + 0.5 * plain[:, 1], plain[:, 1]], 1)
    assert np.allclose(leaning[[0, -1]], expected[[0, -1]])


def test_words_alternate_and_differ() -> None:
    words = made_up_words(500, np.random.default_rng(1))
    assert len(set(words)) == 500
    for word in words:
        vowels = [letter in "aeiou" for letter in word]
        assert all(a != b for a, b in itertools.pairwise(vowels))
        assert 3 <= len(word) <= 5


def test_buckets_visit_every_sequence_once_without_waste(
    data: strokes.StrokeSplits, seed: int
) -> None:
    rows = torch.arange(400)
    batches = strokes.Buckets(data.test, rows, batch_size=32, rng=seeded(seed))
    seen, padding = [], 0
    for x, lengths, row in batches:
        assert x.shape[1] == lengths.max()
        assert torch.equal(x, data.test.x[row, : x.shape[1]])
        seen += row.tolist()
        padding += x.shape[1] * len(x) - int(lengths.sum())
    assert sorted(seen) == list(range(400))
    assert len(batches) == 13
    assert padding < 0.2 * data.test.lengths.sum()


DRAWING = "START\n10.5,-21.0,0\n21.0,-21.0,5\nBREAK\n42.0,-84.0,9\n42.0,-63.0,12\nBREAK\n"


def archive(folder: Path, content: str = DRAWING, drawers: tuple[int, ...] = (1, 17, 20)) -> Path:
    path = folder / omniglot.FILE
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("strokes_background_small1/.DS_Store", "x")
        made.writestr("__MACOSX/strokes_background_small1/Greek/character02/._1_01.txt", "x")
        for drawer in drawers:
            made.writestr(f"strokes_background_small1/Greek/character02/1_{drawer:02}.txt", content)
    return path


def test_an_archive_of_omniglots_layout_is_read(tmp_path: Path) -> None:
    parts = omniglot.read_omniglot(archive(tmp_path))
    assert [len(parts[s][0]) for s in ("train", "validation", "test")] == [1, 1, 1]
    (x,), (name,) = parts["test"]
    assert name == "Greek/character02"
    points = np.cumsum(x[:, :2], 0)
    assert np.allclose(points[0], [0.1, 0.8])
    lift = int(x[:, 2].argmax())
    assert np.allclose(points[[lift, lift + 1, -1]], [[0.2, 0.8], [0.4, 0.2], [0.4, 0.4]])


def test_broken_archives_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must hold pen strokes, got '1,2': lines are START"):
        omniglot.read_omniglot(archive(tmp_path, "START\n1,2\nBREAK\n"))
    with pytest.raises(ValueError, match="must hold pen strokes, got none"):
        omniglot.read_omniglot(archive(tmp_path, "START\nBREAK\n"))
    with pytest.raises(DownloadError, match="download=False"):
        strokes.load("omniglot", folder=tmp_path / "empty", download=False)
    with pytest.raises(DownloadError, match="not the expected one"):
        strokes.load("omniglot", folder=tmp_path, download=False)


def test_the_real_archive() -> None:
    folder = Path(os.environ.get("DGM_DATA") or Path.home() / ".cache/deep-generative-models")
    if not (folder / omniglot.FILE).exists():
        pytest.skip(f"{omniglot.FILE} is not in DGM_DATA")
    real = strokes.load("omniglot", download=False)
    assert [len(real.train), len(real.validation), len(real.test)] == [2176, 272, 272]
    assert real.train.x.isfinite().all()


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="name must be one of 'glyphs', 'omniglot', got 'glyph'"):
        strokes.load("glyph")
    with pytest.raises(ValueError, match="text must use the letters 'abc' only, got 'z'"):
        strokes.encode(["az"], "abc")
    with pytest.raises(ValueError, match="text must have at least one letter, got an empty text"):
        strokes.encode(["a", ""], "abc")
    with pytest.raises(ValueError, match="texts must hold at least one text, got none"):
        strokes.encode([], "abc")
    with pytest.raises(ValueError, match="text must have at least one letter, got an empty text"):
        write("")
    with pytest.raises(ValueError, match="letter must be one of a … z, got '!'"):
        write("a!")
    with pytest.raises(ValueError, match="font must be one of 'upright', 'italic', got 'bold'"):
        glyphs.glyph("a", "bold")
    with pytest.raises(ValueError, match=r"sequences\[0\] must be finite, got NaN"):
        strokes.pack([np.full((2, 3), np.nan)], ["a"])
    with pytest.raises(
        ValueError, match=r"sequences\[1\] must have shape \(T, 3\) .* got \(2, 2\)"
    ):
        strokes.pack([np.zeros((2, 3)), np.zeros((2, 2))], ["a", "b"])
    with pytest.raises(ValueError, match="sequences must hold at least one sequence, got none"):
        strokes.pack([], [])
    with pytest.raises(ValueError, match="texts must hold 1 texts, got 2"):
        strokes.pack([np.zeros((2, 3))], ["a", "b"])
    one = strokes.pack([np.zeros((2, 3))], ["a"])
    with pytest.raises(ValueError, match=r"tensors\[0\] must have 1 rows, got 2 rows"):
        strokes.Buckets(one, torch.zeros(2), batch_size=1)
    with pytest.raises(ValueError, match="longest must be an integer of at least 3, got 2"):
        made_up_words(1, np.random.default_rng(0), longest=2)
    with pytest.raises(ValueError, match="n must be at most 2000 for each length"):
        made_up_words(6001, np.random.default_rng(0))
