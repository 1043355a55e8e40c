"""A distribution over sound, one sample after the other."""

from typing import cast

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from helpers.checks import check_between, check_counts, check_data
from helpers.distributions import LogisticMixture
from helpers.networks import MLP, evaluating
from helpers.signal import mu_law_decode, mu_law_edges


class WaveformModel(nn.Module):
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

    edges: Tensor
    values: Tensor

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
        check_counts(context=context, classes=classes, components=components)
        self.context, self.classes, self.levels = context, classes, levels
        self.linear = nn.Linear(context, 1)
        self.net = MLP(context + classes, hidden, (3, components))
        self.register_buffer("edges", mu_law_edges(levels), persistent=False)
        values = mu_law_decode(torch.arange(levels), levels)
        self.register_buffer("values", values, persistent=False)
        last = cast(nn.Linear, self.net.layers[-1])
        with torch.no_grad():
            last.weight *= 0.1
            last.bias.zero_()
            last.bias[components : 2 * components] = torch.linspace(-4, -2, components)

    def predict(self, past: Tensor, y: Tensor) -> LogisticMixture:
        """The distributions of the codes after `past` (..., C) in sounds of class `y` (...)."""
        seen = torch.cat([5 * past, F.one_hot(y, self.classes).to(past)], -1)
        shift, log_scale, logits = self.net(seen).unbind(-2)  # (..., K) each
        log_scale = log_scale.clamp(-8, 2)
        mu = self.linear(past) + log_scale.exp() * shift
        return LogisticMixture(mu, log_scale, logits, self.edges)

    def windows(self, x: Tensor) -> Tensor:
        """The C samples before each one: codes (B, T) → (B, T, C), silence before the first."""
        return F.pad(self.values[x.long()], (self.context, -1)).unfold(1, self.context, 1)

    def log_conditionals(self, x: Tensor, y: Tensor) -> Tensor:
        """The terms of `log_prob`, one for each sample: (B, T) nats."""
        x = check_data("x", x, ("B", "T"), "integer", like=self.edges, low=0, high=self.levels - 1)
        y = self._classes(y, len(x))
        return self.predict(self.windows(x), y[:, None].expand_as(x)).log_prob(x)

    def log_prob(self, x: Tensor, y: Tensor) -> Tensor:
        """Log-probability of sounds (B, T), integer codes, of classes y (B,): (B,) nats."""
        return self.log_conditionals(x, y).sum(1)

    def loss(self, x: Tensor, y: Tensor, *, rng: Generator | None = None) -> dict[str, Tensor]:
        """Mean negative log-probability of a sound, nats, and the same for each sample."""
        nats = -self.log_prob(x, y)
        return {"loss": nats.mean(), "nats_per_symbol": nats.detach().mean() / x.shape[1]}

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

    def _classes(self, y: Tensor, n: int) -> Tensor:
        return check_data("y", y, (n,), "integer", like=self.edges, low=0, high=self.classes - 1)
