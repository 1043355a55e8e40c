"""Objectives as pure functions, one value for each example."""

from helpers.objectives.adversarial import (
    KINDS,
    discriminator_loss,
    generator_loss,
    optimal_logit,
)
from helpers.objectives.penalties import gradient_penalty, r1_penalty
from helpers.objectives.wasserstein import transport_plan, wasserstein_line

__all__ = [
    "KINDS",
    "discriminator_loss",
    "generator_loss",
    "gradient_penalty",
    "optimal_logit",
    "r1_penalty",
    "transport_plan",
    "wasserstein_line",
]
