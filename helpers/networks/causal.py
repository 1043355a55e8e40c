"""Causal convolutions with holes: a long memory from few layers."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from helpers.checks import check_counts, check_shape


class CausalConvolutions(nn.Module):
    r"""Gated layers over time; each sees its input at two places, now and $d$ steps before.

    With $s = [h_{t - d}, h_t]$, a layer of dilation $d$ adds to what it got,

    $$ h'_t = h_t + V \big( \tanh(A s) \odot \sigma(B s) \big), $$

    and one more linear map of the same product goes to the output. Each output sees the input of
    the last $R = 1 + \sum_l d_l$ steps, its own among them, and nothing later.

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
        check_counts(**{f"dilations[{i}]": d for i, d in enumerate(dilations)})
        self.dilations, self.receptive_field = tuple(dilations), 1 + sum(dilations)
        self.first = nn.Linear(inputs, channels)
        pair = [nn.Linear(2 * channels, 2 * channels) for _ in dilations]
        self.gates = nn.ModuleList(pair)  # A and B together
        self.ways = nn.ModuleList(nn.Linear(channels, 2 * channels) for _ in dilations)
        self.last = nn.Linear(channels, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.advance(x, None)[0]

    def advance(self, x: Tensor, state: list[Tensor] | None) -> tuple[Tensor, list[Tensor]]:
        """The outputs for further steps, and the state that the steps after them start from.

        The state is what each layer still needs of the past; None is a past of zeros.
        """
        check_shape("x", x, ("B", "T", self.first.in_features))
        h: Tensor = self.first(x)
        if state is None:
            state = [h.new_zeros(len(h), d, h.shape[2]) for d in self.dilations]
        total, after = torch.zeros_like(h), []
        for d, gates, ways, past in zip(self.dilations, self.gates, self.ways, state, strict=True):
            seen = torch.cat([past, h], 1)  # (B, d + T, channels)
            a, b = gates(torch.cat([seen[:, :-d], h], 2)).chunk(2, 2)
            on, out = ways(a.tanh() * b.sigmoid()).chunk(2, 2)
            h, total = h + on, total + out
            after.append(seen[:, -d:])
        y: Tensor = self.last(total.relu())
        return y, after
