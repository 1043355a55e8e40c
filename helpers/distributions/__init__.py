"""Distributions made from the raw outputs of a network."""

from helpers.distributions.logistic_mixture import LogisticMixture
from helpers.distributions.stroke_mixture import StrokeMixture

__all__ = ["LogisticMixture", "StrokeMixture"]
