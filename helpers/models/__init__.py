"""One file for each family of generative models."""

from helpers.models.autoregressive import AutoregressiveModel, MeanOfConditionals
from helpers.models.bayesian_network import (
    ChowLiuTree,
    maximum_spanning_tree,
    mutual_information,
    pair_tables,
)
from helpers.models.categorical_mixture import CategoricalMixture
from helpers.models.continuous_flow import ContinuousFlow
from helpers.models.dequantised_flow import DequantisedFlow
from helpers.models.energy import EnergyModel
from helpers.models.fitted import Fitted
from helpers.models.flow import Flow
from helpers.models.gan import GAN
from helpers.models.gaussian_mixture import GaussianMixture
from helpers.models.handwriting import HandwritingPredictor
from helpers.models.handwriting_synthesis import HandwritingSynthesiser, Writing
from helpers.models.hidden_markov import HiddenMarkovModel
from helpers.models.hybrids import VAEGAN, AdversarialAutoencoder
from helpers.models.independent import IndependentCategorical
from helpers.models.markov import MarkovChain
from helpers.models.mixture import Mixture, k_means
from helpers.models.next_symbol import NextSymbolModel
from helpers.models.ppca import ProbabilisticPCA
from helpers.models.rbm import RBM, Bracket
from helpers.models.rnn import RecurrentLanguageModel
from helpers.models.sequence_to_sequence import SequenceToSequence
from helpers.models.transformer import TransformerLanguageModel
from helpers.models.uniform_mixture import ConditionMixture, ModelMixture, UniformMixture
from helpers.models.vae import VAE
from helpers.models.vae_hierarchy import HierarchicalVAE, TwoLevels
from helpers.models.vae_latents import (
    active_units,
    interpolate,
    kl_per_dimension,
    latent_traversal,
)
from helpers.models.waveform import DilatedWaveformModel, WaveformModel
