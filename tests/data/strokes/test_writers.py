"""Points along strokes, hands that differ, and words."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from helpers.data.strokes.writers import Writer, made_up_words, resample, to_offsets, write


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
