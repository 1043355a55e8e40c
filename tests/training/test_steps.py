"""The usual step against one update written out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from helpers.training import gradient_step


class Line(nn.Module):
    """Least squares with a random term, so that the generator matters."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def loss(
        self,
        x: Tensor,
        y: Tensor,
        *,
        scale: float = 1.0,
        rng: torch.Generator | None = None,
    ) -> dict[str, Tensor]:
        noise = torch.randn(y.shape, generator=rng, device=y.device, dtype=y.dtype)
        error = (self.layer(x) - y - 0.1 * noise).square().mean()
        return {"loss": scale * error, "error": error.detach()}


def data(device: torch.device, n: int = 7) -> tuple[Tensor, Tensor]:
    return torch.randn(n, 3, device=device), torch.randn(n, 2, device=device)


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
