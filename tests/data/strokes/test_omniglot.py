"""An archive of Omniglot's layout, and what happens without it."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from helpers.data import strokes
from helpers.data.download import DownloadError
from helpers.data.strokes import omniglot

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


def test_broken_archives_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="must hold pen strokes, got '1,2': lines are START"):
        omniglot.read_omniglot(archive(tmp_path, "START\n1,2\nBREAK\n"))
    with pytest.raises(ValueError, match="must hold pen strokes, got none"):
        omniglot.read_omniglot(archive(tmp_path, "START\nBREAK\n"))
    for folder, reason in ((tmp_path / "empty", "download=False"), (tmp_path, "not the expected")):
        monkeypatch.setenv("DGM_DATA", str(folder))
        with pytest.raises(DownloadError, match=reason):
            strokes.load("omniglot", download=False)


def test_the_real_archive() -> None:
    folder = Path(os.environ.get("DGM_DATA") or Path.home() / ".cache/deep-generative-models")
    if not (folder / omniglot.FILE).exists():
        pytest.skip(f"{omniglot.FILE} is not in DGM_DATA")
    real = strokes.load("omniglot", download=False)
    assert [len(real.train), len(real.validation), len(real.test)] == [2176, 272, 272]
    assert real.train.x.isfinite().all()
