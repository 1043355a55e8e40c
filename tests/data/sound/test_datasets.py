"""Data sets of sounds: splits, labels, your own folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.data import sound as sounds
from helpers.data.sound import FORMANTS, vowel
from helpers.data.sound.datasets import SIZES
from tests.data.sound.test_wav import tone, wav


@pytest.mark.parametrize("name", ["vowels", "strings"])
def test_the_made_sets_keep_their_promises(name: str) -> None:
    data, again = sounds.load(name), sounds.load(name)
    for split, size in SIZES[name].items():
        part = getattr(data, split)
        assert len(part) == len(part.x) == len(part.lengths) == len(part.y) == size
        assert part.x.dtype == torch.float32
        assert torch.equal(part.x, getattr(again, split).x)
        assert part.x.abs().max() <= 1
        assert torch.bincount(part.y).tolist() == [size // 5] * 5
        behind = torch.arange(part.x.shape[1]) >= part.lengths[:, None]
        assert (part.x[behind] == 0).all()
        assert part.lengths.max() <= part.x.shape[1]
        assert part.x.square().sum(1).min() > 1
    rows = torch.cat([data.train.x, data.validation.x, data.test.x])
    assert len(rows.unique(dim=0)) == len(rows)  # no sound is in two splits


def test_the_nearest_clean_vowel_is_the_label_for_a_median_voice() -> None:
    """Spectral envelopes by numpy: most sounds are nearest to a template of their own class."""
    data = sounds.load("vowels")

    def envelope(x: torch.Tensor) -> np.ndarray:
        power = np.abs(np.fft.rfft(x.numpy(), 8000)) ** 2
        smooth = np.convolve(power, np.hanning(500), "same")[::50]
        return np.log(smooth / smooth.sum() + 1e-6)

    templates = [envelope(vowel(name, pitch=160.0)) for name in FORMANTS]
    right = [
        int(np.argmin([np.abs(envelope(x) - t).mean() for t in templates])) == y
        for x, y in zip(data.test.x, data.test.y.tolist())
    ]
    assert np.mean(right) > 0.6  # 0.2 by chance; mouths differ in size


def own_sounds(folder: Path) -> None:
    """Nine dogs and eleven cats of different lengths; the cats are louder."""
    for name, size, count in (("dog", 1000, 9), ("cat", 9000, 11)):
        (folder / name).mkdir()
        for i in range(count):
            suffix = "WAV" if i % 2 else "wav"
            (folder / name / f"{i}.{suffix}").write_bytes(wav(tone(300 + i, size)))
    (folder / "notes.txt").write_text("no sound")


def test_a_folder_of_ones_own_is_a_data_set(tmp_path: Path) -> None:
    own_sounds(tmp_path)
    data, again = sounds.load(tmp_path), sounds.load(str(tmp_path))
    assert data.classes == ("cat", "dog")
    parts = [data.train, data.validation, data.test]
    assert [len(part) for part in parts] == [16, 2, 2]
    assert [torch.bincount(part.y).tolist() for part in parts] == [[9, 7], [1, 1], [1, 1]]
    lengths = torch.cat([part.lengths for part in parts]).sort()[0]
    assert lengths.tolist() == sorted([*range(300, 309), *range(300, 311)])
    assert data.train.x.abs().amax(1).tolist() == pytest.approx([0.9] * 16)
    assert torch.equal(data.train.x, again.train.x)
    slow = sounds.load(tmp_path, sample_rate=4000)
    assert slow.sample_rate == 4000
    assert slow.train.x.shape[1] == 155


def test_bad_folders_and_sounds_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"name must be one of vowels, .*, or a folder of WAV"):
        sounds.load("birds")
    with pytest.raises(ValueError, match="must hold at least 3 WAV files of each class"):
        sounds.load(tmp_path)
    own_sounds(tmp_path)
    (tmp_path / "cat" / "3.WAV").write_bytes(wav(0 * tone(50)))
    with pytest.raises(ValueError, match=r"cat/3\.WAV must hold a sound, got silence"):
        sounds.load(tmp_path)
    with pytest.raises(ValueError, match=r"waves and y must hold .*, got 1 and 2"):
        sounds.pack([torch.ones(3)], [0, 1])
