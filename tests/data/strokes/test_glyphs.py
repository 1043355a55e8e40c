"""Letters from a font: thinning keeps their shape, tracing draws it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from helpers.data.strokes import glyphs


def test_every_letter_is_drawn_inside_its_ink() -> None:
    """The filled outline: nearly all points of the middle line lie in the letter's ink."""
    for letter in glyphs.LETTERS:
        ink = glyphs.fill(letter)
        lines = glyphs.thin(ink)
        assert not (lines & ~ink).any()
        drawn = {pixel for stroke in glyphs.trace(lines) for pixel in stroke}
        assert len(drawn) > 0.9 * lines.sum(), letter
        assert 0.8 < max(stroke[:, 1].max() for stroke in glyphs.glyph(letter)) < 1.8


def test_thinning_keeps_the_holes_and_pieces_of_a_letter() -> None:
    """Counts by scipy's labelling: connected pieces of ink, and of the paper around it."""
    for letter in "abcdehijkopqs":
        ink = glyphs.fill(letter)
        lines = glyphs.thin(ink)
        assert label(lines, np.ones((3, 3)))[1] == label(ink, np.ones((3, 3)))[1]
        assert label(~lines)[1] == label(~ink)[1]


def test_a_pen_that_can_go_straight_does() -> None:
    cross = np.zeros((21, 21), dtype=bool)
    cross[10, :] = cross[:, 10] = True
    drawn = glyphs.trace(cross)
    assert sorted(len(stroke) for stroke in drawn) == [21, 21]


def test_unknown_letters_are_named() -> None:
    with pytest.raises(ValueError, match=r"letter must be one of .* got '!'"):
        glyphs.glyph("!")
