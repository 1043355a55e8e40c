"""The loop, the step, the average of weights, and checkpoints that lose nothing."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from helpers.training import EMA, checkpoint, fit, gradient_step, load_checkpoint, save_checkpoint


class Line(nn.Module):
    """Least squares with a random term, so that the generator matters."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.dropout = nn.Dropout(dropout)

    def loss(
        self,
        x: Tensor,
        y: Tensor,
        *,
        scale: float = 1.0,
        rng: torch.Generator | None = None,
    ) -> dict[str, Tensor]:
        noise = torch.randn(y.shape, generator=rng, device=y.device, dtype=y.dtype)
        error = (self.dropout(self.layer(x)) - y - 0.1 * noise).square().mean()
        return {"loss": scale * error, "error": error.detach()}


def data(device: torch.device, n: int = 7) -> tuple[Tensor, Tensor]:
    return torch.randn(n, 3, device=device), torch.randn(n, 2, device=device)


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
    for epochs in (0, -1):
        with pytest.raises(ValueError, match="epochs must be an integer of at least 1"):
            fit(step, [torch.ones(2)], epochs=epochs)


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


def test_the_step_is_one_optimiser_step(device: torch.device, seed: int) -> None:
    model, (x, y) = Line().to(device), data(device)
    weight = model.layer.weight
    before = weight.detach().clone()
    generator = torch.Generator(device).manual_seed(seed)
    loss = model.loss(x, y, scale=2.0, rng=generator)["loss"]
    (gradient,) = torch.autograd.grad(loss, [weight])
    weight.grad = torch.ones_like(weight)  # an old gradient must not leak in
    step = gradient_step(
        model,
        torch.optim.SGD(model.parameters(), 0.1),
        rng=generator.manual_seed(seed),
        scale=2.0,
    )
    terms = step(x, y)
    torch.testing.assert_close(weight.detach(), before - 0.1 * gradient)
    torch.testing.assert_close(terms["loss"], loss.detach())
    assert not any(term.requires_grad for term in terms.values())


def test_clipping_scheduler_and_mode(device: torch.device) -> None:
    model, (x, y) = Line().to(device), data(device)
    optimizer = torch.optim.SGD(model.parameters(), 1.0)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    step = gradient_step(model, optimizer, scheduler=scheduler, max_norm=1e-3)
    model.eval()
    before = [p.detach().clone() for p in model.parameters()]
    terms = step(x, y)
    moved = sum((p - b).square().sum() for p, b in zip(model.parameters(), before))
    torch.testing.assert_close(moved.sqrt().item(), 1e-3, rtol=1e-2, atol=0)
    assert terms["grad_norm"] > 1e-3
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert model.training
    with pytest.raises(ValueError, match="max_norm must be a positive number, got 0"):
        gradient_step(model, optimizer, max_norm=0)


def test_the_average_decays_geometrically(device: torch.device) -> None:
    model = Line().to(device)
    weight = model.layer.weight
    start = weight.detach().clone()
    ema = EMA(model, 0.8)
    with torch.no_grad():
        weight.normal_()
    target = weight.detach().clone()
    for _ in range(3):
        ema.update()
    average = 0.8**3 * start + (1 - 0.8**3) * target
    torch.testing.assert_close(ema.state_dict()["layer.weight"], average)

    def fail_inside() -> None:
        with ema.swap():
            torch.testing.assert_close(weight.detach(), average)
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail_inside()
    assert torch.equal(weight.detach(), target)
    assert weight.requires_grad


def test_the_step_updates_the_average(device: torch.device) -> None:
    model, batch = Line().to(device), data(device)
    start = model.layer.bias.detach().clone()
    ema = EMA(model, 0.5)
    gradient_step(model, torch.optim.SGD(model.parameters(), 0.1), ema=ema)(*batch)
    expected = 0.5 * start + 0.5 * model.layer.bias.detach()
    torch.testing.assert_close(ema.state_dict()["layer.bias"], expected)


def test_bad_averages() -> None:
    with pytest.raises(ValueError, match=r"decay must lie in \[0, 1\), got 1.0"):
        EMA(Line(), 1.0)
    with pytest.raises(ValueError, match=r"decay must be a number of at least 0, got -0.5"):
        EMA(Line(), -0.5)
    with pytest.raises(
        ValueError, match="state must hold the model's parameters, got a difference"
    ):
        EMA(Line(), 0.5).load_state_dict({})


class Run:
    """A training with everything that has a state, dropout and shuffling included."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.model = Line(dropout=0.3)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), 0.05)
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, 0.05, total_steps=60)
        self.ema = EMA(self.model, 0.9)
        self.generator = torch.Generator().manual_seed(seed)
        self.x, self.y = torch.randn(20, 3), torch.randn(20, 2)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        for rows in torch.randperm(20, generator=self.generator).split(8):
            yield self.x[rows], self.y[rows]

    def train(self, epochs: int) -> list[float]:
        step = gradient_step(
            self.model,
            self.optimizer,
            scheduler=self.scheduler,
            rng=self.generator,
            ema=self.ema,
        )
        losses: list[float] = []
        for _ in range(epochs):
            losses += fit(step, self.batches(), epochs=1, progress=False)["loss"]
        return losses

    @property
    def state(self) -> dict[str, Any]:
        names = ("model", "optimizer", "scheduler", "ema", "generator")
        return {**{name: getattr(self, name) for name in names}, "rng": torch.default_generator}


def test_a_resumed_run_is_bit_identical(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "new" / "folder" / "last.pt"
    first = Run(seed)
    history = first.train(4)
    save_checkpoint(path, **first.state, epoch=4, history=history)
    expected = first.train(3)
    second = Run(seed)
    torch.manual_seed(seed + 1)  # the resumed process starts from any state
    plain = load_checkpoint(path, **second.state)
    assert plain == {"epoch": 4, "history": history}
    assert second.train(3) == expected
    for name, value in first.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[name])
    for name, value in first.ema.state_dict().items():
        assert torch.equal(value, second.ema.state_dict()[name])


def test_a_failed_save_leaves_the_old_file_and_no_half_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, epoch=1)

    def broken(value: object, file: Any) -> None:
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(checkpoint.torch, "save", broken)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(path, epoch=2)
    monkeypatch.undo()
    assert load_checkpoint(path) == {"epoch": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["last.pt"]


class Dangerous:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("this must not run",))


def test_bad_checkpoints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "last.pt"
    with pytest.raises(
        FileNotFoundError, match=r"path must be an existing checkpoint, got .*last.pt"
    ):
        load_checkpoint(path)
    path.write_bytes(b"no checkpoint")
    with pytest.raises(ValueError, match="path must be a readable checkpoint"):
        load_checkpoint(path)
    torch.save({"model": Dangerous()}, path)
    with pytest.raises(ValueError, match="path must be a readable checkpoint"):
        load_checkpoint(path)
    assert "must not run" not in capsys.readouterr().out
    torch.save([1, 2], path)
    with pytest.raises(ValueError, match="path must be a readable checkpoint"):
        load_checkpoint(path)
    save_checkpoint(path, model=Line(), epoch=1)
    with pytest.raises(
        ValueError, match=r"optimizer must be one of \['epoch', 'model'\], saved in"
    ):
        load_checkpoint(path, optimizer=torch.optim.SGD(Line().parameters(), 0.1))


def test_checkpoints_move_between_devices(device: torch.device, tmp_path: Path) -> None:
    model, other = Line().to(device), Line()
    save_checkpoint(tmp_path / "last.pt", model=model)
    load_checkpoint(tmp_path / "last.pt", model=other)
    assert torch.equal(model.layer.weight.cpu(), other.layer.weight)
