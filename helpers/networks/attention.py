"""Attention over a sequence: weights from a small network, and the weighted mean."""

import torch
from torch import Tensor, nn


class AdditiveAttention(nn.Module):
    r"""Where to look: a network of one hidden layer scores each position for a query.

    $$ e_j = v^\top \tanh(W q + U h_j), \qquad \alpha = \mathrm{softmax}(e), \qquad
       c = \sum_j \alpha_j h_j $$

    The arguments are the sizes of a query q, of a value h_j and of the hidden layer.

    Reference: Bahdanau et al. 2014, arXiv 1409.0473, appendix A.1.2.

    Taught in: applications/text
    """

    def __init__(self, query: int, values: int, hidden: int) -> None:
        super().__init__()
        self.from_query = nn.Linear(query, hidden, bias=False)
        self.from_value = nn.Linear(values, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)

    def keys(self, h: Tensor) -> Tensor:
        """U h_j, which is the same for all queries: (B, S, values) to (B, S, hidden)."""
        keys: Tensor = self.from_value(h)
        return keys

    def forward(self, q: Tensor, h: Tensor, keys: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Queries (B, query), values (B, S, values), their keys: c (B, values) and weights (B, S).

        The mask (B, S) is True where there is something to look at, somewhere in each row.
        """
        e = self.score(torch.tanh(self.from_query(q)[:, None] + keys))[..., 0]  # (B, S)
        alpha = e.masked_fill(~mask, -torch.inf).softmax(-1)
        return torch.bmm(alpha[:, None], h)[:, 0], alpha
