r"""Handwriting of a given text: a recurrent network that reads while it writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.checks import (
    argument_error,
    check_at_least,
    check_integer,
    check_positive,
    check_range,
    check_same_device,
    check_shape,
)
from helpers.data.strokes import encode
from helpers.distributions import StrokeMixture
from helpers.models.handwriting import (
    check_strokes,
    loss_terms,
    masked,
    mixture_layer,
    shifted,
    standardised,
)
from helpers.networks import evaluating
from helpers.networks.soft_window import SoftWindow

#: hidden and cell state of the lower layer, what the window shows, its centres; state of the upper.
State = tuple[tuple[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor] | None]


class Writing(NamedTuple):
    r"""What `HandwritingSynthesiser.write` returns.

    Attributes:
        x: (N, T, 3), the pen's steps in the unit of the data, 0 behind the end.
        lengths: (N,) int64, steps of each.
        attention: (N, T, U + 1), weights phi of the letters at each step, then behind the end.
        finished: (N,) bool, False where the longest time was up first.
    """

    x: Tensor
    lengths: Tensor
    attention: Tensor
    finished: Tensor


class HandwritingSynthesiser(nn.Module):
    r"""Two LSTM layers with a soft window on the text between them, and a mixture density output.

    $$ h_t = \mathrm{LSTM}_1([x_{t-1}, w_{t-1}], h_{t-1}), \quad w_t = \mathrm{window}(h_t, c),
       \quad g_t = \mathrm{LSTM}_2([x_{t-1}, h_t, w_t], g_{t-1}), \quad
       p(x_t \mid x_{<t}, c) = \mathrm{StrokeMixture}(x_t; W [g_t, h_t] + b) $$

    Only the lower layer needs a loop over time in Python, because its input w is computed from its
    own output; the upper one runs over the whole sequence at once. Units as in
    `helpers.models.handwriting.HandwritingPredictor`.

    Args:
        alphabet: the letters that it can write.
        lower: units of the first layer.
        upper: units of the second layer.
        components: K, normals in the mixture.
        bumps: J, bumps of the window.
        scale: typical length of an offset, in the unit of the data.
        letter_steps: steps that a letter takes on average, the window's speed before training.

    Raises:
        ValueError: an empty alphabet or one with a letter twice, or a size out of range.

    Reference: Graves, arXiv:1308.0850, section 5; two layers here, three there.

    >>> model = HandwritingSynthesiser("abc", 8, 9, components=3)
    >>> model.sample(2, text="cab").shape[::2]
    torch.Size([2, 3])

    Taught in: applications/handwriting.
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
        check_at_least("lower", lower, 1)
        check_at_least("upper", upper, 1)
        check_positive("scale", scale)
        self.alphabet, self.scale, self.letter_steps = alphabet, float(scale), letter_steps
        letters = len(alphabet)
        self.from_pen = nn.Linear(3, 4 * lower)
        self.recurrent = nn.Linear(lower + letters, 4 * lower, bias=False)
        self.window = SoftWindow(lower, bumps, letter_steps=letter_steps)
        self.upper = nn.LSTM(3 + lower + letters, upper, batch_first=True)
        self.output = mixture_layer(upper + lower, components)
        with torch.no_grad():
            self.from_pen.bias[lower : 2 * lower] += 1.0  # open forget gates: remember at first

    def encode(self, texts: Sequence[str]) -> Tensor:
        r"""Codes (N, U) of texts for `log_prob`; errors as `helpers.data.strokes.encode`."""
        return encode(texts, self.alphabet).to(self.output.weight.device)

    def predict(
        self, x: Tensor, codes: Tensor, state: State | None = None
    ) -> tuple[StrokeMixture, Tensor, State]:
        r"""The distributions of the steps that follow x_1, x_2, …, given the text.

        Args:
            x: (B, T, 3); to predict a first step, begin with a row of zeros.
            codes: (B, U) int64, −1 behind the end of a text.
            state: from an earlier call; the start of a text without.

        Returns:
            Mixtures of batch shape (B, T) in the unit of the data; attention phi (B, T, U + 1);
            the state to go on from.
        """
        letters = F.one_hot(F.pad(codes, (0, 1), value=-1) + 1, len(self.alphabet) + 1)
        letters = letters[..., 1:].to(x.dtype)  # (B, U + 1, V), zeros behind the end
        x = standardised(x, self.scale)
        size = self.window.steer.in_features
        if state is None:
            zeros = x.new_zeros(len(x), 2 * size + len(self.alphabet))
            h, c, w = torch.split(zeros, [size, size, len(self.alphabet)], 1)
            kappa = x.new_zeros(len(x), self.window.steer.out_features // 3)
            above = None
        else:
            (h, c, w, kappa), above = state
        weights = self.recurrent.weight.T
        hs, ws, phis = [], [], []
        for from_pen in self.from_pen(x).unbind(1):  # slices would each pay for a whole gradient
            gates = torch.addmm(from_pen, torch.cat([h, w], 1), weights)  # (B, 4H)
            i, f, o = gates[:, : 3 * size].sigmoid().chunk(3, 1)
            c = f * c + i * gates[:, 3 * size :].tanh()
            h = o * c.tanh()
            w, phi, kappa = self.window(h, kappa, letters)
            hs.append(h)
            ws.append(w)
            phis.append(phi)
        lower = torch.stack(hs, 1)  # (B, T, H)
        g, above = self.upper(torch.cat([x, lower, torch.stack(ws, 1)], -1), above)
        raw = self.output(torch.cat([g, lower], -1))
        mixture = StrokeMixture(raw).scaled(self.scale)
        return mixture, torch.stack(phis, 1), ((h, c, w, kappa), above)

    def log_prob_steps(self, x: Tensor, lengths: Tensor | None, codes: Tensor) -> Tensor:
        r"""The terms of `log_prob`, one for each step: (B, T) nats, 0 behind the end."""
        x, lengths = check_strokes(x, lengths, self.output.weight)
        check_integer("codes", codes)
        check_shape("codes", codes, (len(x), "U"), hint="use model.encode(texts)")
        check_same_device("codes", codes, "the model", x.device)
        if x.device.type == "cpu":
            check_range("codes", codes, -1, len(self.alphabet) - 1, hint="use model.encode(texts)")
        mixture, _, _ = self.predict(shifted(x), codes)
        return masked(mixture.log_prob(x, check=False), lengths)

    def log_prob(self, x: Tensor, lengths: Tensor | None, codes: Tensor) -> Tensor:
        r"""Log-density of whole sequences given their texts: (B,) nats.

        Args:
            x: (B, T, 3), offsets in the unit of the data and 0 or 1.
            lengths: (B,) int64, steps of each sequence; None: all have T.
            codes: (B, U) int64 from `encode`.

        Raises:
            TypeError: a wrong type.
            ValueError: wrong shape, device, lengths, codes or values, or no sequences.
        """
        return self.log_prob_steps(x, lengths, codes).sum(1)

    def loss(
        self,
        x: Tensor,
        lengths: Tensor | None,
        codes: Tensor,
        *,
        rng: torch.Generator | None = None,
    ) -> dict[str, Tensor]:
        r"""Mean negative log-density of a sequence given its text, nats; the same for a step."""
        return loss_terms(self.log_prob_steps(x, lengths, codes), lengths)

    @torch.no_grad()
    def write(
        self,
        texts: Sequence[str],
        *,
        bias: float = 0.0,
        patience: float = 3.0,
        rng: torch.Generator | None = None,
    ) -> Writing:
        r"""Write texts, each until its attention has passed the last letter.

        A text of U letters ends at a lift of the pen after which the weight behind the last letter
        is larger than that of every letter, $\phi(t, U) > \phi(t, u)$ for all u < U.

        Args:
            texts: one or more, of letters of the alphabet.
            bias: 0 draws from the model; more gives neater writing, see `StrokeMixture.biased`.
            patience: stop anyway after this many times the average length of such a text.
            rng: draws the steps.

        Raises:
            ValueError: an empty text, an unknown letter, or an option out of range.

        Reference: Graves, arXiv:1308.0850, section 5; that it waits for a lift is ours.
        """
        check_positive("patience", patience)
        like = self.output.weight
        if rng is not None:
            check_same_device("rng", rng, "the model", like.device)
        codes = self.encode(texts)
        size = (codes >= 0).sum(1)  # (N,)
        place = torch.arange(codes.shape[1] + 1, device=like.device)
        x, state = like.new_zeros(len(texts), 1, 3), None
        done, lengths = size < 0, torch.zeros_like(size)
        drawn, seen = [], []
        limit = max(1, round(patience * self.letter_steps * codes.shape[1]))
        with evaluating(self):
            for _ in range(limit):
                mixture, phi, state = self.predict(x, codes, state)
                inside = phi[:, 0].masked_fill(place >= size[:, None], 0).amax(1)
                behind = phi[:, 0].gather(1, size[:, None])[:, 0]
                done = done | ((behind > inside) & (x[:, 0, 2] > 0.5))  # x is the step before
                if bool(done.all()):
                    break
                x = mixture.biased(bias).sample(rng=rng)
                drawn.append(x * ~done[:, None, None])
                seen.append(phi * ~done[:, None, None])
                lengths = lengths + ~done
        return Writing(torch.cat(drawn, 1), lengths, torch.cat(seen, 1), done)

    def sample(
        self, n: int, *, text: str, bias: float = 0.0, rng: torch.Generator | None = None
    ) -> Tensor:
        r"""The same text n times: (n, T, 3), 0 behind the end of each; see `write`."""
        check_at_least("n", n, 1)
        return self.write([text] * n, bias=bias, rng=rng).x
