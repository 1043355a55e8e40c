"""Checkpoints lose nothing: a stopped run goes on bit for bit, and what is saved can be read."""

from __future__ import annotations

import copy
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from helpers.data.batches import Batches
from helpers.models.gan import GAN
from helpers.networks import MLP
from helpers.training import (
    EMA,
    checkpoint,
    fit,
    gradient_step,
    keep_checkpoint,
    load_checkpoint,
    players_step,
    save_checkpoint,
)


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
        rng: torch.Generator | None = None,
    ) -> dict[str, Tensor]:
        noise = torch.randn(y.shape, generator=rng, device=y.device, dtype=y.dtype)
        error = (self.dropout(self.layer(x)) - y - 0.1 * noise).square().mean()
        return {"loss": error}


def equal(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, two[name]) for name, value in one.items())


class Run:
    """A training with everything that has a state, dropout and shuffling included."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.model = Line(dropout=0.3)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), 0.05)
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, 0.05, total_steps=60)
        self.ema = EMA(self.model, 0.9)
        self.rng = torch.Generator().manual_seed(seed)
        self.x, self.y = torch.randn(20, 3), torch.randn(20, 2)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        for rows in torch.randperm(20, generator=self.rng).split(8):
            yield self.x[rows], self.y[rows]

    def train(self, epochs: int) -> list[float]:
        update = gradient_step(self.model, self.optimizer, scheduler=self.scheduler, rng=self.rng)

        def step(*batch: Tensor) -> dict[str, Tensor]:
            terms = update(*batch)
            self.ema.update()
            return dict(terms)

        losses: list[float] = []
        for _ in range(epochs):
            losses += fit(step, self.batches(), epochs=1, progress=False)["loss"]
        return losses

    @property
    def state(self) -> dict[str, Any]:
        names = ("model", "optimizer", "scheduler", "ema", "rng")
        return {**{name: getattr(self, name) for name in names}, "global": torch.default_generator}


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
    with pytest.raises(FileNotFoundError, match=r"path must be an existing checkpoint, got .*last"):
        load_checkpoint(path)
    path.write_bytes(b"no checkpoint")
    with pytest.raises(ValueError, match="path must be a readable checkpoint"):
        load_checkpoint(path)
    for content in ({"model": Dangerous()}, [1, 2]):
        torch.save(content, path)
        with pytest.raises(ValueError, match="path must be a readable checkpoint"):
            load_checkpoint(path)
    assert "must not run" not in capsys.readouterr().out
    save_checkpoint(path, model=Line(), epoch=1)
    with pytest.raises(ValueError, match=r"optimizer must be one of \['epoch', 'model'\], saved"):
        load_checkpoint(path, optimizer=torch.optim.SGD(Line().parameters(), 0.1))


def test_numbers_of_numpy_and_paths_come_back(tmp_path: Path) -> None:
    """A learning rate of `np.logspace` is a NumPy number in the states of two objects."""
    path, rates = tmp_path / "last.pt", np.logspace(-3, -1, 3)
    model = Line()
    optimizer = torch.optim.Adam(model.parameters(), rates[1])
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, np.float64(0.5))
    plain = {"mean": np.mean(rates), "rates": rates, "where": tmp_path, "flags": (np.True_, {1})}
    save_checkpoint(path, model=model, optimizer=optimizer, scheduler=scheduler, **plain)
    other = torch.optim.Adam(model.parameters(), 1.0)
    again = torch.optim.lr_scheduler.ExponentialLR(other, 0.9)
    found = load_checkpoint(path, optimizer=other, scheduler=again)
    assert other.param_groups[0]["lr"] == rates[1]
    assert again.gamma == 0.5
    assert found["mean"] == rates.mean()
    assert found["rates"].tolist() == rates.tolist()
    assert found["where"] == str(tmp_path)
    assert found["flags"] == (True, {1})


@pytest.mark.parametrize(
    "make",
    [
        lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [2, 5]),
        lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda k: 0.9**k),
        lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 3),
    ],
)
def test_every_kind_of_schedule_is_kept(make: Callable[[Any], Any], tmp_path: Path) -> None:
    path = tmp_path / "last.pt"

    def schedule() -> Any:
        return make(torch.optim.SGD([nn.Parameter(torch.zeros(()))], 0.1))

    def step(found: Any) -> None:
        found.optimizer.step()
        found.step(*([1.0] if "Plateau" in type(found).__name__ else []))

    first, second = schedule(), schedule()
    for _ in range(4):
        step(first)
    save_checkpoint(path, schedule=first, optimizer=first.optimizer)
    load_checkpoint(path, schedule=second, optimizer=second.optimizer)
    for _ in range(3):
        for found in (first, second):
            step(found)
        assert first.optimizer.param_groups[0]["lr"] == second.optimizer.param_groups[0]["lr"]


def test_what_cannot_be_read_back_is_refused_at_saving(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, epoch=1)
    with pytest.raises(TypeError, match=r"notes\.when must hold tensors, .*, got Decimal"):
        save_checkpoint(path, notes={"when": Decimal(1)})
    assert load_checkpoint(path) == {"epoch": 1}


def test_all_objects_are_loaded_or_none(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    saved, other = Line(), Line()
    save_checkpoint(path, model=saved, head=nn.Linear(3, 2), rng=torch.Generator())
    before, smaller = copy.deepcopy(other.state_dict()), nn.Linear(3, 1)
    rng = torch.Generator().manual_seed(7)
    state = rng.get_state()
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_checkpoint(path, rng=rng, model=other, head=smaller)
    assert torch.equal(rng.get_state(), state)
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in before.items())


def test_checkpoints_move_between_devices(device: torch.device, tmp_path: Path) -> None:
    model, other = Line().to(device), Line()
    save_checkpoint(tmp_path / "last.pt", model=model)
    load_checkpoint(tmp_path / "last.pt", model=other)
    assert torch.equal(model.layer.weight.cpu(), other.layer.weight)


def test_broken_weights_are_not_saved(tmp_path: Path) -> None:
    layer, path = nn.Linear(2, 1), tmp_path / "good.pt"
    keep = keep_checkpoint(path, model=layer, notes=["a", 1.0])
    keep(0, {})
    layer.bias.data.fill_(math.nan)
    with pytest.raises(FloatingPointError, match=r"model.bias is not finite after epoch 1"):
        keep(1, {})
    saved = load_checkpoint(path)
    assert saved["epoch"] == 1
    assert saved["model"]["bias"].isfinite().all()


# ---- a game that is killed and goes on --------------------------------------------------------


class Game:
    """Two players with everything that has a state: noise that falls, a penalty at intervals."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.gan = GAN(MLP(3, [7], 4), MLP(4, [8], 1), 3)
        parts = self.gan.discriminator, self.gan.generator
        self.optimizers = [torch.optim.Adam(p.parameters(), 0.01, betas=(0.0, 0.9)) for p in parts]
        self.ema = EMA(self.gan.generator, 0.9)
        self.rng = torch.Generator().manual_seed(seed)
        data = torch.randn(20, 4, generator=torch.Generator().manual_seed(seed))
        self.batches = Batches(data, batch_size=8, rng=self.rng)
        players = zip((self.judge, self.deceive), self.optimizers)
        self.step = players_step(dict(zip(("discriminator", "generator"), players)), ema=self.ema)

    def judge(self, x: Tensor) -> dict[str, Tensor]:
        k = self.step.count
        r1 = 0.4 if k % 4 == 0 else 0.0
        return self.gan.discriminator_loss(x, r1=r1, noise=0.5 * 0.9**k, rng=self.rng)

    def deceive(self, x: Tensor) -> dict[str, Tensor]:
        noise = 0.5 * 0.9**self.step.count
        return self.gan.generator_loss(len(x), noise=noise, rng=self.rng)

    @property
    def state(self) -> dict[str, Any]:
        first, second = self.optimizers
        names = {"gan": self.gan, "ema": self.ema, "step": self.step, "rng": self.rng}
        return {**names, "first": first, "second": second}


PROGRAM = """
import os, sys, torch
from tests.training.test_checkpoint import Game
from helpers.training import fit, keep_checkpoint
torch.set_default_dtype(torch.float64)
run = Game(int(sys.argv[2]))
def die(epoch, means):
    if epoch == 2:
        os.kill(os.getpid(), 9)
def late(x):
    return run.step(x)
fit(late, run.batches, epochs=9, progress=False,
    callbacks=[die, keep_checkpoint(sys.argv[1], **run.state)])
"""


def test_a_killed_run_goes_on_bit_identically(tmp_path: Path, seed: int) -> None:
    whole = Game(seed)
    expected = fit(whole.step, whole.batches, epochs=5, progress=False)
    path = tmp_path / "last.pt"
    killed = subprocess.run([sys.executable, "-c", PROGRAM, str(path), str(seed)], check=False)
    assert killed.returncode == -9
    again = Game(seed + 1)
    again.batches = Batches(*whole.batches.tensors, batch_size=8, rng=again.rng)
    plain = load_checkpoint(path, **again.state)
    assert plain == {"epoch": 2}
    history = fit(again.step, again.batches, epochs=3, progress=False)
    assert history == {name: values[2:] for name, values in expected.items()}
    assert equal(whole.gan.state_dict(), again.gan.state_dict())
    assert equal(whole.ema.state_dict(), again.ema.state_dict())


def test_divergence_names_step_and_term_and_keeps_the_last_good_state(tmp_path: Path) -> None:
    run, path = Game(0), tmp_path / "good.pt"
    keep = keep_checkpoint(path, **run.state)
    fit(run.step, run.batches, epochs=2, progress=False, callbacks=[keep])
    good = copy.deepcopy(run.gan.state_dict())
    run.optimizers[0].param_groups[0]["lr"] = 1e200
    message = r"(discriminator|generator).* became (nan|-?inf|.*e\+\d+) in step \d"
    with pytest.raises(FloatingPointError, match=message):
        fit(run.step, run.batches, epochs=3, progress=False, callbacks=[keep])
    other = Game(1)
    assert load_checkpoint(path, **other.state)["epoch"] == 2
    assert equal(good, other.gan.state_dict())
