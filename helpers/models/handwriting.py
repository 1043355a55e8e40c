"""Handwriting as a sequence model: a recurrent network that says where the pen goes next.

Taught in: applications/handwriting
"""

import torch
from torch import Generator, Tensor, nn

from helpers.checks import check_between, check_counts
from helpers.data.strokes.sequences import check_strokes
from helpers.distributions import StrokeMixture
from helpers.networks import evaluating
from helpers.networks.pen import pen_inputs, pen_outputs, steps_before

State = tuple[Tensor, Tensor]


def loss_terms(log_prob: Tensor, x: Tensor, lengths: Tensor | None) -> dict[str, Tensor]:
    """The loss of both models that write, −log p of a sequence, and the same for each step."""
    steps = x.shape[0] * x.shape[1] if lengths is None else lengths.sum()
    return {"loss": -log_prob.mean(), "nats_per_step": -log_prob.detach().sum() / steps}


class HandwritingPredictor(nn.Module):
    r"""LSTM with a mixture density output: the next step of the pen given all steps before.

    $$\log p(x_{1:T}) = \sum_{t=1}^T \log p(x_t \mid x_{<t})$$
    $$p(x_t \mid x_{<t}) = \mathrm{StrokeMixture}(x_t; W h_t + b), \quad
      h_t = \mathrm{LSTM}(x_{t-1}, h_{t-1}), \quad x_0 = 0$$

    The network works with offsets divided by `scale`; log-probabilities are for offsets in the
    unit of the data. T is given, not modelled.

    Args:
        hidden: H, units of the LSTM.
        components: K, normals in the mixture; 1 is a single Gaussian.
        scale: typical length of an offset, in the unit of the data.
        length: steps of a sample if nothing else is asked.
        min_std: blur that bounds the density, in units of `scale`, see `StrokeMixture`.

    Reference: Graves, arXiv:1308.0850, section 4; one layer here, three with skips there.
    """

    def __init__(
        self,
        hidden: int = 96,
        components: int = 8,
        *,
        scale: float = 1.0,
        length: int = 50,
        min_std: float = 0.0,
    ) -> None:
        super().__init__()
        check_counts(hidden=hidden, components=components, length=length)
        check_between("scale", scale, 0, ends="()")
        check_between("min_std", min_std, 0)
        self.scale, self.length, self.min_std = float(scale), length, min_std
        self.lstm = nn.LSTM(3, hidden, batch_first=True)
        self.output = pen_outputs(hidden, components)

    def predict(self, x: Tensor, state: State | None = None) -> tuple[StrokeMixture, State]:
        """The distributions of the steps after those of x (B, T, 3), and the state to go on from.

        To predict a first step, begin with a row of zeros.
        """
        h, state = self.lstm(pen_inputs(x, self.scale), state)
        return StrokeMixture(self.output(h), min_std=self.min_std).scaled(self.scale), state

    def log_conditionals(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The terms of `log_prob`, one for each step: (B, T) nats, 0 behind the end."""
        x, inside = check_strokes(x, lengths, self.output.weight)
        return self.predict(steps_before(x))[0].log_prob(x) * inside

    def log_prob(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Log-density of whole sequences: (B,) nats.

        Args:
            x: (B, T, 3), offsets in the unit of the data and 0 or 1, as `helpers.data.strokes`.
            lengths: (B,) integers, steps of each sequence, 1 … T; T for all without.
        """
        return self.log_conditionals(x, lengths).sum(1)

    def loss(
        self, x: Tensor, lengths: Tensor | None = None, *, rng: Generator | None = None
    ) -> dict[str, Tensor]:
        """Mean negative log-density of a sequence, nats, and the same for each step."""
        return loss_terms(self.log_prob(x, lengths), x, lengths)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        length: int | None = None,
        bias: float = 0.0,
        prompt: Tensor | None = None,
        rng: Generator | None = None,
    ) -> Tensor:
        """Sequences of the pen, (n, T, 3), in the unit of the data.

        Args:
            n: how many.
            length: their steps T; without it, that given to the constructor.
            bias: 0 draws from the model; more gives neater lines, see `StrokeMixture.biased`.
            prompt: (P, 3), real steps that every sequence carries on; they are not returned.
            rng: draws them.
        """
        length = self.length if length is None else length
        check_counts(length=length)
        check_between("bias", bias, 0)
        x = self.output.weight.new_zeros(n, 1, 3)
        if prompt is not None:
            given, _ = check_strokes(prompt[None], None, x, name="prompt[None]")
            x = torch.cat([x, given.expand(n, -1, -1)], 1)
        state, drawn = None, []
        with evaluating(self):
            for _ in range(length):
                mixture, state = self.predict(x, state)
                x = mixture.biased(bias).sample(rng=rng)[:, -1:]
                drawn.append(x)
        return torch.cat(drawn, 1)
