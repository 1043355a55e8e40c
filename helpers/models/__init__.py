"""One file for each family of generative models."""

from helpers.models.bayesian_network import ChowLiuTree
from helpers.models.categorical_mixture import CategoricalMixture
from helpers.models.gaussian_mixture import GaussianMixture
from helpers.models.hidden_markov import HiddenMarkovModel
from helpers.models.independent import IndependentCategorical

__all__ = [
    "CategoricalMixture",
    "ChowLiuTree",
    "GaussianMixture",
    "HiddenMarkovModel",
    "IndependentCategorical",
]
