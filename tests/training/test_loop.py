"""The loop around a step: averages, callbacks, and what stops it."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import pytest
import torch
from torch import Tensor, nn

from helpers.training import fit


def test_averages_are_weighted_with_the_batch_sizes(device: torch.device) -> None:
    x = torch.randn(7, 3, device=device)
    batches = [(part,) for part in x.split(4)]  # 4 and 3 examples

    def step(x: Tensor) -> dict[str, Tensor]:
        return {"loss": x.mean(), "largest": x.max()}

    seen = []
    history = fit(
        step,
        batches,
        epochs=2,
        callbacks=[lambda epoch, means: seen.append((epoch, means))],
        progress=False,
    )
    expected = x.mean().item()
    assert history["loss"] == pytest.approx([expected] * 2)
    largest = (4 * x[:4].max() + 3 * x[4:].max()).item() / 7
    assert history["largest"] == pytest.approx([largest] * 2)
    assert [epoch for epoch, _ in seen] == [0, 1]
    assert seen[1][1] == {name: values[1] for name, values in history.items()}


def test_a_batch_may_be_a_tensor_or_several() -> None:
    seen: list[tuple[int, ...]] = []

    def step(*batch: Tensor) -> dict[str, Tensor]:
        seen.append(tuple(len(part) for part in batch))
        return {"loss": batch[0].sum()}

    fit(step, [torch.ones(2), (torch.ones(3), torch.ones(3)), [torch.ones(4)]], epochs=1)
    assert seen == [(2,), (3, 3), (4,)]


def test_callbacks_from_an_iterator_run_every_epoch() -> None:
    seen: list[int] = []
    callbacks = iter([lambda epoch, means: seen.append(epoch)])
    fit(lambda x: {"loss": x.sum()}, [torch.ones(1)], epochs=3, callbacks=callbacks)
    assert seen == [0, 1, 2]


def test_an_empty_or_exhausted_iterator_is_refused() -> None:
    def step(x: Tensor) -> dict[str, Tensor]:
        return {"loss": x.sum()}

    with pytest.raises(ValueError, match="batches must hold at least one example, got none in ep"):
        fit(step, [], epochs=1)
    with pytest.raises(
        ValueError, match=r"none in epoch 1: an iterator is used up after one epoch"
    ):
        fit(step, iter([torch.ones(2)]), epochs=2)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_term_that_is_not_finite_stops_the_training(bad: float) -> None:
    def step(x: Tensor) -> dict[str, Tensor]:
        return {"loss": x.sum(), "kl": x.sum() * 2}

    batches = [torch.ones(1), torch.ones(1), torch.full((1,), bad), torch.ones(1)]
    message = rf"loss became {bad} in step 2 of epoch 0 .*: lower the learning rate, clip"
    with pytest.raises(FloatingPointError, match=message):
        fit(step, batches, epochs=2, progress=False)


def test_on_an_accelerator_the_epoch_is_named(device: torch.device) -> None:
    if device.type == "cpu":
        pytest.skip("the CPU names the step")
    batches = [torch.ones(1, device=device), torch.full((1,), math.nan, device=device)]
    with pytest.raises(FloatingPointError, match="loss became nan in epoch 0"):
        fit(lambda x: {"loss": x.sum()}, batches, epochs=2, progress=False)


def test_terms_must_keep_their_names() -> None:
    names = iter(["loss", "loss", "other"])

    def step(x: Tensor) -> dict[str, Tensor]:
        return {next(names): x.sum()}

    with pytest.raises(
        ValueError, match=r"step must return the terms \['loss'\] .*, got \['other'\]"
    ):
        fit(step, [torch.ones(1)], epochs=3, progress=False)
    changing = iter(["loss", "other"])
    with pytest.raises(
        ValueError, match=r"step must return the terms \['loss'\] .*, got \['other'\]"
    ):
        fit(lambda x: {next(changing): x.sum()}, [torch.ones(1)] * 2, epochs=1, progress=False)


@pytest.mark.parametrize(
    ("options", "disabled", "shown"),
    [("", "", True), (", progress=False", "", False), ("", "1", False)],
)
def test_progress_can_be_hidden(options: str, disabled: str, shown: bool) -> None:
    # in a process of its own: tqdm reads TQDM_DISABLE once, when it is imported
    program = (
        "import torch; from helpers.training import fit; "
        f"fit(lambda x: {{'loss': x.sum()}}, [torch.ones(1)], epochs=2{options})"
    )
    environment = {**os.environ, "TQDM_DISABLE": disabled}
    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert ("epoch" in run.stderr) is shown


@pytest.mark.parametrize(
    ("term", "size", "number"),
    [
        (torch.tensor(1.0, dtype=torch.bfloat16), 1, 1000),  # 256 + 1 is 256 in bfloat16
        (torch.tensor(50.0, dtype=torch.float16), 128, 20),  # 128,000 is infinite in float16
        (torch.tensor(0.1, dtype=torch.float32), 1, 1000),
    ],
)
def test_sums_are_wider_than_the_terms(term: Tensor, size: int, number: int) -> None:
    batches = [torch.zeros(size)] * number
    history = fit(lambda x: {"loss": term}, batches, epochs=1, progress=False)
    assert history["loss"][0] == pytest.approx(term.item(), rel=1e-12)


def test_a_rest_of_one_example_is_named_with_its_remedy() -> None:
    """65 rows in batches of 64 under batch normalisation."""
    layer = nn.BatchNorm1d(3)
    batches = torch.randn(65, 3).split(64)
    with pytest.raises(ValueError, match=r"batches must hold more than one .* 1: .*drop_last=True"):
        fit(lambda x: {"loss": layer(x).mean()}, batches, epochs=1, progress=False)


def test_other_errors_of_a_step_pass_as_they_are() -> None:
    def step(x: Tensor) -> dict[str, Tensor]:
        raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        fit(step, [torch.ones(2)], epochs=1, progress=False)
