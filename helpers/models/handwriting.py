r"""Handwriting as a sequence model: a recurrent network that says where the pen goes next."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.checks import (
    check_at_least,
    check_finite,
    check_floating,
    check_integer,
    check_nonempty,
    check_positive,
    check_range,
    check_same_device,
    check_shape,
    check_tensor,
)
from helpers.distributions import StrokeMixture
from helpers.networks import evaluating

State = tuple[Tensor, Tensor]


class HandwritingPredictor(nn.Module):
    r"""LSTM with a mixture density output: the next step of the pen given all steps before.

    $$ \log p(x_{1:T}) = \sum_{t=1}^T \log p(x_t \mid x_{<t}), \qquad
       p(x_t \mid x_{<t}) = \mathrm{StrokeMixture}(x_t; W h_t + b), \qquad
       h_t = \mathrm{LSTM}(x_{t-1}, h_{t-1}), \quad x_0 = 0 $$

    The network works with offsets divided by `scale`. All log-probabilities are in nats for
    offsets in the unit of the data, so that they do not depend on `scale`; they do depend on the
    unit. The number of steps T is given, not modelled.

    Args:
        hidden: H, units of the LSTM.
        components: K, normals in the mixture; 1 is a single Gaussian.
        scale: typical length of an offset, in the unit of the data.
        steps: length of a sample if nothing else is asked.
        min_std: blur that bounds the density, in units of `scale`, see `StrokeMixture`.

    Raises:
        ValueError: a size or the scale is out of range.

    Reference: Graves, arXiv:1308.0850, section 4; one layer here, three with skips there.

    >>> model = HandwritingPredictor(8, 3, scale=0.3)
    >>> x = torch.tensor([[[0.1, 0.2, 0.0], [0.3, 0.0, 1.0]]])
    >>> model.log_prob(x).shape, model.sample(4, steps=6).shape
    (torch.Size([1]), torch.Size([4, 6, 3]))

    Taught in: applications/handwriting.
    """

    def __init__(
        self,
        hidden: int = 96,
        components: int = 8,
        *,
        scale: float = 1.0,
        steps: int = 50,
        min_std: float = 0.0,
    ) -> None:
        super().__init__()
        for name, value in (("hidden", hidden), ("components", components), ("steps", steps)):
            check_at_least(name, value, 1)
        check_positive("scale", scale)
        self.scale, self.steps, self.min_std = float(scale), steps, min_std
        self.lstm = nn.LSTM(3, hidden, batch_first=True)
        self.output = mixture_layer(hidden, components)

    def predict(self, x: Tensor, state: State | None = None) -> tuple[StrokeMixture, State]:
        r"""The distributions of the steps that follow x_1, x_2, …, each given all before it.

        Args:
            x: (B, T, 3); to predict a first step, begin with a row of zeros.
            state: of the LSTM, from an earlier call; zeros without.

        Returns:
            Mixtures of batch shape (B, T) in the unit of the data, and the state to go on from.
        """
        h, state = self.lstm(standardised(x, self.scale), state)
        return StrokeMixture(self.output(h), min_std=self.min_std).scaled(self.scale), state

    def log_prob_steps(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        r"""The terms of `log_prob`, one for each step: (B, T) nats, 0 behind the end."""
        x, lengths = check_strokes(x, lengths, self.output.weight)
        mixture, _ = self.predict(shifted(x))
        return masked(mixture.log_prob(x, check=False), lengths)

    def log_prob(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        r"""Log-density of whole sequences.

        Args:
            x: (B, T, 3), offsets in the unit of the data and 0 or 1, as `helpers.data.strokes`.
            lengths: (B,) int64, steps of each sequence, 1 … T; T for all without.

        Returns:
            (B,), nats: a density in 2T dimensions of that unit, which may well be positive.

        Raises:
            TypeError: a wrong type.
            ValueError: wrong shape, device, lengths or values, or no sequences.
        """
        return self.log_prob_steps(x, lengths).sum(1)

    def loss(
        self,
        x: Tensor,
        lengths: Tensor | None = None,
        *,
        rng: torch.Generator | None = None,
    ) -> dict[str, Tensor]:
        r"""Mean negative log-density of a sequence, nats, and the same for each step.

        Args:
            x: see `log_prob`.
            lengths: see `log_prob`.
            rng: not needed, nothing is drawn.
        """
        return loss_terms(self.log_prob_steps(x, lengths), lengths)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        steps: int | None = None,
        bias: float = 0.0,
        prefix: Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Tensor:
        r"""Sequences of the pen.

        Args:
            n: how many.
            steps: their length T; by default that given to the constructor.
            bias: 0 draws from the model; more gives neater lines, see `StrokeMixture.biased`.
            prefix: (P, 3), real steps with which every sequence begins; the samples carry on.
            rng: draws them.

        Returns:
            (n, T, 3) without the prefix, in the unit of the data.
        """
        check_at_least("n", n, 1)
        steps = self.steps if steps is None else steps
        check_at_least("steps", steps, 1)
        like = self.output.weight
        if rng is not None:
            check_same_device("rng", rng, "the model", like.device)
        x = like.new_zeros(n, 1, 3)
        if prefix is not None:
            check_shape("prefix", prefix, ("P", 3))
            given, _ = check_strokes(prefix[None], None, like, name="prefix")
            x = torch.cat([x, given.expand(n, -1, -1)], 1)
        state, drawn = None, []
        with evaluating(self):
            for _ in range(steps):
                mixture, state = self.predict(x, state)
                x = mixture.biased(bias).sample(rng=rng)[:, -1:]
                drawn.append(x)
        return torch.cat(drawn, 1)


def mixture_layer(width: int, components: int) -> nn.Linear:
    r"""The layer before a `StrokeMixture`; its means start apart, so that they share the work."""
    layer = nn.Linear(width, 6 * components + 1)
    with torch.no_grad():
        layer.bias.zero_()
        layer.bias[components : 3 * components].normal_(std=0.5)
    return layer


def standardised(x: Tensor, scale: float) -> Tensor:
    r"""Offsets divided by the scale, lifts as they are: (..., 3) → (..., 3)."""
    return torch.cat([x[..., :2] / scale, x[..., 2:]], -1)


def shifted(x: Tensor) -> Tensor:
    r"""What is known before each step: x_0 = 0, x_1, …, x_{T−1}: (B, T, 3) → (B, T, 3)."""
    return F.pad(x, (0, 0, 1, -1))


def masked(nats: Tensor, lengths: Tensor | None) -> Tensor:
    r"""Zeros behind the ends of the sequences: (B, T) → (B, T)."""
    if lengths is None:
        return nats
    inside = torch.arange(nats.shape[1], device=nats.device) < lengths[:, None]
    return torch.where(inside, nats, torch.zeros_like(nats))


def loss_terms(log_prob_steps: Tensor, lengths: Tensor | None) -> dict[str, Tensor]:
    r"""``loss``, nats for each sequence, and ``nll_per_step``, nats, from (B, T) with zeros."""
    nll = -log_prob_steps.sum(1)  # (B,)
    steps = log_prob_steps.numel() if lengths is None else lengths.sum()
    return {"loss": nll.mean(), "nll_per_step": nll.detach().sum() / steps}


def check_strokes(
    x: Tensor, lengths: Tensor | None, like: Tensor, *, name: str = "x"
) -> tuple[Tensor, Tensor | None]:
    r"""Raise unless x (B, T, 3) and its lengths are fit for a model whose weights are `like`."""
    check_tensor(name, x)
    check_shape(name, x, ("B", "T", 3), hint="one row for each step: dx, dy, and 1 at a lift")
    check_nonempty(name, x)
    check_floating(name, x)
    check_same_device(name, x, "the model", like.device)
    if x.device.type == "cpu":
        check_finite(name, x)
        check_range(f"{name}[..., 2]", x[..., 2], 0, 1, hint="1 where the pen lifts, else 0")
    if lengths is not None:
        check_integer("lengths", lengths)
        check_shape("lengths", lengths, (len(x),))
        check_same_device("lengths", lengths, "the model", like.device)
        if x.device.type == "cpu":
            check_range("lengths", lengths, 1, x.shape[1], hint="steps of each sequence")
    return x, lengths
