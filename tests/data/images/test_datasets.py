import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.data import images
from helpers.data.download import DownloadError
from helpers.data.images import datasets
from helpers.random import seeded
from tests.statistics import assert_mean_close


@pytest.fixture(scope="module")
def digits():
    return images.load("digits")


@pytest.fixture(scope="module")
def mnist():
    folder = os.environ.get("DGM_DATA") or Path("~/.cache/deep-generative-models").expanduser()
    if not (Path(folder) / "mnist.npz").exists():
        pytest.skip(f"mnist.npz is not in {folder}; set DGM_DATA to the folder that has it")
    return images.load("mnist")


def check_contract(data, sizes, shape):
    assert [len(split) for split in (data.train, data.validation, data.test)] == list(sizes)
    for split in (data.train, data.validation, data.test):
        n = len(split)
        assert split.x.shape == (n, 1, *shape)
        assert split.levels.shape == (n, 1, *shape)
        assert split.y.shape == (n,)
        assert (split.x.dtype, split.y.dtype, split.levels.dtype) == (
            torch.float32,
            torch.int64,
            torch.int64,
        )
        assert split.num_levels == data.num_levels
        assert split.levels.min() == 0
        assert split.levels.max() == data.num_levels - 1
        assert torch.equal(split.x, split.levels.float() / (data.num_levels - 1))
        assert split.y.unique().tolist() == list(range(10))
    assert data.classes == tuple("0123456789")


def test_digits_follow_the_published_protocol(digits):
    from sklearn.datasets import load_digits

    check_contract(digits, (1000, 350, 447), (8, 8))
    assert (digits.name, digits.num_levels) == ("digits", 17)
    bunch = load_digits()
    splits = (digits.train, digits.validation, digits.test)
    levels = torch.cat([split.levels for split in splits])
    assert np.array_equal(levels[:, 0].numpy(), bunch.images)
    assert np.array_equal(torch.cat([split.y for split in splits]).numpy(), bunch.target)


def test_each_load_gives_fresh_tensors(digits):
    again = images.load("digits")
    again.train.x.zero_()
    assert images.load("digits").train.x.max() == 1
    assert digits.train.x.max() == 1


def test_splits_share_no_memory(digits):
    starts = {
        split.x.untyped_storage().data_ptr()
        for split in (digits.train, digits.validation, digits.test)
    }
    assert len(starts) == 3


def test_levels_are_computed_once(digits):
    assert digits.train.levels is digits.train.levels


@pytest.mark.parametrize("num_levels", [2, 17, 42, 50, 256])  # 41 and 49 divide badly
def test_levels_recover_every_integer(num_levels):
    levels = torch.arange(num_levels).reshape(-1, 1, 1, 1)
    x = levels.to(torch.float32) / (num_levels - 1)
    assert torch.equal(images.Split(x, levels, num_levels).levels, levels)


def test_mnist(mnist):
    check_contract(mnist, (50_000, 10_000, 10_000), (28, 28))
    assert (mnist.name, mnist.num_levels) == ("mnist", 256)
    assert mnist.train.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.test.y[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert mnist.validation.y[-3:].tolist() == [5, 6, 8]  # the end of the original train set
    total = torch.cat([mnist.train.x, mnist.validation.x]).double()
    assert total.mean().item() == pytest.approx(0.1307, abs=5e-5)  # the constants of many recipes
    assert total.std().item() == pytest.approx(0.3081, abs=5e-5)


def write_mnist(path: Path, **changes: np.ndarray) -> None:
    arrays = {
        "x_train": np.zeros((60, 28, 28), np.uint8),
        "y_train": np.zeros(60, np.uint8),
        "x_test": np.zeros((10, 28, 28), np.uint8),
        "y_test": np.zeros(10, np.uint8),
    }
    np.savez(path, **(arrays | changes))


def test_wrong_mnist_is_refused_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("DGM_DATA", str(tmp_path))
    path = tmp_path / "mnist.npz"
    write_mnist(path)
    before = path.read_bytes()
    with pytest.raises(DownloadError, match=r"mnist\.npz .* not the expected one, .* not 06b0d1f1"):
        images.load("mnist")
    path.write_bytes(before[:-30])
    with pytest.raises(DownloadError, match="BadZipFile"):
        images.load("mnist")
    np.savez(path, x_train=np.zeros(3))
    with pytest.raises(DownloadError, match="KeyError"):
        images.load("mnist")
    assert path.exists()


def test_pickled_objects_are_never_loaded(tmp_path, monkeypatch):
    monkeypatch.setenv("DGM_DATA", str(tmp_path))
    write_mnist(tmp_path / "mnist.npz", x_train=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DownloadError, match="Object arrays cannot be loaded"):
        images.load("mnist")


def test_mnist_is_cut_at_the_right_places(tmp_path, monkeypatch):
    """The right places in small, with the check of the content out of the way."""
    monkeypatch.setenv("DGM_DATA", str(tmp_path))
    rng = np.random.default_rng(0)
    train = rng.integers(0, 256, (60_000, 1, 2), dtype=np.uint8)
    test = rng.integers(0, 256, (10_000, 1, 2), dtype=np.uint8)
    labels = rng.integers(0, 10, 70_000, dtype=np.uint8)
    write_mnist(
        tmp_path / "mnist.npz",
        x_train=train,
        x_test=test,
        y_train=labels[:60_000],
        y_test=labels[60_000:],
    )
    monkeypatch.setattr(datasets, "_digest", lambda path: datasets.MNIST_SHA256)
    data = images.load("mnist")
    assert np.array_equal(data.train.levels[:, 0].numpy(), train[:50_000])
    assert np.array_equal(data.validation.levels[:, 0].numpy(), train[50_000:])
    assert np.array_equal(data.test.levels[:, 0].numpy(), test)
    assert np.array_equal(data.validation.y.numpy(), labels[50_000:60_000])


@pytest.fixture
def pictures(tmp_path):
    """Nine pictures: three in each of two classes, and three in no sub-folder, all oblong."""
    rng = np.random.default_rng(0)
    for place in ("cats", "dogs/small", "."):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        for i in range(3):
            pixels = rng.integers(0, 256, (12, 20, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / place / f"{i}.PNG")
    (tmp_path / "cats" / "notes.txt").write_text("no picture")
    (tmp_path / "cats" / "._0.png").write_text("no picture either")
    return tmp_path


def test_your_own_pictures(pictures):
    data = images.load(pictures, size=12, colour=True, shares=(0.5, 0.25, 0.25))
    splits = (data.train, data.validation, data.test)
    assert [len(split) for split in splits] == [5, 2, 2]
    assert data.classes == (".", "cats", "dogs/small")
    assert torch.cat([split.y for split in splits]).bincount().tolist() == [3, 3, 3]
    drawn = {
        (int(k), picture.numpy().tobytes()) for s in splits for picture, k in zip(s.levels, s.y)
    }
    files = set()
    for path in pictures.rglob("*.PNG"):
        middle = np.asarray(Image.open(path))[:, 4:16].transpose(2, 0, 1).astype(np.int64)
        name = path.parent.relative_to(pictures).as_posix()
        files.add((data.classes.index(name), middle.tobytes()))
    assert drawn == files


def test_your_own_pictures_are_drawn_by_a_seed_and_grey_by_default(pictures):
    data, again, other = (images.load(str(pictures), size=4, seed=s) for s in (0, 0, 1))
    assert data.train.x.shape == (7, 1, 4, 4)
    assert torch.equal(data.train.x, again.train.x)
    assert not torch.equal(data.train.x, other.train.x)


def test_bad_input():
    with pytest.raises(
        ValueError, match=r"name must be one of 'digits', .* got 'minst': did you mean"
    ):
        images.load("minst")
    with pytest.raises(
        ValueError, match=r"x must have shape \(N, C, H, W\), got \(5, 8, 8\): divide"
    ):
        images.Split(torch.zeros(5, 8, 8), torch.zeros(5).long(), 17)


def test_binarise_has_the_grey_values_as_means(seed, device):
    x = torch.tensor([[0.0, 0.2], [0.7, 1.0]], device=device)
    g = seeded(seed, device)
    draws = torch.stack([images.binarise(x, rng=g) for _ in range(5000)])
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    assert draws.dtype == x.dtype
    assert draws.device == x.device
    assert (draws[:, 0, 0] == 0).all()
    assert (draws[:, 1, 1] == 1).all()
    assert_mean_close(draws, x)


def test_binarise_obeys_its_generator_and_leaves_the_rest_alone(seed):
    x = torch.rand(30)
    kept, before = x.clone(), torch.get_rng_state()
    first = images.binarise(x, rng=seeded(seed))
    assert torch.equal(images.binarise(x, rng=seeded(seed)), first)
    assert not torch.equal(images.binarise(x, rng=seeded(seed + 1)), first)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(x, kept)


def test_binarise_refuses_levels():
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\], got values from 0 to 16: use"):
        images.binarise(torch.tensor([0.0, 16.0]))
