"""One file for each family of generative models."""

from helpers.models.gan import GAN
from helpers.models.ppca import ProbabilisticPCA
from helpers.models.vae import VAE

__all__ = ["GAN", "VAE", "ProbabilisticPCA"]
