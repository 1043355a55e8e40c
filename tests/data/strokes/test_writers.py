"""Points along strokes, hands that differ, and words."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from helpers.data.strokes.writers import Writer, made_up_words, resample, to_offsets, write
from tests.statistics import assert_mean_close


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


def test_a_number_of_words_that_there_may_not_be_is_named() -> None:
    for n in (0, 6001):
        with pytest.raises(ValueError, match=rf"n must lie in \[1, 6000\], got {n}"):
            made_up_words(n, np.random.default_rng(0))


def test_hands_differ_within_the_documented_ranges(seed: int) -> None:
    """The same source draws the same hands; one hand in the middle, the others around it."""
    hands = [Writer.draw(np.random.default_rng([seed, i])) for i in range(2000)]
    assert hands[0] == Writer.draw(np.random.default_rng([seed, 0]))
    assert len(set(hands)) == len(hands)
    for name, low, high in [("size", 0.9, 1.1), ("width", 0.85, 1.15), ("gap", 0.25, 0.4)]:
        values = np.array([getattr(hand, name) for hand in hands])
        assert low <= values.min() < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < values.max() <= high
    steps = np.array([hand.step for hand in hands]) / Writer().step
    assert 0.9 <= steps.min() < steps.max() <= 1.1
    slants = torch.tensor([[hand.slant, hand.slope] for hand in hands], dtype=torch.float64)
    assert_mean_close(slants, torch.tensor([0.12, 0.0], dtype=torch.float64))
    assert_mean_close(slants[:, 0].sub(0.12).square(), 0.12**2)
    assert_mean_close(slants[:, 1].square(), 0.03**2)
