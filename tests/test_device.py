import pytest
import torch

from helpers.device import pick_device


@pytest.fixture
def pretend(monkeypatch):
    """Make torch report this many CUDA devices, the last one current, and an Apple GPU or none."""

    def report(cuda: int, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: cuda - 1)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return report


def test_auto_takes_cuda_where_present_and_never_mps(pretend):
    pretend(cuda=0, mps=True)
    assert pick_device() == pick_device("auto") == torch.device("cpu")
    pretend(cuda=2)
    assert pick_device() == torch.device("cuda", 1)  # the current one


def test_named_devices(pretend):
    pretend(cuda=2, mps=True)
    assert pick_device("cpu") == pick_device("cpu:0") == torch.device("cpu")
    assert pick_device("cuda") == torch.device("cuda", 1)
    assert pick_device("cuda:0") == torch.device("cuda", 0)
    assert pick_device(torch.device("cuda", 0)) == torch.device("cuda", 0)
    assert pick_device("mps") == torch.device("mps", 0)


def test_absent_devices(pretend):
    expected = "^device must be present on this machine, got '{}': use device='auto'$"
    pretend(cuda=0)
    for name in ("cuda", "cuda:0", torch.device("cuda"), "mps", "cpu:1", "meta"):
        with pytest.raises(ValueError, match=expected.format(name)):
            pick_device(name)
    pretend(cuda=2)
    with pytest.raises(ValueError, match=expected.format("cuda:2")):
        pick_device("cuda:2")


def test_unknown_names():
    options = "'auto', 'cpu', 'cuda', 'cuda:<index>', 'mps'"
    for name in ("gpu", "cuda:", "cuda:-1", "cuda:x", "CPU", ""):
        with pytest.raises(ValueError, match=f"^device must be one of {options}, got '{name}'$"):
            pick_device(name)


def test_picked_device_is_what_tensors_report(device):
    assert torch.zeros(1, device=pick_device(str(device))).device == pick_device(str(device))
