"""Objectives as pure functions, one value for each example."""

from helpers.objectives.discrete import (
    cross_entropy_categorical,
    entropy_categorical,
    total_variation_categorical,
)
from helpers.objectives.divergences import (
    effective_sample_size,
    importance_weighted_bound,
    js_categorical,
    kl_categorical,
)

__all__ = [
    "cross_entropy_categorical",
    "effective_sample_size",
    "entropy_categorical",
    "importance_weighted_bound",
    "js_categorical",
    "kl_categorical",
    "total_variation_categorical",
]
