"""Attention and blocks: equal to PyTorch's own, blind to the future, the same with a cache."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.networks import (
    CausalTransformer,
    RecentEmbedding,
    SelfAttention,
    TransformerBlock,
    attend,
    rotate,
)

B, T, D, H = 3, 7, 12, 3


def scrambled(module: nn.Module, std: float = 0.5) -> nn.Module:
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=std)
    return module


def test_attention_is_that_of_torch(device: torch.device) -> None:
    q, k, v = (torch.randn(B, H, n, 4, device=device) for n in (T, 5, 5))
    mask = torch.rand(T, 5, device=device) < 0.7
    mask[:, 2] = True
    for given in (None, mask):
        y, weights = attend(q, k, v, given)
        torch.testing.assert_close(y, F.scaled_dot_product_attention(q, k, v, given))
        torch.testing.assert_close(weights.sum(-1), torch.ones(B, H, T, device=device))
    assert (weights[..., ~mask] == 0).all()


def test_the_scores_of_random_vectors_have_variance_one_at_every_size(seed: int) -> None:
    """The reason for the root: the logits of the softmax do not grow with d."""
    torch.manual_seed(seed)
    for d in (4, 256):
        q, k = torch.randn(2, 20_000, 1, d).unbind()
        two = torch.cat([k, torch.zeros_like(k)], 1)  # the second key's score is 0
        weights = attend(q, two, two)[1][:, 0]
        score = (weights[:, 0] / weights[:, 1]).log()
        # the variance of a product sum of normals, over n: (2 + 6/d)/n
        assert abs(score.var() - 1) < 5 * math.sqrt((2 + 6 / d) / len(score))


@pytest.mark.parametrize("past", [0, 3])
def test_heads_are_those_of_torch(past: int) -> None:
    ours = scrambled(SelfAttention(D, H, rotary=False))
    theirs = nn.MultiheadAttention(D, H, bias=False, batch_first=True)
    theirs.in_proj_weight.data = ours.to_qkv.weight
    theirs.out_proj.weight.data = ours.output.weight
    x = torch.randn(B, past + T, D)
    mask = torch.ones(past + T, past + T, dtype=torch.bool).triu(1)
    expected, weights = theirs(x, x, x, attn_mask=mask, average_attn_weights=False)
    kept = ours(x[:, :past])[1] if past else None
    found = ours(x[:, past:], kept)
    torch.testing.assert_close(found[0], expected[:, past:])
    torch.testing.assert_close(found[2], weights[:, :, past:])


def test_a_block_is_that_of_torch() -> None:
    ours = scrambled(TransformerBlock(D, H, rotary=False)).eval()
    theirs = nn.TransformerEncoderLayer(
        D, H, 4 * D, activation="gelu", norm_first=True, batch_first=True
    ).eval()
    with torch.no_grad():
        theirs.self_attn.in_proj_weight.copy_(ours.attention.to_qkv.weight)
        theirs.self_attn.in_proj_bias.zero_()
        theirs.self_attn.out_proj.weight.copy_(ours.attention.output.weight)
        theirs.self_attn.out_proj.bias.zero_()
        pairs = [
            (ours.dense[0], theirs.linear1),
            (ours.dense[2], theirs.linear2),
            (ours.norm_attention, theirs.norm1),
            (ours.norm_dense, theirs.norm2),
        ]
        for mine, other in pairs:
            other.load_state_dict(mine.state_dict())
        x = torch.randn(B, T, D)
        mask = torch.ones(T, T, dtype=torch.bool).triu(1)
        torch.testing.assert_close(ours(x)[0], theirs(x, src_mask=mask))


def test_without_mask_or_places_attention_does_not_know_the_order() -> None:
    q, k, v = torch.randn(3, B, T, 4).unbind()
    order = torch.randperm(T)
    y, _ = attend(q, k, v)
    torch.testing.assert_close(attend(q, k[:, order], v[:, order])[0], y)
    torch.testing.assert_close(attend(q[:, order], k, v)[0], y[:, order])


def test_rotation_is_a_product_of_complex_numbers() -> None:
    x, d = torch.randn(B, T, 6), 6
    angle = torch.arange(2, T + 2)[:, None] * 10_000.0 ** (-torch.arange(0, d, 2) / d)
    turned = torch.view_as_complex(x.unflatten(-1, (3, 2))) * torch.polar(
        torch.ones_like(angle), angle
    )
    torch.testing.assert_close(rotate(x, 2), torch.view_as_real(turned).flatten(-2))


def test_rotated_products_know_only_the_distance() -> None:
    q, k = torch.randn(2, 1, 8).unbind()
    products = [(rotate(q, t + 3) * rotate(k, t)).sum() for t in (0, 5, 400)]
    torch.testing.assert_close(products, [products[0]] * 3)
    other = (rotate(q, 4) * rotate(k, 0)).sum()
    assert (other - products[0]).abs() > 1e-3
    torch.testing.assert_close(rotate(q, 9).norm(), q.norm())
    torch.testing.assert_close(rotate(q), q)


def transformer(positions: str) -> CausalTransformer:
    network = CausalTransformer(
        5, width=D, heads=H, layers=2, context=9 * (positions == "learned"), dropout=0.3, recent=3
    )
    scrambled(network, 0.4)
    return network.eval()


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_nobody_sees_what_comes_after(positions: str) -> None:
    """Through the whole network, by the gradient with respect to the embeddings."""
    network, x = transformer(positions), torch.randint(5, (1, T))
    seen = torch.zeros(T, T)

    def read(h: Tensor) -> Tensor:
        past: list[Tensor] = []
        for block in network.blocks:
            h, _, weights = block(h)
            past.append(weights)
        return network.norm(h)

    start = network.embedding(x)
    if network.places is not None:
        start = start + network.places.weight[:T]
    torch.testing.assert_close(read(start), network(x)[0])
    jacobian = torch.autograd.functional.jacobian(read, start)  # (1, T, D, 1, T, D)
    seen = jacobian.abs().sum((0, 2, 3, 5))
    assert (seen.triu(1) == 0).all()
    assert (seen.tril() + torch.ones(T, T).triu(1) > 1e-4).all()


def test_the_first_vectors_sum_those_of_the_last_codes() -> None:
    network, x = RecentEmbedding(5, 4, 3), torch.randint(5, (B, T))
    by_hand = torch.zeros(B, T, 4)
    for t in range(T):
        for k, table in enumerate(network.tables):
            if t >= k:
                by_hand[:, t] += table.weight[x[:, t - k]]
    torch.testing.assert_close(network(x), by_hand)
    for first in (1, 2, 5):
        before = x[:, max(0, first - 2) : first]
        torch.testing.assert_close(network(x[:, first:], before), by_hand[:, first:])


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_reading_in_pieces_is_reading_at_once(positions: str) -> None:
    network, x = transformer(positions), torch.randint(5, (B, 9))
    whole, kept, weights = network(x)
    assert kept.shape == (B, 2, 2, H, 9, D // H)
    past, parts = None, []
    for piece in x.split([2, 1, 5, 1], 1):
        before = x[:, : 0 if past is None else past.shape[4]][:, -2:]
        h, past, looked = network(piece, past, before)
        parts.append(h)
    torch.testing.assert_close(torch.cat(parts, 1), whole)
    torch.testing.assert_close(past, kept)
    torch.testing.assert_close(looked[1], weights[1][:, :, 8:])


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_places_matter(positions: str) -> None:
    """Equal codes before it, in another order: the last vector is another one."""
    network = transformer(positions)
    a, b = torch.tensor([[0, 1, 2, 3]]), torch.tensor([[1, 0, 2, 3]])
    assert (network(a)[0][:, -1] - network(b)[0][:, -1]).abs().max() > 1e-4


def test_user_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="heads must divide the width, got 5 for width 12"):
        SelfAttention(12, 5, rotary=False)
    with pytest.raises(ValueError, match="even number of coordinates, got 4 for width 12"):
        SelfAttention(12, 4)
    with pytest.raises(ValueError, match="context must be an integer of at least 0, got -1"):
        CausalTransformer(5, width=D, heads=H, layers=1, context=-1)
    with pytest.raises(ValueError, match="x must end within the context of 9, got 10 codes"):
        transformer("learned")(torch.zeros(1, 10, dtype=torch.long))
