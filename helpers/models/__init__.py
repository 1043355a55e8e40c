"""One file for each family of generative models."""

from helpers.models.bayesian_network import (
    ChowLiuTree as ChowLiuTree,
)
from helpers.models.bayesian_network import (
    maximum_spanning_tree as maximum_spanning_tree,
)
from helpers.models.bayesian_network import (
    mutual_information as mutual_information,
)
from helpers.models.bayesian_network import (
    pair_tables as pair_tables,
)
from helpers.models.categorical_mixture import CategoricalMixture as CategoricalMixture
from helpers.models.fitted import Fitted as Fitted
from helpers.models.gan import GAN as GAN
from helpers.models.gaussian_mixture import GaussianMixture as GaussianMixture
from helpers.models.handwriting import HandwritingPredictor as HandwritingPredictor
from helpers.models.handwriting_synthesis import HandwritingSynthesiser as HandwritingSynthesiser
from helpers.models.handwriting_synthesis import Writing as Writing
from helpers.models.hidden_markov import HiddenMarkovModel as HiddenMarkovModel
from helpers.models.hybrids import VAEGAN as VAEGAN
from helpers.models.hybrids import AdversarialAutoencoder as AdversarialAutoencoder
from helpers.models.independent import IndependentCategorical as IndependentCategorical
from helpers.models.markov import MarkovChain as MarkovChain
from helpers.models.mixture import Mixture as Mixture
from helpers.models.mixture import k_means as k_means
from helpers.models.ppca import ProbabilisticPCA as ProbabilisticPCA
from helpers.models.rnn import RecurrentLanguageModel as RecurrentLanguageModel
from helpers.models.sequence_to_sequence import SequenceToSequence as SequenceToSequence
from helpers.models.vae import VAE as VAE
from helpers.models.vae_latents import (
    ACTIVE_VARIANCE as ACTIVE_VARIANCE,
)
from helpers.models.vae_latents import (
    active_units as active_units,
)
from helpers.models.vae_latents import (
    interpolate as interpolate,
)
from helpers.models.vae_latents import (
    kl_per_dimension as kl_per_dimension,
)
from helpers.models.vae_latents import (
    latent_traversal as latent_traversal,
)
from helpers.models.waveform import WaveformModel as WaveformModel
