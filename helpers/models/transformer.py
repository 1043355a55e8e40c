"""A Transformer as a distribution over sequences of symbols."""

import torch
from torch import Tensor, nn

from helpers.models.next_symbol import NextSymbolModel, State
from helpers.networks import CausalTransformer, evaluating


class TransformerLanguageModel(NextSymbolModel):
    r"""The chain rule with attention: every symbol read stays at hand.

    $$p(\,\cdot \mid x_{<t}) = \mathrm{softmax}(W h_t + b), \quad
      h_t = \mathrm{Transformer}(x_0, \dots, x_{t-1})$$

    The state is (kept, before): keys and values of what was read, (B, layers, 2, heads, S, d), and
    its last recent − 1 symbols. With it a further symbol costs one pass over itself alone.

    Args:
        num_symbols: V.
        width: D, of the vectors.
        heads: of each block, a divisor of the width.
        layers: number of blocks.
        context: learn a vector for each of so many places, the start's included, and read no
            further; with 0, rotate by the place instead, and read texts of any length.
        dropout: probability in [0, 1) of dropping a coordinate of an embedding or of an addition.
        end: learn where sequences end.
        recent: how many symbols, the last included, are summed in each vector at the start.

    Reference: Radford et al. 2018, "Improving language understanding by generative pre-training".

    >>> model = TransformerLanguageModel(5, width=8, heads=2, layers=1)
    >>> model.sample(2, length=6).shape
    torch.Size([2, 6])

    Taught in: models/transformer
    """

    def __init__(
        self,
        num_symbols: int,
        *,
        width: int = 128,
        heads: int = 4,
        layers: int = 4,
        context: int = 0,
        dropout: float = 0.0,
        end: bool = False,
        recent: int = 1,
    ) -> None:
        super().__init__(num_symbols, dropout=dropout, end=end)
        self.transformer = CausalTransformer(
            num_symbols + 1,
            width=width,
            heads=heads,
            layers=layers,
            context=context,
            dropout=dropout,
            recent=recent,
        )
        self.recent = recent
        self.output = nn.Linear(width, num_symbols + end)

    @torch.no_grad()
    def attention(self, x: Tensor) -> Tensor:
        """Where each position looks: symbols (B, T) to weights (B, layers, heads, T, T)."""
        x = self._checked("x", x, self.start)
        with evaluating(self):
            return torch.stack(self.transformer(x)[2], 1)

    def _run(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        past, before = (None, x[:, :0]) if state is None else state
        h, kept, _ = self.transformer(x, past, before)
        logits: Tensor = self.output(h)
        read = torch.cat([before, x], 1)
        return logits, (kept, read[:, max(0, read.shape[1] + 1 - self.recent) :])
