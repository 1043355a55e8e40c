"""One file for each family of generative models."""

from helpers.models.bayesian_network import ChowLiuTree
from helpers.models.categorical_mixture import CategoricalMixture
from helpers.models.gaussian_mixture import GaussianMixture
from helpers.models.hidden_markov import HiddenMarkovModel
from helpers.models.independent import IndependentCategorical
from helpers.models.markov import MarkovChain
from helpers.models.ppca import ProbabilisticPCA
from helpers.models.vae import VAE

__all__ = [
    "VAE",
    "CategoricalMixture",
    "ChowLiuTree",
    "GaussianMixture",
    "HiddenMarkovModel",
    "IndependentCategorical",
    "MarkovChain",
    "ProbabilisticPCA",
]
