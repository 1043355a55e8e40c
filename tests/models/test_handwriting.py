"""Prediction of handwriting against explicit loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from helpers.distributions import StrokeMixture
from helpers.models import HandwritingPredictor
from helpers.random import seeded

B, T = 4, 6


def pens(seed: int, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    g = seeded(seed)
    x = torch.randn(B, T, 3, generator=g)
    x[..., 2] = (x[..., 2] > 0).double()
    return x.to(device), torch.tensor([T, 2, 5, 1], device=device)


def predictor(device: torch.device | str = "cpu", **options: float) -> HandwritingPredictor:
    model = HandwritingPredictor(8, 3, scale=0.7, length=5, **options)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    return model.to(device)


@pytest.mark.equation("eq-handwriting-chain", frozen="9ba779a1")
@pytest.mark.equation("eq-handwriting-predictor", frozen="99dfdc3f")
def test_the_density_is_a_chain_of_predictions(device: torch.device, seed: int) -> None:
    """One LSTM call for each prefix, from the start, with a mixture in standardised units and the
    change of variables by hand; padding never counts.
    """
    model, (x, lengths) = predictor(device), pens(seed, device)
    found = model.log_prob(x, lengths)
    for b in range(B):
        total = 0.0
        for t in range(int(lengths[b])):
            past = torch.cat([torch.zeros(1, 3, device=device), x[b, :t]])
            past = past / torch.tensor([0.7, 0.7, 1.0], device=device)
            h, _ = model.lstm(past[None])
            step = x[b, t] / torch.tensor([0.7, 0.7, 1.0], device=device)
            law = StrokeMixture(model.output(h[0, -1]))
            total += (law.log_prob(step) - 2 * math.log(0.7)).item()
        assert found[b].item() == pytest.approx(total)
    changed = x.clone()
    changed[1, 2:] = 1.0
    torch.testing.assert_close(model.log_prob(changed, lengths)[1], found[1])


def test_the_loss_is_the_mean_over_sequences_and_over_steps(seed: int) -> None:
    model, (x, lengths) = predictor(), pens(seed)
    terms, log_prob = model.loss(x, lengths), model.log_prob(x, lengths).detach()
    torch.testing.assert_close(terms["loss"].detach(), -log_prob.mean())
    torch.testing.assert_close(terms["nats_per_step"], -log_prob.sum() / lengths.sum())


def test_a_prompt_is_the_past_of_a_sample(seed: int) -> None:
    """A network without noise: the sample after a prompt is the mean of the prediction."""
    model, (x, _) = predictor(), pens(seed)
    drawn = model.sample(1, length=1, bias=60.0, prompt=x[0], rng=seeded(seed))
    start = torch.cat([torch.zeros(1, 1, 3), x[:1]], 1)
    mixture, _ = model.predict(start)
    best = mixture.mu[0, -1, mixture.logits[0, -1].argmax()]
    torch.testing.assert_close(drawn[0, 0, :2], best.detach())


def test_no_value_is_read_on_a_device() -> None:
    """On the meta device, which has no values, any look at one raises; lengths stay on the CPU."""
    model, (x, lengths) = predictor().to("meta"), pens(0)
    model.loss(x.to("meta"), lengths)["loss"].backward()
    assert model.sample(2, length=3).shape == (2, 3, 3)


def test_one_sequence_and_narrow_lengths(seed: int) -> None:
    model, (x, lengths) = predictor(), pens(seed)
    together = model.log_prob(x, lengths)
    for b in range(B):
        alone = model.log_prob(x[b : b + 1], lengths[b : b + 1].to(torch.uint8))
        torch.testing.assert_close(alone, together[b : b + 1])


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="scale must be a positive number, got 0"):
        HandwritingPredictor(scale=0)
    with pytest.raises(
        ValueError, match=r"prompt\[None\] must have shape \(B, T, 3\), got \(1, 2, 2\)"
    ):
        predictor().sample(1, prompt=torch.zeros(2, 2))
    with pytest.raises(ValueError, match=r"bias must be a number of at least 0, got -0\.5"):
        predictor().sample(1, bias=-0.5)
