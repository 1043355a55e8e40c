"""Single pictures against their pixels; whole folders are tested in `test_datasets`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.data.images.pictures import read_pictures


def test_what_is_transparent_is_white_and_a_phones_picture_stands_upright(tmp_path: Path) -> None:
    ink = np.zeros((4, 4, 4), np.uint8)  # black throughout, opaque in the first column
    ink[:, 0, 3] = 255
    Image.fromarray(ink).save(tmp_path / "a.png")
    exif = Image.Exif()
    exif[274] = 3  # upside down
    grey = np.repeat(np.arange(0, 240, 60, dtype=np.uint8)[:, None], 4, 1)
    Image.fromarray(grey).save(tmp_path / "b.jpg", exif=exif, quality=100)
    Image.fromarray(grey).save(tmp_path / "c.png")
    levels, _, _ = read_pictures(tmp_path, 4, False)
    assert levels[0, 0].tolist() == [[0, 255, 255, 255]] * 4
    assert abs(levels[1, 0].astype(int) - grey[::-1]).max() < 8  # of the compression
    assert (levels[2, 0] == grey).all()


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"hold pictures \(.jpeg, .jpg, .png\), got none"):
        read_pictures(tmp_path, 8, True)
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    for broken in (b"not a picture", whole[: len(whole) // 2]):
        (tmp_path / "a.png").write_bytes(broken)
        with pytest.raises(ValueError, match=r"a\.png must be a PNG or JPEG file, got"):
            read_pictures(tmp_path, 8, True)
