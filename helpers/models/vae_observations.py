r"""Observation models p(x|z) of a VAE: what the decoder's output means.

The decoder gives parameters, shape (N, *event), with V logits for each value in dimension 1 for
the categorical. Each class turns them into a distribution, and computes its log-likelihood along
the fast path of training, without the argument checks of ``torch.distributions``.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Bernoulli, Categorical, Distribution, Independent, Normal

from helpers.checks import (
    argument_error,
    check_at_least,
    check_finite,
    check_floating,
    check_integer,
    check_option,
    check_positive,
    check_range,
)
from helpers.random import normal

LIKELIHOODS = ("bernoulli", "categorical", "gaussian")


class BernoulliObservation(nn.Module):
    r"""Independent binary values: $\log p(x|z) = \sum_d x_d \log p_d + (1 - x_d) \log(1 - p_d)$.

    Args:
        allow_grey: accept x in [0, 1]. The formula is then the binary cross-entropy and no
            likelihood: over [0, 1] it does not integrate to 1, so its value compares with nothing.

    >>> BernoulliObservation().log_prob(torch.zeros(2, 3), torch.ones(2, 3))
    tensor([-2.0794, -2.0794])

    Taught in: Variational autoencoders.
    """

    def __init__(self, *, allow_grey: bool = False) -> None:
        super().__init__()
        self.allow_grey = allow_grey

    def check_type(self, x: Tensor) -> None:
        check_floating("x", x)

    def check_values(self, x: Tensor) -> None:
        if self.allow_grey:
            check_range("x", x, 0, 1)
            return
        # x − x² is zero for 0 and 1 and for nothing else; NaN is unequal to zero
        low, high = torch.aminmax(torch.addcmul(x, x, x, value=-1))
        if low.item() != 0 or high.item() != 0:
            check_finite("x", x)
            got = f"values from {x.min().item():.6g} to {x.max().item():.6g}"
            hint = "binarise it, or use likelihood='categorical'"
            raise argument_error("x", "hold only 0 and 1 for the Bernoulli likelihood", got, hint)

    def encoder_input(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        return x

    def event_shape(self, parameters: Tensor) -> tuple[int, ...]:
        return parameters.shape[1:]

    def log_prob(self, parameters: Tensor, x: Tensor) -> Tensor:
        nll = F.binary_cross_entropy_with_logits(parameters, x, reduction="none")
        return -nll.flatten(1).sum(1)

    def distribution(self, parameters: Tensor, batch: tuple[int, ...]) -> Distribution:
        logits = parameters.reshape(*batch, *parameters.shape[1:])
        check = False if self.allow_grey else None
        return Independent(Bernoulli(logits=logits, validate_args=check), parameters.ndim - 1)

    def mean(self, parameters: Tensor) -> Tensor:
        return parameters.sigmoid()

    def sample(self, parameters: Tensor, rng: torch.Generator | None) -> Tensor:
        return torch.bernoulli(parameters.sigmoid(), generator=rng)


class CategoricalObservation(nn.Module):
    r"""Independent values with V levels: $\log p(x|z) = \sum_d \log \mathrm{softmax}(l_d)_{x_d}$.

    Args:
        num_levels: V, the number of levels; x holds the integers 0 to V − 1.

    >>> CategoricalObservation(4).log_prob(torch.zeros(2, 4, 3), torch.ones(2, 3).long())
    tensor([-4.1589, -4.1589])

    Taught in: Variational autoencoders.
    """

    def __init__(self, num_levels: int) -> None:
        super().__init__()
        check_at_least("num_levels", num_levels, 2)
        self.num_levels = num_levels

    def check_type(self, x: Tensor) -> None:
        check_integer("x", x)
        if x.dtype != torch.int64:
            raise argument_error(
                "x", "be an int64 tensor", x.dtype, "convert it with x.long()", TypeError
            )

    def check_values(self, x: Tensor) -> None:
        check_range("x", x, 0, self.num_levels - 1, hint="levels are the integers below num_levels")

    def encoder_input(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        return x.to(dtype) / (self.num_levels - 1)

    def event_shape(self, parameters: Tensor) -> tuple[int, ...]:
        if parameters.ndim < 3 or parameters.shape[1] != self.num_levels:
            expected = f"return shape (B, {self.num_levels}, *event)"
            raise argument_error("decoder", expected, tuple(parameters.shape), "one logit a level")
        return parameters.shape[2:]

    def log_prob(self, parameters: Tensor, x: Tensor) -> Tensor:
        nll = F.cross_entropy(parameters, x, reduction="none")
        return -nll.flatten(1).sum(1)

    def distribution(self, parameters: Tensor, batch: tuple[int, ...]) -> Distribution:
        logits = parameters.movedim(1, -1)  # (N, *event, V)
        logits = logits.reshape(*batch, *logits.shape[1:])
        return Independent(Categorical(logits=logits), parameters.ndim - 2)

    def mean(self, parameters: Tensor) -> Tensor:
        levels = torch.linspace(0, 1, self.num_levels).to(parameters)
        return torch.einsum("nv...,v->n...", parameters.softmax(1), levels)

    def sample(self, parameters: Tensor, rng: torch.Generator | None) -> Tensor:
        probabilities = parameters.movedim(1, -1).softmax(-1)  # (N, *event, V)
        rows = probabilities.reshape(-1, self.num_levels)
        drawn = torch.multinomial(rows, 1, generator=rng)
        return drawn.reshape(probabilities.shape[:-1])  # (N, *event)


class GaussianObservation(nn.Module):
    r"""Independent normal values: $\log p(x|z) = \sum_d \log \mathcal N(x_d; \mu_d, \sigma^2)$.

    Args:
        std: the noise's standard deviation, in units of x; or ``"learned"`` for one scalar
            parameter that starts at 1. A fixed std sets the weight of reconstruction against KL as
            surely as beta does; learning it removes that choice, and is sound as long as the data
            are not constant or discrete (the likelihood of discrete data is unbounded).

    >>> GaussianObservation(1.0).log_prob(torch.zeros(2, 3), torch.zeros(2, 3))
    tensor([-2.7568, -2.7568])

    Taught in: Variational autoencoders.
    """

    log_std: Tensor

    def __init__(self, std: float | str) -> None:
        super().__init__()
        if std == "learned":
            self.log_std = nn.Parameter(torch.zeros(()))
        elif isinstance(std, str):
            raise argument_error("std", "be a positive number or 'learned'", repr(std))
        else:
            check_positive("std", std)
            self.register_buffer("log_std", torch.tensor(math.log(std)))

    def check_type(self, x: Tensor) -> None:
        check_floating("x", x)

    def check_values(self, x: Tensor) -> None:
        check_finite("x", x)

    def encoder_input(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        return x

    def event_shape(self, parameters: Tensor) -> tuple[int, ...]:
        return parameters.shape[1:]

    def log_prob(self, parameters: Tensor, x: Tensor) -> Tensor:
        squares = (x - parameters).flatten(1).square().sum(1) * torch.exp(-2 * self.log_std)
        constant = self.log_std + 0.5 * math.log(2 * math.pi)
        return -0.5 * squares - parameters[0].numel() * constant

    def distribution(self, parameters: Tensor, batch: tuple[int, ...]) -> Distribution:
        mu = parameters.reshape(*batch, *parameters.shape[1:])
        std = self.log_std.exp().to(mu.dtype).expand(mu.shape)
        return Independent(Normal(mu, std), parameters.ndim - 1)

    def mean(self, parameters: Tensor) -> Tensor:
        return parameters

    def sample(self, parameters: Tensor, rng: torch.Generator | None) -> Tensor:
        eps = normal(parameters.shape, parameters, rng)
        return parameters + self.log_std.exp() * eps


Observation = BernoulliObservation | CategoricalObservation | GaussianObservation


def make_observation(
    likelihood: str, *, num_levels: int, std: float | str, allow_grey: bool
) -> Observation:
    r"""The observation model called `likelihood`.

    >>> make_observation("poisson", num_levels=17, std=1.0, allow_grey=False)
    Traceback (most recent call last):
    ValueError: likelihood must be one of 'bernoulli', 'categorical', 'gaussian', got 'poisson'
    """
    check_option("likelihood", likelihood, LIKELIHOODS)
    if likelihood == "bernoulli":
        return BernoulliObservation(allow_grey=allow_grey)
    if likelihood == "categorical":
        return CategoricalObservation(num_levels)
    return GaussianObservation(std)
