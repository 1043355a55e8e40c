"""One long sequence as parallel streams, read in windows: batches for a state that is carried."""

from collections.abc import Iterator

import torch
from torch import Tensor

from helpers.checks import argument_error, check_counts, check_data


class Streams:
    """Windows of B contiguous streams: row b of a batch goes on where row b of the last ended.

    The sequence is cut into B pieces of equal length, without a rest of fewer than B symbols. The
    outputs are the inputs moved on by one. The last window may be shorter.

    Args:
        codes: one long sequence of symbols, shape (T,), at least one window for each stream.
        batch_size: number B of streams.
        window: number of symbols of a window.
        start: the symbol before the first of each stream.
        rng: if given, each pass begins at a new place of the sequence, read as a ring.

    >>> for tokens_in, tokens_out in Streams(torch.arange(9), batch_size=2, window=2, start=99):
    ...     print(tokens_in.tolist(), tokens_out.tolist())
    [[99, 0], [99, 4]] [[0, 1], [4, 5]]
    [[1, 2], [5, 6]] [[2, 3], [6, 7]]

    Taught in: models/rnn
    """

    def __init__(
        self,
        codes: Tensor,
        *,
        batch_size: int,
        window: int,
        start: int,
        rng: torch.Generator | None = None,
    ) -> None:
        check_counts(batch_size=batch_size, window=window)
        self.codes = check_data("codes", codes, ("T",), "integer")
        self.batch_size, self.window, self.start, self.rng = batch_size, window, start, rng
        if len(codes) < batch_size * window:
            expected = f"hold at least batch_size × window = {batch_size * window} symbols"
            hint = "take fewer streams or a shorter window"
            raise argument_error("codes", expected, len(codes), hint)

    def __len__(self) -> int:
        return -(-(len(self.codes) // self.batch_size) // self.window)

    @property
    def num_symbols(self) -> int:
        """Symbols predicted in one pass."""
        return len(self.codes) // self.batch_size * self.batch_size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        codes = self.codes
        if self.rng is not None:
            place = torch.randint(len(codes), (), generator=self.rng)
            codes = codes.roll(-int(place))
        rows = codes[: self.num_symbols].view(self.batch_size, -1)
        inputs = torch.cat([rows.new_full((self.batch_size, 1), self.start), rows[:, :-1]], 1)
        for t in range(0, rows.shape[1], self.window):
            yield inputs[:, t : t + self.window], rows[:, t : t + self.window]
