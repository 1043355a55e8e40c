"""Causal convolutions with holes: a long memory from few layers."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from helpers.checks import check_counts, check_shape


class DilatedLayer(nn.Module):
    r"""A gated layer over time that looks at two places, now and $d$ steps before.

    With $s_t = [h_{t - d}, h_t]$, zeros before the first step, and biases beside the matrices,

    $$ h'_t = h_t + V \big( \tanh(A s_t) \odot \sigma(B s_t) \big) $$

    One more linear map of the same product is for the output of the network.

    Reference: van den Oord et al., arXiv:1609.03499, section 2.

    Taught in: applications/speech
    """

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        check_counts(dilation=dilation)
        self.dilation = dilation
        self.gates = nn.Linear(2 * channels, 2 * channels)  # A and B
        self.ways = nn.Linear(channels, 2 * channels)  # V, and the way out

    def forward(self, h: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, channels) → h', what goes out, and the last d steps of the input."""
        if past is None:
            past = h.new_zeros(len(h), self.dilation, h.shape[2])
        seen = torch.cat([past, h], 1)  # (B, d + T, channels)
        a, b = self.gates(torch.cat([seen[:, : -self.dilation], h], 2)).chunk(2, 2)
        on, out = self.ways(a.tanh() * b.sigmoid()).chunk(2, 2)
        return h + on, out, seen[:, -self.dilation :]


class CausalConvolutions(nn.Module):
    r"""Dilated layers on top of each other: outputs that see a long past and nothing later.

    Each output sees the inputs of the last $R = 1 + \sum_l d_l$ steps, its own among them.

    Shapes: (B, T, inputs) to (B, T, outputs).

    Args:
        inputs: numbers that come in at each step.
        channels: numbers that a layer has at each step.
        outputs: numbers that go out.
        dilations: d of each layer; 1, 2, 4, … see most with fewest layers.

    Reference: van den Oord et al., arXiv:1609.03499, section 2.

    Taught in: applications/speech
    """

    def __init__(
        self, inputs: int, channels: int, outputs: int, *, dilations: Sequence[int]
    ) -> None:
        super().__init__()
        self.receptive_field = 1 + sum(dilations)
        self.first = nn.Linear(inputs, channels)
        self.layers = nn.ModuleList(DilatedLayer(channels, d) for d in dilations)
        self.last = nn.Linear(channels, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.advance(x)[0]

    def advance(self, x: Tensor, state: list[Tensor] | None = None) -> tuple[Tensor, list[Tensor]]:
        """The outputs for further steps, and what the layers keep for the steps after them."""
        check_shape("x", x, ("B", "T", self.first.in_features))
        h: Tensor = self.first(x)
        total, kept = torch.zeros_like(h), []
        for i, layer in enumerate(self.layers):
            h, out, past = layer(h, state[i] if state else None)
            total = total + out
            kept.append(past)
        y: Tensor = self.last(total.relu())
        return y, kept
