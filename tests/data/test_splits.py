"""The parts of a reader's own data: every row in one of them, by the asked shares."""

from __future__ import annotations

import pytest
import torch

from helpers.data.splits import draw_parts


@pytest.mark.parametrize(
    ("n", "shares", "sizes"),
    [
        (50, (0.8, 0.1, 0.1), [40, 5, 5]),
        (3, (0.98, 0.01, 0.01), [1, 1, 1]),
        (11, (0.2, 0.45, 0.35), [2, 5, 4]),
    ],
)
def test_every_row_is_in_one_part(
    n: int, shares: tuple[float, ...], sizes: list[int], seed: int
) -> None:
    parts = draw_parts(n, shares, seed)
    assert [len(rows) for rows in parts] == sizes
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(n))


def test_a_seed_fixes_the_parts_and_the_global_state_stays(seed: int) -> None:
    before = torch.get_rng_state()
    first, again, other = (torch.cat(draw_parts(60, seed=s)) for s in (seed, seed, seed + 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_bad_input() -> None:
    for shares in ((0.8, 0.2), (0.9, 0.2, -0.1), (0.8, 0.1, 0.2)):
        with pytest.raises(ValueError, match="shares must be three numbers above 0 with the sum 1"):
            draw_parts(50, shares)
    with pytest.raises(ValueError, match="an example for each of three splits, got 2"):
        draw_parts(2)
