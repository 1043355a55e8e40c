r"""A distribution over sound, one sample after the other."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.checks import (
    argument_error,
    check_at_least,
    check_integer,
    check_range,
    check_shape,
)
from helpers.networks.dense import MLP
from helpers.networks.evaluation import evaluating
from helpers.signal.mu_law import mu_law_decode, mu_law_expand


def code_edges(levels: int = 256) -> Tensor:
    r"""The V + 1 borders of the bins of the μ-law: −∞, the points half a level between, ∞.

    >>> code_edges(4)
    tensor([   -inf, -0.5066,  0.0000,  0.5066,     inf])
    """
    check_at_least("levels", levels, 2)
    mu = levels - 1
    squeezed = (2 * torch.arange(1, levels) - 1 - mu) / mu
    inner = mu_law_expand(squeezed, mu)
    ends = torch.tensor([math.inf])
    return torch.cat([-ends, inner, ends])


def code_log_prob(
    code: Tensor, mean: Tensor, log_scale: Tensor, log_weight: Tensor, edges: Tensor
) -> Tensor:
    r"""Log-probability of a code: a mixture of logistic densities, integrated over its bin.

    $$ P(v) = \sum_k \pi_k \big( \sigma((b_{v+1} - m_k)/s_k) - \sigma((b_v - m_k)/s_k) \big) $$

    Args:
        code: (...) int64, 0 … V − 1.
        mean: (..., K), m.
        log_scale: (..., K), log s.
        log_weight: (..., K), log π, normalised.
        edges: (V + 1,), b, from −∞ to ∞.

    Returns:
        (...), nats; the V probabilities sum to 1.

    Taught in: applications/speech.
    """
    low, high = edges[code][..., None], edges[code + 1][..., None]
    a, b = (low - mean) / log_scale.exp(), (high - mean) / log_scale.exp()
    # σ(b) − σ(a) = σ(b) σ(−a) (1 − e^{a−b}): no difference of two numbers near 1.
    log_mass = F.logsigmoid(b) + F.logsigmoid(-a) + torch.log(-torch.expm1(a - b))
    return torch.logsumexp(log_weight + log_mass, -1)


class WaveformModel(nn.Module):
    r"""Each sample given the C before it and the class of the sound: a mixture of logistics.

    The centres are those of a linear prediction, moved by a network, which also gives the scales
    and weights. Before the first sample there was silence.

    Args:
        context: C, samples that are remembered.
        classes: number of classes.
        hidden: widths of the network's layers.
        components: K.
        levels: V, codes of the μ-law.

    Raises:
        ValueError: a size out of range.

    >>> model = WaveformModel(16, classes=5)
    >>> code = torch.randint(256, (3, 100))
    >>> model.log_conditionals(code, torch.tensor([0, 4, 1])).shape
    torch.Size([3, 100])
    >>> model.sample(torch.tensor([2, 2]), length=30).shape
    torch.Size([2, 30])

    Taught in: applications/speech.
    """

    edges: Tensor

    def __init__(
        self,
        context: int,
        *,
        classes: int,
        hidden: tuple[int, ...] = (128, 128),
        components: int = 3,
        levels: int = 256,
    ) -> None:
        super().__init__()
        check_at_least("context", context, 1)
        check_at_least("classes", classes, 1)
        check_at_least("components", components, 1)
        self.context, self.classes, self.levels = context, classes, levels
        self.linear = nn.Linear(context, 1)
        self.net = MLP(context + classes, hidden, (3, components))
        self.register_buffer("edges", code_edges(levels), persistent=False)
        last = cast(nn.Linear, self.net.layers[-1])
        with torch.no_grad():
            last.weight *= 0.1
            last.bias.zero_()
            last.bias[components : 2 * components] = torch.linspace(-4, -2, components)

    def parameters_of(self, past: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        r"""Centres, log scales and log weights, (..., K) each, after `past` (..., C)."""
        seen = torch.cat([5 * past, F.one_hot(y, self.classes).to(past)], -1)
        raw = self.net(seen)
        scale = raw[..., 1, :].clamp(-8, 2)
        mean = self.linear(past) + scale.exp() * raw[..., 0, :]
        return mean, scale, raw[..., 2, :].log_softmax(-1)

    def log_prob_next(self, code: Tensor, past: Tensor, y: Tensor) -> Tensor:
        r"""Log-probability of `code` (...) after the samples `past` (..., C), class `y` (...)."""
        return code_log_prob(code, *self.parameters_of(past, y), self.edges)

    def windows(self, code: Tensor) -> Tensor:
        r"""The C samples before each one, (N, T, C): a view, silence before the first."""
        wave = mu_law_decode(code, self.levels).to(self.edges)
        return F.pad(wave, (self.context, -1)).unfold(1, self.context, 1)

    def log_conditionals(self, code: Tensor, y: Tensor) -> Tensor:
        r"""Log-probability of each sample given those before it: codes (N, T), y (N,) to (N, T).

        Raises:
            TypeError: the codes are no integers.
            ValueError: a code or a class out of range, or a wrong shape.
        """
        check_integer("code", code)
        check_shape("code", code, ("N", "T"))
        check_range("code", code, 0, self.levels - 1, hint="encode with mu_law_encode")
        check_shape("y", y, (len(code),))
        check_range("y", y, 0, self.classes - 1)
        each = y[:, None].expand_as(code)
        return self.log_prob_next(code, self.windows(code), each)

    @torch.no_grad()
    def sample(
        self,
        y: Tensor,
        *,
        length: int,
        memory: int | None = None,
        rng: torch.Generator | None = None,
    ) -> Tensor:
        r"""Draw sounds of the classes `y` (N,), sample after sample: codes (N, length).

        Args:
            y: classes.
            length: samples to draw, at least 1.
            memory: show the network this many samples of the past only, silence before them.
            rng: draws the component and the value of each sample.

        Raises:
            ValueError: an unknown class, a length below 1, or a memory outside 1 … C.
        """
        check_at_least("length", length, 1)
        check_integer("y", y)
        check_range("y", y, 0, self.classes - 1)
        memory = self.context if memory is None else memory
        if not 1 <= memory <= self.context:
            raise argument_error("memory", f"lie in [1, {self.context}]", memory)
        kept = torch.arange(self.context, device=y.device) >= self.context - memory
        past, drawn = self.edges.new_zeros(len(y), self.context), []
        inner = self.edges[1:-1].contiguous()
        with evaluating(self):
            for _ in range(length):
                mean, scale, weight = self.parameters_of(past * kept, y)
                k = torch.multinomial(weight.exp(), 1, generator=rng)
                u = torch.rand(len(y), 1, generator=rng, device=y.device).to(past)
                u = u.clamp(1e-7, 1 - 1e-7)
                value = mean.gather(1, k) + scale.gather(1, k).exp() * torch.logit(u)
                code = torch.bucketize(value, inner, right=True)
                drawn.append(code)
                past = torch.cat([past[:, 1:], mu_law_decode(code, self.levels).to(past)], 1)
        return torch.cat(drawn, 1)
