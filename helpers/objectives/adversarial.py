"""Losses of the adversarial game, as functions of the discriminator's logits.

A logit is the discriminator's last number before any sigmoid: D(x) = sigmoid(logit). Every function
gives one value for each example, to be minimised by the player in its name.

Taught in: models/gan
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import relu, softplus

from helpers.checks import check_shape


class Pair(NamedTuple):
    """What the two players minimise, given the logits a of real and b of generated examples."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


# softplus(-a) = -log D and softplus(b) = -log(1 - D), without overflow
KINDS = {
    # Goodfellow et al. 2014, arXiv 1406.2661: one value, which D raises and G lowers
    "minimax": Pair(lambda a, b: softplus(-a) + softplus(b), lambda b: -softplus(b)),
    # the same article: G raises log D, whose slope is steep where fakes are recognised
    "non-saturating": Pair(lambda a, b: softplus(-a) + softplus(b), lambda b: softplus(-b)),
    # Mao et al. 2016, arXiv 1611.04076: targets 1 for real and 0 for generated
    "least-squares": Pair(
        lambda a, b: 0.5 * (a - 1).square() + 0.5 * b.square(), lambda b: 0.5 * (b - 1).square()
    ),
    # Arjovsky et al. 2017, arXiv 1701.07875: for a discriminator of bounded slope
    "wasserstein": Pair(lambda a, b: b - a, lambda b: -b),
    # Miyato et al. 2018, arXiv 1802.05957: no gain beyond the margins 1 and -1
    "hinge": Pair(lambda a, b: relu(1 - a) + relu(1 + b), lambda b: -b),
}


def discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, kind: str = "non-saturating"
) -> Tensor:
    r"""What the discriminator minimises; by default $-\log D(x) - \log(1 - D(G(z)))$.

    Logits are (B,), `kind` is one of `KINDS`, the result is (B,), nats for the logarithmic kinds.

    >>> import torch
    >>> discriminator_loss(torch.zeros(2), torch.zeros(2))  # 2 log 2 where D = 1/2
    tensor([1.3863, 1.3863])
    """
    check_shape("real_logits", real_logits, ("B",), hint="squeeze the last 1")
    check_shape("fake_logits", fake_logits, tuple(real_logits.shape))
    return KINDS[kind].discriminator(real_logits, fake_logits)


def generator_loss(fake_logits: Tensor, kind: str = "non-saturating") -> Tensor:
    r"""What the generator minimises, as above; by default $-\log D(G(z))$."""
    return KINDS[kind].generator(fake_logits)


def optimal_logit(log_p_data: Tensor, log_p_model: Tensor) -> Tensor:
    r"""Logit of the best discriminator between two known densities, given in nats.

    $$ D^*(x) = \frac{p(x)}{p(x) + q(x)} = \sigma\bigl(\log p(x) - \log q(x)\bigr) $$
    """
    check_shape("log_p_model", log_p_model, tuple(log_p_data.shape))
    return log_p_data - log_p_model
