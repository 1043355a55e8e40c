"""One file for each family of generative models."""

from helpers.models.hybrids import VAEGAN, AdversarialAutoencoder
from helpers.models.ppca import ProbabilisticPCA
from helpers.models.vae import VAE
from helpers.models.vae_latents import (
    ACTIVE_VARIANCE,
    active_units,
    interpolate,
    kl_per_dimension,
    latent_traversal,
)

__all__ = [
    "ACTIVE_VARIANCE",
    "VAE",
    "VAEGAN",
    "AdversarialAutoencoder",
    "ProbabilisticPCA",
    "active_units",
    "interpolate",
    "kl_per_dimension",
    "latent_traversal",
]
