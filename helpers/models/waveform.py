"""A distribution over sound, one sample after the other."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from helpers.checks import check_between, check_counts, check_data
from helpers.distributions import LogisticMixture
from helpers.networks import MLP, CausalConvolutions, evaluating
from helpers.signal import mu_law_decode, mu_law_edges


class _SoundModel(nn.Module):
    """Codes, classes and the output of both models of samples; the terms are the subclass's."""

    edges: Tensor
    values: Tensor

    def __init__(self, context: int, classes: int, components: int, levels: int) -> None:
        super().__init__()
        check_counts(context=context, classes=classes, components=components)
        self.context, self.classes, self.levels = context, classes, levels
        self.components = components
        self.linear = nn.Linear(context, 1)
        self.register_buffer("edges", mu_law_edges(levels), persistent=False)
        values = mu_law_decode(torch.arange(levels), levels)
        self.register_buffer("values", values, persistent=False)

    def log_conditionals(self, x: Tensor, y: Tensor) -> Tensor:
        """The terms of `log_prob`, one for each sample: (B, T) nats."""
        raise NotImplementedError

    def log_prob(self, x: Tensor, y: Tensor) -> Tensor:
        """Log-probability of sounds (B, T), integer codes, of classes y (B,): (B,) nats."""
        return self.log_conditionals(x, y).sum(1)

    def loss(self, x: Tensor, y: Tensor, *, rng: Generator | None = None) -> dict[str, Tensor]:
        """Mean negative log-probability of a sound, nats, and the same for each sample."""
        nats = -self.log_prob(x, y)
        return {"loss": nats.mean(), "nats_per_symbol": nats.detach().mean() / x.shape[1]}

    def windows(self, x: Tensor) -> Tensor:
        """The C samples before each one: codes (B, T) → (B, T, C), silence before the first."""
        return F.pad(self.values[x.long()], (self.context, -1)).unfold(1, self.context, 1)

    def _inputs(self, past: Tensor, y: Tensor) -> Tensor:
        """What the network reads: samples (..., C) and the class (...)."""
        return torch.cat([5 * past, F.one_hot(y, self.classes).to(past)], -1)

    def _law(self, mu: Tensor, raw: Tensor) -> LogisticMixture:
        """The network's numbers (..., 3, K) move the linear prediction (..., 1)."""
        shift, log_scale, logits = raw.unbind(-2)  # (..., K) each
        log_scale = log_scale.clamp(-8, 2)
        return LogisticMixture(mu + log_scale.exp() * shift, log_scale, logits, self.edges)

    def _start(self, last: nn.Linear) -> None:
        """A last layer that hardly moves the linear prediction at first."""
        k = self.components
        with torch.no_grad():
            last.weight *= 0.1
            last.bias.zero_()
            last.bias[k : 2 * k] = torch.linspace(-4, -2, k)

    def _checked(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        x = check_data("x", x, ("B", "T"), "integer", like=self.edges, low=0, high=self.levels - 1)
        return x, self._classes(y, len(x))

    def _classes(self, y: Tensor, n: int) -> Tensor:
        return check_data("y", y, (n,), "integer", like=self.edges, low=0, high=self.classes - 1)


class WaveformModel(_SoundModel):
    r"""Each sample given the C before it and the class of the sound: a mixture of logistics.

    $$ \log p(x_{1:T} \mid y) = \sum_t \log p(x_t \mid x_{t-C:t-1}, y) $$

    Samples are codes of the μ-law. The centres of the mixture are those of a linear prediction,
    moved by a network, which also gives the scales and weights.

    Args:
        context: C, samples that are remembered.
        classes: number of classes.
        hidden: widths of the network's layers.
        components: K.
        levels: V, codes of the μ-law.

    Taught in: applications/speech
    """

    def __init__(
        self,
        context: int,
        *,
        classes: int,
        hidden: tuple[int, ...] = (128, 128),
        components: int = 3,
        levels: int = 256,
    ) -> None:
        super().__init__(context, classes, components, levels)
        self.net = MLP(context + classes, hidden, (3, components))
        self._start(cast(nn.Linear, self.net.layers[-1]))

    def predict(self, past: Tensor, y: Tensor) -> LogisticMixture:
        """The distributions of the codes after `past` (..., C) in sounds of class `y` (...)."""
        return self._law(self.linear(past), self.net(self._inputs(past, y)))

    def log_conditionals(self, x: Tensor, y: Tensor) -> Tensor:
        x, y = self._checked(x, y)
        return self.predict(self.windows(x), y[:, None].expand_as(x)).log_prob(x)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        y: Tensor,
        length: int,
        memory: int | None = None,
        rng: Generator | None = None,
    ) -> Tensor:
        """Sounds (n, length), int64 codes, drawn sample after sample.

        Args:
            n: how many.
            y: (n,) integers, the class of each.
            length: samples of each.
            memory: show the network this many samples of the past only, silence before them.
            rng: draws them.
        """
        check_counts(length=length)
        y = self._classes(y, n)
        memory = self.context if memory is None else memory
        check_between("memory", memory, 1, self.context)
        kept = torch.arange(self.context, device=y.device) >= self.context - memory
        past, drawn = self.edges.new_zeros(n, self.context), []
        with evaluating(self):
            for _ in range(length):
                drawn.append(self.predict(past * kept, y).sample(rng=rng)[:, None])
                past = torch.cat([past[:, 1:], self.values[drawn[-1]]], 1)
        return torch.cat(drawn, 1)


class DilatedWaveformModel(_SoundModel):
    """As `WaveformModel`, with a network of causal convolutions that sees R samples, not C.

    The linear prediction still sees the last C. A new sample costs one step of each layer, since
    the layers keep what they need of the past.

    Args:
        context: C, samples of the linear prediction.
        classes: number of classes.
        channels: width of the convolutions.
        dilations: of the layers, for R − 1 in all.
        components: K.
        levels: V, codes of the μ-law.

    Reference: van den Oord et al., arXiv:1609.03499.

    Taught in: applications/speech
    """

    def __init__(
        self,
        context: int,
        *,
        classes: int,
        channels: int = 32,
        dilations: Sequence[int] = (1, 2, 4, 8, 16, 32, 64, 128, 256),
        components: int = 3,
        levels: int = 256,
    ) -> None:
        super().__init__(context, classes, components, levels)
        self.net = CausalConvolutions(1 + classes, channels, 3 * components, dilations=dilations)
        self._start(self.net.last)

    def log_conditionals(self, x: Tensor, y: Tensor) -> Tensor:
        x, y = self._checked(x, y)
        past = self.windows(x)
        raw = self.net(self._inputs(past[..., -1:], y[:, None].expand_as(x)))
        return self._law(self.linear(past), self._split(raw)).log_prob(x)

    @torch.no_grad()
    def sample(self, n: int, *, y: Tensor, length: int, rng: Generator | None = None) -> Tensor:
        """Sounds (n, length) of the classes y (n,), int64 codes, drawn sample after sample."""
        check_counts(n=n, length=length)
        y = self._classes(y, n)
        past, state, drawn = self.edges.new_zeros(n, self.context), None, []
        for _ in range(length):
            raw, state = self.net.advance(self._inputs(past[:, None, -1:], y[:, None]), state)
            law = self._law(self.linear(past), self._split(raw[:, 0]))
            drawn.append(law.sample(rng=rng)[:, None])
            past = torch.cat([past[:, 1:], self.values[drawn[-1]]], 1)
        return torch.cat(drawn, 1)

    def _split(self, raw: Tensor) -> Tensor:
        return raw.reshape(*raw.shape[:-1], 3, self.components)
