"""Looking into the latent space of a VAE: paths through it, and which dimensions are in use.

Taught in: models/vae
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from helpers.checks import argument_error
from helpers.distributions import Gaussian
from helpers.models.vae import VAE
from helpers.networks import evaluating


@torch.no_grad()
def interpolate(model: VAE, x0: Tensor, x1: Tensor, steps: int) -> Tensor:
    r"""Decoded means along the straight line between two examples' posterior means.

    $$z_s = (1 - s)\,\mu(x_0) + s\,\mu(x_1), \qquad s = 0, \tfrac{1}{S-1}, \dots, 1$$

    Starts and ends (B, *event) to S = `steps` points with both ends, (B, S, *event), on the scale
    of ``model.decode_mean``.
    """
    with evaluating(model):
        z0, z1 = (model.posterior(x).mean[:, None] for x in (x0, x1))  # (B, 1, L)
    s = torch.linspace(0, 1, steps, device=z0.device, dtype=z0.dtype)[:, None]  # (S, 1)
    return model.decode_mean((1 - s) * z0 + s * z1)


@torch.no_grad()
def latent_traversal(
    model: VAE, x: Tensor, values: Tensor, *, dimensions: Sequence[int] | None = None
) -> Tensor:
    """Decoded means while one latent dimension at a time takes given values.

    Args:
        model: a VAE.
        x: one example, (1, *event); the other dimensions stay at its posterior mean.
        values: what the moving dimension is set to, (S,); the prior's scale is 1.
        dimensions: which latent dimensions to move, M of them; all L by default.

    Returns:
        (M, S, *event), on the scale of ``model.decode_mean``.
    """
    if len(x) != 1:
        raise argument_error("x", "hold one example", len(x), "select it with x[i : i + 1]")
    chosen = range(model.latent) if dimensions is None else dimensions
    with evaluating(model):
        mu = model.posterior(x).mean  # (1, L)
    z = mu.repeat(len(chosen), len(values), 1)  # (M, S, L)
    for row, dimension in enumerate(chosen):
        z[row, :, dimension] = values.to(z)
    return model.decode_mean(z)


@torch.no_grad()
def active_units(model: VAE, x: Tensor) -> Tensor:
    r"""How much each latent dimension's posterior mean varies over the data: (N, *event) to (L,).

    $$A_l = \mathrm{Var}_{x}\left[\mu_l(x)\right]$$

    A dimension counts as active for A above 0.01; a collapsed one has q(z|x) equal to the prior for
    all x, and A near 0. Reference: Burda et al., arXiv:1509.00519.
    """
    if len(x) < 2:
        raise argument_error("x", "hold at least 2 examples", len(x), "a variance needs two")
    with evaluating(model):
        mean: Tensor = model.posterior(x).mean
    return mean.var(0)


@torch.no_grad()
def kl_per_dimension(model: VAE, x: Tensor) -> Tensor:
    """The KL of each latent dimension from its prior, (B, L), nats: L terms of the bound's KL."""
    with evaluating(model):
        q = model.posterior(x)
    alone = Gaussian(q.mean.reshape(-1, 1), q.log_std.reshape(-1, 1))  # (B·L, 1): each by itself
    return alone.kl_standard().reshape(q.mean.shape)
