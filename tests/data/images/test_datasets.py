import os
from pathlib import Path

import numpy as np
import pytest
import torch

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
    return images.load("mnist", download=False)


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
    levels = torch.arange(num_levels)
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


def test_wrong_mnist_is_refused_and_kept(tmp_path):
    path = tmp_path / "mnist.npz"
    write_mnist(path)
    before = path.read_bytes()
    with pytest.raises(DownloadError, match=r"mnist\.npz .* the arrays' sha256 must be 06b0d1f1"):
        images.load("mnist", folder=tmp_path)
    path.write_bytes(before[:-30])
    with pytest.raises(DownloadError, match=r"not the expected one \(BadZipFile"):
        images.load("mnist", folder=tmp_path)
    np.savez(path, x_train=np.zeros(3))
    with pytest.raises(DownloadError, match=r"not the expected one \(KeyError"):
        images.load("mnist", folder=tmp_path)
    assert path.exists()


def test_pickled_objects_are_never_loaded(tmp_path):
    write_mnist(tmp_path / "mnist.npz", x_train=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DownloadError, match="Object arrays cannot be loaded"):
        images.load("mnist", folder=tmp_path)


def test_missing_mnist_without_download(tmp_path, monkeypatch):
    monkeypatch.setenv("DGM_DATA", str(tmp_path))
    with pytest.raises(DownloadError, match=r"it is not there, and download=False.*DGM_DATA"):
        images.load("mnist", download=False)


def test_mnist_is_cut_at_the_right_places(tmp_path, monkeypatch):
    """The right places in small, with the check of the content out of the way."""
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
    monkeypatch.setattr(datasets, "_check_mnist", lambda path: None)
    data = images.load("mnist", folder=tmp_path)
    assert np.array_equal(data.train.levels[:, 0].numpy(), train[:50_000])
    assert np.array_equal(data.validation.levels[:, 0].numpy(), train[50_000:])
    assert np.array_equal(data.test.levels[:, 0].numpy(), test)
    assert np.array_equal(data.validation.y.numpy(), labels[50_000:60_000])


def test_unknown_data_set():
    with pytest.raises(ValueError, match="name must be one of 'digits', 'mnist', got 'minst': did"):
        images.load("minst")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda x, y: (x[:-1], y), r"toy must have 6 images \(N, H, W\) and labels \(N,\), got"),
        (lambda x, y: (x.reshape(6, 12), y), "toy must have 6 images"),
        (lambda x, y: (x, y[:-1]), "toy must have 6 images"),
        (lambda x, y: (x + 0.5, y), "toy must have integer grey levels, got fractions"),
        (lambda x, y: (x + 16, y), r"toy must lie in \[0, 16\], got values from 16"),
        (lambda x, y: (x, y - 1), r"the labels of toy must lie in \[0, 9\], got values from -1"),
    ],
)
def test_arrays_are_validated(change, expected):
    x, y = np.arange(72.0).reshape(6, 3, 4) % 17, np.arange(6)
    sizes = {"train": 3, "validation": 2, "test": 1}
    assert len(datasets._splits("toy", x, y, sizes, num_levels=17).train) == 3
    with pytest.raises(ValueError, match=expected):
        datasets._splits("toy", *change(x, y), sizes, num_levels=17)


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


def test_binarise_rejects():
    with pytest.raises(TypeError, match="x must be a floating-point tensor, got"):
        images.binarise(torch.tensor([0, 1]))
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\], got values from 0 to 16: use"):
        images.binarise(torch.tensor([0.0, 16.0]))
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\], got NaN"):
        images.binarise(torch.tensor([0.0, float("nan")]))
