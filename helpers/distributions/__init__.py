"""Distributions made from the raw outputs of a network."""

from helpers.distributions.stroke_mixture import StrokeMixture

__all__ = ["StrokeMixture"]
