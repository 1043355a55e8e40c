"""Densities in the plane that are known exactly."""

from helpers.data.toy.mixtures import (
    Checkerboard,
    Grid,
    IsotropicMixture,
    Limits,
    Ring,
    Spiral,
    TwoMoons,
)

__all__ = ["Checkerboard", "Grid", "IsotropicMixture", "Limits", "Ring", "Spiral", "TwoMoons"]
