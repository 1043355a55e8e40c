"""Objectives as pure functions, one value for each example."""

from helpers.objectives.adversarial import KINDS, discriminator_loss, generator_loss, optimal_logit
from helpers.objectives.contrastive import noise_contrastive
from helpers.objectives.divergences import (
    cross_entropy_categorical,
    effective_sample_size,
    entropy_categorical,
    importance_weighted_bound,
    js_categorical,
    kl_categorical,
    kl_normal,
    kl_standard_normal,
    total_variation_categorical,
)
from helpers.objectives.penalties import gradient_penalty, r1_penalty
from helpers.objectives.score import (
    denoising_score_matching,
    explicit_score_matching,
    score_matching,
    score_of,
    sliced_score_matching,
)
from helpers.objectives.wasserstein import transport_plan, wasserstein_line
