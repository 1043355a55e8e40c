"""Handwriting of a given text: a recurrent network that reads while it writes.

Taught in: applications/handwriting
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from helpers.checks import argument_error, check_between, check_counts, check_data
from helpers.data.strokes import encode
from helpers.data.strokes.sequences import check_strokes
from helpers.distributions import StrokeMixture
from helpers.models.handwriting import loss_terms
from helpers.networks import evaluating
from helpers.networks.pen import pen_inputs, pen_outputs, steps_before
from helpers.networks.soft_window import SoftWindow

#: hidden and cell state of the lower layer, what the window shows, its centres; state of the upper.
State = tuple[tuple[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor] | None]

LOOK = 8  # steps of the pen between two looks at whether all texts are finished


class Writing(NamedTuple):
    """What `HandwritingSynthesiser.write` returns."""

    x: Tensor  #: (N, T, 3), the pen's steps in the unit of the data, 0 behind the end
    lengths: Tensor  #: (N,) int64, steps of each
    attention: Tensor  #: (N, T, U + 1), weights phi of the letters, then behind the end
    finished: Tensor  #: (N,) bool, False where the longest time was up first


class HandwritingSynthesiser(nn.Module):
    r"""Two LSTM layers with a soft window on the text between them, and a mixture density output.

    $$h_t = \mathrm{LSTM}_1([x_{t-1}, w_{t-1}], h_{t-1}), \quad w_t = \mathrm{window}(h_t, c)$$
    $$g_t = \mathrm{LSTM}_2([x_{t-1}, h_t, w_t], g_{t-1})$$
    $$p(x_t \mid x_{<t}, c) = \mathrm{StrokeMixture}(x_t; W [g_t, h_t] + b)$$

    Units as in `helpers.models.handwriting.HandwritingPredictor`.

    Args:
        alphabet: the letters that it can write, each once.
        lower: units of the first layer.
        upper: units of the second layer.
        components: K, normals in the mixture.
        bumps: J, of the window.
        scale: typical length of an offset, in the unit of the data.
        letter_steps: steps that a letter takes on average, the window's speed before training.

    Reference: Graves, arXiv:1308.0850, section 5; two layers here, three there.
    """

    def __init__(
        self,
        alphabet: str,
        lower: int = 64,
        upper: int = 96,
        *,
        components: int = 6,
        bumps: int = 2,
        scale: float = 1.0,
        letter_steps: float = 12.0,
    ) -> None:
        super().__init__()
        if not alphabet or len(set(alphabet)) < len(alphabet):
            raise argument_error("alphabet", "hold different letters, at least one", repr(alphabet))
        check_counts(lower=lower, upper=upper, components=components, bumps=bumps)
        check_between("scale", scale, 0, ends="()")
        check_between("letter_steps", letter_steps, 0, ends="()")
        self.alphabet, self.scale, self.letter_steps = alphabet, float(scale), letter_steps
        letters = len(alphabet)
        self.from_pen = nn.Linear(3, 4 * lower)
        self.recurrent = nn.Linear(lower + letters, 4 * lower, bias=False)
        self.window = SoftWindow(lower, bumps, letter_steps=letter_steps)
        self.upper = nn.LSTM(3 + lower + letters, upper, batch_first=True)
        self.output = pen_outputs(upper + lower, components)
        with torch.no_grad():
            self.from_pen.bias[lower : 2 * lower] += 1.0  # open forget gates: remember at first

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Codes (N, U) of texts, for `loss` and `log_prob`; −1 behind the end of each."""
        return encode(texts, self.alphabet).to(self.output.weight.device)

    def predict(
        self, x: Tensor, codes: Tensor, state: State | None = None
    ) -> tuple[StrokeMixture, Tensor, State]:
        """The distributions of the steps after those of x (B, T, 3), the attention phi
        (B, T, U + 1), and the state to go on from.

        To predict a first step, begin with a row of zeros.
        """
        letters = F.one_hot(F.pad(codes, (0, 1), value=-1) + 1, len(self.alphabet) + 1)
        letters = letters[..., 1:].to(x.dtype)  # (B, U + 1, V), zeros behind the end
        x = pen_inputs(x, self.scale)
        (h, c, w, kappa), above = self._start(x) if state is None else state
        seen = []
        for from_pen in self.from_pen(x).unbind(1):
            gates = torch.addmm(from_pen, torch.cat([h, w], 1), self.recurrent.weight.T)
            i, f, o, new = gates.chunk(4, 1)  # (B, H) each
            c = f.sigmoid() * c + i.sigmoid() * new.tanh()
            h = o.sigmoid() * c.tanh()
            w, phi, kappa = self.window(h, kappa, letters)
            seen.append((h, w, phi))
        lower, views, attention = (torch.stack(part, 1) for part in zip(*seen))  # (B, T, …)
        g, above = self.upper(torch.cat([x, lower, views], -1), above)
        mixture = StrokeMixture(self.output(torch.cat([g, lower], -1))).scaled(self.scale)
        return mixture, attention, ((h, c, w, kappa), above)

    def _start(self, x: Tensor) -> State:
        """Zeros, and the window on the first letter."""
        steer, n = self.window.steer, len(x)
        h, w = x.new_zeros(n, steer.in_features), x.new_zeros(n, len(self.alphabet))
        return (h, h, w, x.new_zeros(n, steer.out_features // 3)), None

    def log_conditionals(self, x: Tensor, lengths: Tensor | None, codes: Tensor) -> Tensor:
        """The terms of `log_prob`, one for each step: (B, T) nats, 0 behind the end."""
        x, inside = check_strokes(x, lengths, self.output.weight)
        last = len(self.alphabet) - 1
        codes = check_data("codes", codes, (len(x), "U"), "integer", like=x, low=-1, high=last)
        return self.predict(steps_before(x), codes)[0].log_prob(x) * inside

    def log_prob(self, x: Tensor, lengths: Tensor | None, codes: Tensor) -> Tensor:
        """Log-density of whole sequences given their texts, (B, U) from `encode`: (B,) nats."""
        return self.log_conditionals(x, lengths, codes).sum(1)

    def loss(
        self, x: Tensor, lengths: Tensor | None, codes: Tensor, *, rng: Generator | None = None
    ) -> dict[str, Tensor]:
        """Mean negative log-density of a sequence given its text, nats; the same for a step."""
        return loss_terms(self.log_prob(x, lengths, codes), x, lengths)

    @torch.no_grad()
    def write(
        self,
        texts: Sequence[str],
        *,
        bias: float = 0.0,
        patience: float = 3.0,
        rng: Generator | None = None,
    ) -> Writing:
        r"""Write texts of letters of the alphabet, each until its attention has passed the last.

        A text of U letters ends at a lift of the pen after which the weight behind the last letter
        is larger than that of every letter, $\phi(t, U) > \phi(t, u)$ for all u < U; Graves does
        not wait for a lift.

        Args:
            texts: one or more.
            bias: 0 draws from the model; more gives neater writing, see `StrokeMixture.biased`.
            patience: stop anyway after this many times the average length of such a text.
            rng: draws the steps.
        """
        check_between("bias", bias, 0)
        check_between("patience", patience, 0, ends="()")
        codes = self.encode(texts)
        size = (codes >= 0).sum(1)  # (N,)
        place = torch.arange(codes.shape[1] + 1, device=codes.device)
        x, state = self.output.weight.new_zeros(len(texts), 1, 3), None
        done, lengths = size < 0, torch.zeros_like(size)
        drawn, seen = [], []
        with evaluating(self):
            for t in range(max(1, round(patience * self.letter_steps * codes.shape[1]))):
                mixture, phi, state = self.predict(x, codes, state)
                inside = phi[:, 0].masked_fill(place >= size[:, None], 0).amax(1)
                behind = phi[:, 0].gather(1, size[:, None])[:, 0]
                done = done | ((behind > inside) & (x[:, 0, 2] > 0.5))  # x is the step before
                if t % LOOK == 0 and done.all():  # each look stalls an accelerator
                    break
                x = mixture.biased(bias).sample(rng=rng)
                drawn.append(x * ~done[:, None, None])
                seen.append(phi * ~done[:, None, None])
                lengths = lengths + ~done
        x, attention = (torch.cat(part, 1)[:, : int(lengths.max())] for part in (drawn, seen))
        return Writing(x, lengths, attention, done)

    def sample(
        self, n: int, *, text: str, bias: float = 0.0, rng: Generator | None = None
    ) -> Tensor:
        """The same text n times: (n, T, 3), 0 behind the end of each; see `write`."""
        return self.write([text] * n, bias=bias, rng=rng).x
