import pytest
import torch

from helpers.data.batches import Batches
from helpers.random import seed_everything, seeded


def epoch(batches: Batches) -> torch.Tensor:
    return torch.cat([x for (x,) in batches])


@pytest.mark.parametrize(("n", "batch_size"), [(1, 1), (7, 3), (6, 3), (5, 1), (4, 4), (4, 9)])
@pytest.mark.parametrize("shuffle", [True, False])
def test_each_epoch_visits_every_example_once(n, batch_size, shuffle, seed, device):
    x = torch.arange(n)
    batches = Batches(
        x,
        batch_size=batch_size,
        rng=seeded(seed, device),
        device=device,
        shuffle=shuffle,
    )
    for _ in range(3):
        sizes = [len(part) for (part,) in batches]
        assert len(sizes) == len(batches)
        assert sizes[:-1] == [batch_size] * (len(sizes) - 1)
        assert 1 <= sizes[-1] <= batch_size
        seen = epoch(batches)
        assert seen.device.type == device.type
        assert torch.equal(seen.sort().values.cpu(), x)
        if not shuffle:
            assert torch.equal(seen.cpu(), x)


def test_rows_stay_together(seed, device):
    x = torch.randn(11, 3, 2)
    y = torch.arange(11)
    for part, rows in Batches(x, y, batch_size=4, rng=seeded(seed, device), device=device):
        assert part.shape == (len(rows), 3, 2)
        assert torch.equal(part.cpu(), x[rows.cpu()])


def test_every_epoch_has_a_new_order_that_the_generator_fixes(seed):
    x = torch.arange(50)
    one = Batches(x, batch_size=8, rng=seeded(seed))
    two = Batches(x, batch_size=8, rng=seeded(seed))
    orders = [epoch(one) for _ in range(3)]
    assert all(torch.equal(order, epoch(two)) for order in orders)
    assert not torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[1], orders[2])
    assert not torch.equal(orders[0], x)


def test_orders_are_uniform(seed):
    """Each of the 6 orders of 3 examples has probability 1/6: counts within 5 standard errors."""
    batches = Batches(torch.arange(3), batch_size=3, rng=seeded(seed))
    n = 3000
    codes = torch.stack([epoch(batches) @ torch.tensor([9, 3, 1]) for _ in range(n)])
    _, counts = codes.unique(return_counts=True)
    assert len(counts) == 6
    standard_error = (n * (1 / 6) * (5 / 6)) ** 0.5
    assert ((counts - n / 6).abs() < 5 * standard_error).all()


def test_global_generator_is_neither_used_nor_moved(seed):
    x = torch.arange(20)
    before = torch.get_rng_state()
    with_own = epoch(Batches(x, batch_size=3, rng=seeded(seed)))
    default = epoch(Batches(x, batch_size=3))
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(5)
    assert torch.equal(epoch(Batches(x, batch_size=3, rng=seeded(seed))), with_own)
    assert torch.equal(epoch(Batches(x, batch_size=3)), default)


def test_seed_everything_fixes_the_default_order(seed):
    x = torch.arange(20)
    seed_everything(seed)
    first = epoch(Batches(x, batch_size=3))
    seed_everything(seed)
    assert torch.equal(epoch(Batches(x, batch_size=3)), first)
    seed_everything(seed + 1)
    assert not torch.equal(epoch(Batches(x, batch_size=3)), first)


@pytest.mark.parametrize("shuffle", [True, False])
def test_changing_a_batch_never_changes_the_data(shuffle, seed):
    x = torch.ones(6)
    batches = Batches(x, batch_size=6, rng=seeded(seed), shuffle=shuffle)
    for (part,) in batches:
        part.zero_()
    assert torch.equal(x, torch.ones(6))
    assert torch.equal(epoch(batches), torch.ones(6))


def test_two_passes_at_once_do_not_disturb_each_other(seed):
    x = torch.arange(9)
    batches = Batches(x, batch_size=2, rng=seeded(seed))
    pairs = list(zip(batches, batches))
    for side in (0, 1):
        assert torch.equal(torch.cat([pair[side][0] for pair in pairs]).sort().values, x)


def test_a_small_rest_can_be_left_out(seed):
    """65 rows in batches of 64 leave one row, for which batch normalisation has no variance."""
    batches = Batches(torch.arange(65), batch_size=64, rng=seeded(seed), drop_last=True)
    assert len(batches) == 1
    passes = [epoch(batches) for _ in range(40)]
    assert all(len(rows.unique()) == 64 for rows in passes)
    assert len(torch.cat(passes).unique()) == 65  # another one each time
    whole = Batches(torch.arange(6), batch_size=3, drop_last=True)
    assert [len(rows) for (rows,) in whole] == [3, 3]


def test_bad_arguments():
    x = torch.zeros(4, 2)
    for tensors in ((), (x, torch.zeros(3)), (torch.zeros(0, 2),)):
        with pytest.raises(ValueError, match=r"tensors must have one common length .*, got \["):
            Batches(*tensors, batch_size=2)
    with pytest.raises(ValueError, match="batch_size must be an integer of at least 1, got 0"):
        Batches(x, batch_size=0)
    with pytest.raises(ValueError, match="batch_size must be at most the 4 examples, got 5 with"):
        Batches(x, batch_size=5, drop_last=True)
