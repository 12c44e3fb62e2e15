"""How often items are positives, estimated while the batches go by."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from shortlist.errors import ArgumentError
from shortlist.samplers._packed import pack, unpack
from shortlist.samplers._population import Codes, Floats

__all__ = ["StreamedShares", "Streaming"]


@dataclass(frozen=True, slots=True)
class Streaming:
    """Estimate each item's share of the rows from the gaps between its occurrences, not from all rows.

    For data whose popularity changes, or whose counts do not fit in memory. In place of the logQ of the
    whole log: ``SampledSoftmax(logq=Streaming())``.

    Source: Yi et al., RecSys 2019, algorithm 2. There an item counts once a batch, so that its probability
    cannot exceed one a batch, and the most popular items of a large batch come out too rare. Here the rows
    gone by and the occurrences in them are averaged apart, so that an item may occur many times a batch.
    """

    rate: float = 0.05
    """Weight of the newest gap in (0, 1): lower is steadier, higher follows changes sooner."""
    buckets: int | None = None
    """Cells of one hash table; None keeps one cell an item, without collisions."""
    hashes: int = 2
    """Number of hash tables when there are ``buckets``; the one with the longest gap counts."""

    def __post_init__(self) -> None:
        if not 0.0 < self.rate < 1.0:
            raise ArgumentError("Streaming.rate", received=self.rate, expected="a number in (0, 1)")
        for name, value in (("buckets", self.buckets), ("hashes", self.hashes)):
            if value is not None and value < 1:
                raise ArgumentError(f"Streaming.{name}", received=value, expected="an integer >= 1")


class StreamedShares:
    """The estimate: averages of the rows between an item's occurrences and of its occurrences at a time.

    At the t-th row, where an item last seen at row a occurs c times in a batch,
    ``gap <- (1 - rate) gap + rate (t - a)``, ``times <- (1 - rate) times + rate c``, ``a <- t``, and its
    share of the rows is ``times / gap``. Before its first occurrence it is one over the catalogue.

    Args:
        options: rate and cells.
        items: number of item codes V.
        catalogue: number of items that can be drawn.

    >>> shares = StreamedShares(Streaming(rate=0.5), items=2, catalogue=2)
    >>> for _ in range(40):
    ...     shares.update(np.array([0, 0, 0, 1]))
    >>> shares.share(np.array([0, 1])).round(3).tolist()
    [0.75, 0.25]
    """

    def __init__(self, options: Streaming, *, items: int, catalogue: int) -> None:
        self._rate, self._buckets = options.rate, options.buckets
        tables = 1 if options.buckets is None else options.hashes
        shape = (tables, items if options.buckets is None else options.buckets)
        self._rows = 0
        self._last = np.zeros(shape, np.int64)
        self._gap = np.full(shape, float(max(catalogue, 1)))
        self._times = np.ones(shape)

    def update(self, items: Codes) -> None:
        """Take in the positives of a batch."""
        self._rows += len(items)
        for table, occupied in enumerate(self._cells(items)):
            cells, counts = np.unique(occupied, return_counts=True)
            gaps = self._rows - self._last[table, cells]
            self._gap[table, cells] += self._rate * (gaps - self._gap[table, cells])
            self._times[table, cells] += self._rate * (counts - self._times[table, cells])
            self._last[table, cells] = self._rows

    def share(self, codes: Codes) -> Floats:
        """Estimated share of the rows of each code."""
        tables = range(len(self._last))
        found = [
            self._times[table, cells] / self._gap[table, cells]
            for table, cells in zip(tables, self._cells(codes), strict=True)
        ]
        shares: Floats = np.stack(found).min(0)
        return shares

    def state_dict(self) -> dict[str, Any]:
        """The averages, as plain data."""
        return {"rows": self._rows, **{name: pack(getattr(self, f"_{name}")) for name in _ARRAYS}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what ``state_dict`` gave."""
        self._rows = int(state["rows"])
        self._last, self._gap, self._times = (unpack(state[name]) for name in _ARRAYS)

    def _cells(self, codes: Codes) -> list[Codes]:
        if self._buckets is None:
            return [codes]
        # Multiplication by an odd number and a shift: Knuth's multiplicative hashing.
        spread = codes.astype(np.uint64)
        mixed = [
            (spread + np.uint64(1)) * np.uint64(number) >> np.uint64(32) for number in _odd(len(self._last))
        ]
        return [(one % np.uint64(self._buckets)).astype(np.int64) for one in mixed]


_ARRAYS = ("last", "gap", "times")


def _odd(count: int) -> list[int]:
    """Different odd multipliers: powers of one of them."""
    return [pow(0x9E3779B97F4A7C15, 2 * place + 1, 2**64) for place in range(count)]
