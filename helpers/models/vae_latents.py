r"""Looking into the latent space of a VAE: paths through it, and which dimensions are in use."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from helpers.checks import argument_error, check_at_least, check_floating, check_shape
from helpers.models.vae import VAE
from helpers.networks import evaluating
from helpers.objectives.divergences import kl_standard_normal

#: A latent dimension is active where its posterior mean varies more than this over the data
#: (Burda et al., arXiv:1509.00519).
ACTIVE_VARIANCE = 0.01


@torch.no_grad()
def interpolate(model: VAE, x0: Tensor, x1: Tensor, steps: int) -> Tensor:
    r"""Decoded means along the straight line between two examples' posterior means.

    $$z_s = (1 - s)\,\mu(x_0) + s\,\mu(x_1), \qquad s = 0, \tfrac{1}{S-1}, \dots, 1$$

    Args:
        model: the VAE.
        x0: where the paths start, shape (B, *event).
        x1: where they end, same shape.
        steps: S, at least 2: number of points with both ends.

    Returns:
        Shape (B, S, *event), on the scale of ``model.decode_mean``.

    Raises:
        ValueError: the shapes differ, or `steps` is below 2.

    >>> from helpers.networks import MLP
    >>> model = VAE(MLP(6, [16], 4), MLP(2, [16], 6), 2)
    >>> interpolate(model, torch.zeros(3, 6), torch.ones(3, 6), 5).shape
    torch.Size([3, 5, 6])

    Taught in: Variational autoencoders.
    """
    check_at_least("steps", steps, 2)
    check_shape("x1", x1, tuple(x0.shape), hint="give as many ends as starts")
    with evaluating(model):
        z0, z1 = (model.posterior(x).mean[:, None] for x in (x0, x1))  # (B, 1, L)
    s = torch.linspace(0, 1, steps, device=z0.device, dtype=z0.dtype)[:, None]  # (S, 1)
    return model.decode_mean((1 - s) * z0 + s * z1)


@torch.no_grad()
def latent_traversal(
    model: VAE, x: Tensor, values: Tensor, *, dimensions: Sequence[int] | None = None
) -> Tensor:
    r"""Decoded means while one latent dimension at a time takes given values.

    Args:
        model: the VAE.
        x: one example, shape (1, *event); the other dimensions stay at its posterior mean.
        values: what the moving dimension is set to, shape (S,); the prior's scale is 1.
        dimensions: which latent dimensions to move, M of them; all L by default.

    Returns:
        Shape (M, S, *event), on the scale of ``model.decode_mean``.

    Raises:
        ValueError: more than one example, or a dimension that does not exist.

    >>> from helpers.networks import MLP
    >>> model = VAE(MLP(6, [16], 4), MLP(2, [16], 6), 2)
    >>> latent_traversal(model, torch.zeros(1, 6), torch.linspace(-2, 2, 7)).shape
    torch.Size([2, 7, 6])

    Taught in: Variational autoencoders.
    """
    check_floating("values", values)
    check_shape("values", values, ("S",))
    if len(x) != 1:
        raise argument_error("x", "hold one example", len(x), "select it with x[i : i + 1]")
    chosen = list(range(model.latent)) if dimensions is None else list(dimensions)
    for dimension in chosen:
        check_at_least("dimensions", dimension, 0)
        if dimension >= model.latent:
            expected = f"lie below {model.latent}, the number of latent dimensions"
            raise argument_error("dimensions", expected, dimension)
    with evaluating(model):
        mu = model.posterior(x).mean  # (1, L)
    z = mu.repeat(len(chosen), len(values), 1)  # (M, S, L)
    for row, dimension in enumerate(chosen):
        z[row, :, dimension] = values.to(z)
    return model.decode_mean(z)


@torch.no_grad()
def active_units(model: VAE, x: Tensor) -> Tensor:
    r"""How much each latent dimension's posterior mean varies over the data.

    $$A_l = \mathrm{Var}_{x}\left[\mu_l(x)\right]$$

    A dimension counts as active for A above `ACTIVE_VARIANCE` = 0.01; a collapsed one has q(z|x)
    equal to the prior for all x, and A near 0.

    Args:
        model: the VAE.
        x: data, shape (N, *event), at least 2 examples.

    Returns:
        Variances, shape (L,), never negative; the number of active units is
        ``(active_units(model, x) > ACTIVE_VARIANCE).sum()``.

    Raises:
        ValueError: fewer than 2 examples.

    Reference: Burda et al., arXiv:1509.00519.

    >>> from helpers.networks import MLP
    >>> model = VAE(MLP(6, [16], 4), MLP(2, [16], 6), 2)
    >>> active_units(model, torch.eye(6)).shape
    torch.Size([2])

    Taught in: Variational autoencoders.
    """
    if len(x) < 2:
        raise argument_error("x", "hold at least 2 examples", len(x), "a variance needs two")
    with evaluating(model):
        return model.posterior(x).mean.var(0)


@torch.no_grad()
def kl_per_dimension(model: VAE, x: Tensor) -> Tensor:
    r"""The KL of each latent dimension from its prior; the sum over L is the KL of the bound.

    $$\mathrm{KL}_l(x) = \tfrac12 \left(\mu_l^2 + \sigma_l^2 - 1 - \log \sigma_l^2\right)$$

    Args:
        model: the VAE.
        x: data, shape (B, *event).

    Returns:
        Shape (B, L), nats, never negative.

    >>> from helpers.networks import MLP
    >>> model = VAE(MLP(6, [16], 4), MLP(2, [16], 6), 2)
    >>> kl_per_dimension(model, torch.eye(6)).shape
    torch.Size([6, 2])

    Taught in: Variational autoencoders.
    """
    with evaluating(model):
        q = model.posterior(x)
    log_var = q.variance.log()
    return kl_standard_normal(q.mean[..., None], log_var[..., None])
