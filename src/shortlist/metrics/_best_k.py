"""The k best of scores that come block by block, at the price of one comparison a score."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from shortlist.errors import ArgumentError

__all__ = ["BestK"]

Scores: TypeAlias = npt.NDArray[np.float32]
Items: TypeAlias = npt.NDArray[np.int64]

# Columns of the first part of a wide block, or 16 k: its k best, by sorting, set the bar for the rest.
_FIRST = 512


class BestK:
    """Keeps the k best items of each query while blocks of the catalogue are scored one after the other.

    Rule: a score counts when it is above the query's k-th best so far. Those that pass are put aside, and
    merged into the k best by partial selection once there are k of them for each query on average. Equal
    scores stand by position, the smaller first; blocks must come in order of position. NaN and minus
    infinity are no candidates. Where a random order of the items comes first, as in `top_products` of a
    permuted catalogue, ties favour nobody.

    Memory: a bool for each score of a block, and 12 bytes for each of the k best and of those put aside, of
    which there is room for 512 or k a query, and more only where a block brings more.

    Args:
        queries: number of queries Q.
        k: length of the lists, >= 1.

    Raises:
        ArgumentError: k < 1.

    >>> best = BestK(1, 2)
    >>> best.add(np.array([[0.5, 0.1]], np.float32), 0)
    >>> best.add(np.array([[0.5, 0.9, np.nan]], np.float32), 2)
    >>> best.finish()
    (array([[3, 0]]), array([[0.9, 0.5]], dtype=float32))
    """

    def __init__(self, queries: int, k: int) -> None:
        if k < 1:
            raise ArgumentError("metrics.BestK", received=k, expected="k >= 1", remedy="pass k=10")
        self._k = k
        # The first k columns hold the best so far, those up to `filled` what was put aside since.
        self._scores = np.full((queries, k + max(_FIRST, k)), -np.inf, dtype=np.float32)
        self._items = np.full(self._scores.shape, -1, dtype=np.int64)
        self._filled = np.full(queries, k, dtype=np.int64)
        self._bar = np.full((queries, 1), -np.inf, dtype=np.float32)
        self._above = np.empty(0, dtype=np.bool_)
        self._next = 0

    def add(self, scores: npt.NDArray[np.floating[Any]], start: int) -> None:
        """Take in a block.

        Args:
            scores: [Q, N] of the items ``start .. start + N - 1``; compared as float32.
            start: position of the first, at or after the end of the block before.

        Raises:
            ArgumentError: the block is of other queries, or comes too early.
        """
        if scores.ndim != 2 or len(scores) != len(self._items) or start < self._next:
            raise ArgumentError(
                "metrics.BestK.add",
                received=f"scores of shape {scores.shape} from position {start}",
                expected=f"[{len(self._items)}, N] from position {self._next} on",
            )
        block = scores.astype(np.float32, copy=False)
        # At most as many as came before: a bar from few items would let too many of the next pass.
        begin, width = 0, block.shape[1]
        while begin < width:
            end = min(width, begin + max(_FIRST, 16 * self._k, self._next))
            if self._next == 0 and self._k < end:
                self._begin(block[:, :end], start)
            else:
                self._sift(block[:, begin:end], start + begin)
            begin, self._next = end, start + end

    def finish(self) -> tuple[Items, Scores]:
        """Positions int64 [Q, k] and scores float32 [Q, k], best first; -1 and -inf where there are fewer."""
        self._merge()
        scores = self._scores[:, : self._k]
        order = np.argsort(-scores, axis=1, kind="stable")
        items = np.take_along_axis(self._items[:, : self._k], order, axis=1)
        return items, np.take_along_axis(scores, order, axis=1)

    def _begin(self, block: Scores, start: int) -> None:
        """The k best of the first block, all of which would pass."""
        known = np.where(np.isnan(block), -np.inf, block)
        chosen = _best_columns(known, self._k)
        scores = np.take_along_axis(known, chosen, axis=1)
        self._scores[:, : self._k] = scores
        self._items[:, : self._k] = np.where(np.isneginf(scores), -1, chosen + start)
        self._bar = scores.min(axis=1, keepdims=True)

    def _sift(self, block: Scores, start: int) -> None:
        if self._above.size < block.size:
            self._above = np.empty(block.size, dtype=np.bool_)
        above = self._above[: block.size].reshape(block.shape)
        passed = np.flatnonzero(np.greater(block, self._bar, out=above))
        if len(passed) == 0:
            return
        row = passed // block.shape[1]
        column = passed - row * block.shape[1]
        counts = np.bincount(row, minlength=len(block))
        if int((self._filled + counts).max()) > self._scores.shape[1]:
            self._merge()
            self._widen(self._k + int(counts.max()))
        before = np.cumsum(counts) - counts
        place = np.arange(len(passed)) + (self._filled - before)[row]
        self._scores[row, place] = block[row, column]
        self._items[row, place] = column + start
        self._filled += counts
        if self._filled.mean() >= 2 * self._k:
            self._merge()

    def _merge(self) -> None:
        """Choose the k best among those kept and those put aside.

        Queries with much aside go apart: the others would be searched as widely as they.
        """
        much = self._filled > 4 * self._k
        for rows in (np.flatnonzero((self._filled > self._k) & ~much), np.flatnonzero(much)):
            if len(rows) > 0:
                self._merge_rows(rows if len(rows) < len(much) else slice(None))
        self._filled[:] = self._k

    def _merge_rows(self, rows: Items | slice) -> None:
        k, width = self._k, int(self._filled[rows].max())
        pool = self._scores[rows, :width]
        chosen = _best_columns(pool, k)
        best = np.take_along_axis(pool, chosen, axis=1)
        self._items[rows, :k] = np.take_along_axis(self._items[rows, :width], chosen, axis=1)
        self._scores[rows, :k] = best
        self._scores[rows, k:width] = -np.inf
        self._bar[rows] = best.min(axis=1, keepdims=True)

    def _widen(self, width: int) -> None:
        more = width - self._scores.shape[1]
        if more > 0:
            self._scores = np.pad(self._scores, ((0, 0), (0, more)), constant_values=-np.inf)
            self._items = np.pad(self._items, ((0, 0), (0, more)), constant_values=-1)


def _best_columns(pool: Scores, k: int) -> Items:
    """The columns of the k best of each row, ascending; among equal scores the smaller columns."""
    # Not np.partition: among many equal values, such as the empty places, it takes a hundred times as long.
    bar = np.sort(pool, axis=1)[:, pool.shape[1] - k, None]
    above, level = pool > bar, pool == bar
    # Of those level with the bar the first ones, as many as there is room for.
    room = k - np.count_nonzero(above, axis=1)
    crowded = np.flatnonzero(np.count_nonzero(level, axis=1) > room)
    if len(crowded) > 0:
        level[crowded] &= np.cumsum(level[crowded], axis=1, dtype=np.int32) <= room[crowded, None]
    chosen: Items = np.flatnonzero(above | level) % pool.shape[1]
    return chosen.reshape(len(pool), k)
