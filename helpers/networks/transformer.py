"""The Transformer that reads from left to right, written out."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.checks import argument_error, check_counts

LAST = ("attention.output.weight", "dense.2.weight")


def rotate(x: Tensor, first: int = 0) -> Tensor:
    r"""Turn the pairs of coordinates of a vector by angles in proportion to its position t.

    $$ (x_{2i}, x_{2i+1}) \mapsto R(t\,\theta_i)\,(x_{2i}, x_{2i+1}), \qquad
       \theta_i = 10000^{-2i/d} $$

    The product of a rotated query and a rotated key then depends on how far apart they are, and on
    nothing else of their positions.

    Args:
        x: (..., T, d) with an even d.
        first: position of the first vector.

    Reference: Su et al. 2021, arXiv 2104.09864.
    """
    length, d = x.shape[-2:]
    theta = 10_000.0 ** (-torch.arange(0, d, 2, device=x.device, dtype=x.dtype) / d)
    t = torch.arange(first, first + length, device=x.device, dtype=x.dtype)
    angle = t[:, None] * theta  # (T, d/2)
    even, odd, cos, sin = x[..., ::2], x[..., 1::2], angle.cos(), angle.sin()
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    r"""Scaled dot-product attention: each query gets a mean of the values, weighted by the keys.

    $$ A = \mathrm{softmax}\bigl(Q K^\top / \sqrt d\bigr), \qquad Y = A V $$

    Args:
        q: queries (..., T, d).
        k: keys (..., S, d).
        v: values (..., S, e).
        mask: (T, S), True where a query may look, somewhere in each row.

    Returns:
        Y (..., T, e) and the weights A (..., T, S), whose rows sum to 1.

    Reference: Vaswani et al. 2017, arXiv 1706.03762, equation (1).
    """
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1)
    return weights @ v, weights


class SelfAttention(nn.Module):
    r"""Several heads, each of which looks from every position at itself and those before it.

    $$ y = \bigl[Y_1, \dots, Y_H\bigr] W_O, \qquad
       Y_h = \mathrm{attend}(x W_{Q,h},\; x W_{K,h},\; x W_{V,h}) $$

    Args:
        width: D, of the vectors that come and go.
        heads: H, a divisor of D; a head works with d = D/H coordinates.
        rotary: rotate queries and keys by their position.
    """

    def __init__(self, width: int, heads: int, *, rotary: bool = True) -> None:
        super().__init__()
        check_counts(width=width, heads=heads)
        if width % heads or (rotary and width // heads % 2):
            expected = "divide the width" + (" into an even number of coordinates" * rotary)
            raise argument_error("heads", expected, f"{heads} for width {width}")
        self.heads, self.rotary = heads, rotary
        self.to_qkv = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Vectors (B, T, D) that follow S others to vectors (B, T, D).

        Args:
            x: (B, T, D).
            past: keys and values of those before, (B, 2, H, S, d).

        Returns:
            The new vectors, keys and values of all, (B, 2, H, S + T, d), and the weights,
            (B, H, T, S + T).
        """
        first, length = (0 if past is None else past.shape[3]), x.shape[1]
        q, k, v = self.to_qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        if self.rotary:
            q, k = rotate(q, first), rotate(k, first)
        kept = torch.stack([k, v], 1)  # (B, 2, H, T, d)
        if past is not None:
            kept = torch.cat([past, kept], 3)
        mask = x.new_ones(length, first + length, dtype=torch.bool).tril(first)
        k, v = kept.unbind(1)
        y, weights = attend(q, k, v, mask)
        return self.output(y.transpose(1, 2).flatten(2)), kept, weights


class TransformerBlock(nn.Module):
    r"""Attention, then a dense network at each position, both added to what came in.

    $$ h = x + \mathrm{attention}(\mathrm{norm}(x)), \qquad
       y = h + \mathrm{dense}(\mathrm{norm}(h)) $$

    Args:
        width: D.
        heads: of the attention.
        dropout: probability in [0, 1) of dropping a coordinate of what is added.
        rotary: as in `SelfAttention`.
    """

    def __init__(self, width: int, heads: int, *, dropout: float = 0.0, rotary: bool = True):
        super().__init__()
        self.norm_attention, self.norm_dense = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads, rotary=rotary)
        self.dense = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """As `SelfAttention.forward`."""
        y, kept, weights = self.attention(self.norm_attention(x), past)
        h = x + self.dropout(y)
        return h + self.dropout(self.dense(self.norm_dense(h))), kept, weights


class RecentEmbedding(nn.Module):
    r"""A vector for each place, the sum of one for each of its n last codes.

    $$ e_t = \sum_{k=0}^{n-1} E_k[x_{t-k}] $$

    Where a text begins, the codes before it add nothing.

    Args:
        codes: number of codes.
        width: D.
        recent: n, at least 1.

    Taught in: models/transformer
    """

    def __init__(self, codes: int, width: int, recent: int) -> None:
        super().__init__()
        check_counts(codes=codes, width=width, recent=recent)
        tables = [nn.Embedding(codes, width) for _ in range(recent)]
        for table in tables:
            nn.init.normal_(table.weight, std=0.02)
        self.tables = nn.ModuleList(tables)

    def forward(self, x: Tensor, before: Tensor | None = None) -> Tensor:
        """Codes (B, T), and those right before them, (B, S), to vectors (B, T, D)."""
        read = x if before is None else torch.cat([before, x], 1)
        h: Tensor = self.tables[0](x)
        for k, table in enumerate(self.tables[1:], 1):
            old = table(read[:, : max(0, read.shape[1] - k)])
            h = h + F.pad(old, (0, 0, k, 0))[:, -x.shape[1] :]
        return h


class CausalTransformer(nn.Module):
    """Codes to vectors, each of which knows the codes up to its own place.

    Args:
        codes: number of codes.
        width: D, of the vectors that run through the blocks (the residual stream).
        heads: of each block.
        layers: number of blocks.
        context: learn a vector for each of so many places; with 0, rotate by the place instead,
            which reads texts of any length.
        dropout: of embeddings and blocks.
        recent: how many codes, the last included, are summed in each vector at the start.

    Taught in: models/transformer
    """

    def __init__(
        self,
        codes: int,
        *,
        width: int,
        heads: int,
        layers: int,
        context: int = 0,
        dropout: float = 0.0,
        recent: int = 1,
    ) -> None:
        super().__init__()
        check_counts(layers=layers)
        check_counts(0, context=context)
        self.embedding = RecentEmbedding(codes, width, recent)
        self.places = nn.Embedding(context, width) if context else None
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            TransformerBlock(width, heads, dropout=dropout, rotary=not context)
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        if self.places is not None:
            nn.init.normal_(self.places.weight, std=0.02)
        for name, weight in self.blocks.named_parameters():
            if name.endswith(LAST):  # what is added starts small, so that depth does not add up
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * layers))

    def forward(
        self, x: Tensor, past: Tensor | None = None, before: Tensor | None = None
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Codes (B, T) that follow S others to vectors (B, T, D).

        Args:
            x: (B, T).
            past: keys and values of those before, as returned.
            before: the last recent − 1 of those before, or as many as there are.

        Returns:
            The vectors; keys and values of all blocks, (B, layers, 2, H, S + T, d), to go on from;
            the attention weights of each block, (B, H, T, S + T).
        """
        first = 0 if past is None else past.shape[4]
        h = self.embedding(x, before)
        if self.places is not None:
            end, room = first + x.shape[1], self.places.num_embeddings
            if end > room:
                hint = "make the model with a larger context"
                raise argument_error("x", f"end within the context of {room}", f"{end} codes", hint)
            h = h + self.places.weight[first:end]
        h, kept, weights = self.dropout(h), [], []
        for number, block in enumerate(self.blocks):
            h, own, looked = block(h, None if past is None else past[:, number])
            kept.append(own)
            weights.append(looked)
        return self.norm(h), torch.stack(kept, 1), weights
