"""Fixtures and options shared by all tests: the base seed, the device, float64 by default."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import matplotlib
import pytest
import torch

matplotlib.use("Agg")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=0, help="base seed of the tests' random draws")
    parser.addoption(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="auto: cpu, and cuda where present; cuda: run on cuda and fail where it is absent",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device" in metafunc.fixturenames:
        choice = metafunc.config.getoption("--device")
        names = {"auto": ["cpu", "cuda"], "cpu": ["cpu"], "cuda": ["cuda"]}[choice]
        metafunc.parametrize("device", names, indirect=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failing test names the printed equations that it checks."""
    report = yield
    labels = [label for mark in item.iter_markers("equation") for label in mark.args]
    if report.failed and labels:
        report.sections.append(("Printed equations that this test checks", ", ".join(labels)))
    return report


@pytest.fixture
def device(request: pytest.FixtureRequest) -> torch.device:
    """Each device that this run covers; a missing GPU skips, or fails if it was asked for."""
    name = request.param
    if name == "cuda" and not torch.cuda.is_available():
        if request.config.getoption("--device") == "cuda":
            pytest.fail("--device cuda was asked for, but torch finds no CUDA device")
        pytest.skip("no CUDA device")
    return torch.device(name)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The base seed: every test must pass for any value."""
    return int(request.config.getoption("--seed"))


@pytest.fixture(autouse=True)
def _float64_and_seed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Double precision by default, and a global generator that follows the base seed."""
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(int(request.config.getoption("--seed")))
    yield
    torch.set_default_dtype(previous)
