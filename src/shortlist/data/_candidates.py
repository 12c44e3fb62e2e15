"""The list in flight: candidates for each query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from shortlist.data._ragged import Array, Ragged

__all__ = ["Candidates", "Dropped", "merge", "stack"]


@dataclass(frozen=True, slots=True)
class Dropped:
    """Candidates that a stage took out, and why.

    Attributes:
        reason: for example ``"seen"``.
        query: int64 [M], the query each was a candidate of.
        items: int64 [M], their positions in the catalogue.
    """

    reason: str
    query: npt.NDArray[np.int64]
    items: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Ragged over queries: query ``q`` has the candidates ``offsets[q]:offsets[q + 1]``, best first.

    Items are positions in the state's catalogue while in flight; raw ids appear where the answer leaves.

    Attributes:
        items: int64 [N], positions in the catalogue.
        offsets: int64 [Q + 1].
        scores: float32 [N], higher is better.
        source: int16 [N], place in ``sources`` of the stage that found each candidate.
        sources: names of the sources.
        columns: name -> array [N], further facts that stages add.
        dropped: what was taken out on the way, in order.

    >>> found = Candidates.of(np.array([[4, 2, -1]]), np.array([[.5, .5, 0]], np.float32), "ann")
    >>> found.ordered().items.tolist()  # equal scores: the smaller position first
    [2, 4]
    """

    items: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]
    source: npt.NDArray[np.int16]
    sources: tuple[str, ...] = ()
    columns: Mapping[str, Array] = field(default_factory=dict)
    dropped: tuple[Dropped, ...] = ()

    @classmethod
    def empty(cls, queries: int) -> "Candidates":
        """No candidates yet for any of the queries."""
        none = np.zeros(0, dtype=np.int64)
        offsets = np.zeros(queries + 1, dtype=np.int64)
        return cls(none, offsets, none.astype(np.float32), none.astype(np.int16))

    @classmethod
    def of(cls, items: npt.NDArray[np.int64], scores: npt.NDArray[np.float32], source: str) -> "Candidates":
        """From matrices [Q, K] of positions (-1 for none) and scores."""
        real = items >= 0
        if len(items) == 1 and real.all():
            flat, kept = items[0].astype(np.int64, copy=False), scores[0].astype(np.float32, copy=False)
            return cls(flat, _bounds(len(flat)), kept, np.zeros(len(flat), dtype=np.int16), (source,))
        offsets = np.zeros(len(items) + 1, dtype=np.int64)
        np.cumsum(real.sum(axis=1), out=offsets[1:])
        flat = items[real].astype(np.int64, copy=False)
        kept = scores[real].astype(np.float32, copy=False)
        return cls(flat, offsets, kept, np.zeros(len(flat), dtype=np.int16), (source,))

    def __len__(self) -> int:
        """Number of queries."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """int64 [Q]: candidates of each query."""
        return self.offsets[1:] - self.offsets[:-1]

    @property
    def query_of(self) -> npt.NDArray[np.int64]:
        """int64 [N]: the query of each candidate."""
        if len(self) == 1:
            return np.zeros(len(self.items), dtype=np.int64)
        return np.repeat(np.arange(len(self)), self.lengths)

    def with_scores(self, scores: npt.NDArray[np.float32]) -> "Candidates":
        """The same candidates with other scores [N], put in the order of them."""
        return self._with(self.columns, scores.astype(np.float32, copy=False)).ordered()

    def with_columns(self, columns: Mapping[str, Array]) -> "Candidates":
        """The same candidates with more columns [N]."""
        return self._with({**self.columns, **columns}, self.scores)

    def ordered(self) -> "Candidates":
        """Best score first within each query; ties by item position; NaN last."""
        if self._is_ordered():
            return self
        if len(self) == 1:
            return self._rows(np.lexsort((self.items, -self.scores)), self.offsets)
        bounds = zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True)
        # List by list: sorting all of them at once takes three times as long.
        orders = [low + np.lexsort((self.items[low:high], -self.scores[low:high])) for low, high in bounds]
        return self._rows(np.concatenate(orders), self.offsets)

    def placed(self, places: npt.NDArray[np.number]) -> "Candidates":
        """The same candidates, those of each query by ascending place [N], equal places as they stood."""
        order = np.argsort(places, kind="stable") if len(self) == 1 else np.lexsort((places, self.query_of))
        return self._rows(order, self.offsets)

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """int64 [N]: place of each candidate in its list, from 0."""
        if len(self) == 1:
            return np.arange(len(self.items))
        return np.arange(len(self.items)) - np.repeat(self.offsets[:-1], self.lengths)

    def keep(self, mask: npt.NDArray[np.bool_], *, reason: str | None = None) -> "Candidates":
        """The candidates where the mask [N] is true; the others are noted under ``reason``."""
        if bool(mask.all()):
            return self
        rows = mask.nonzero()[0]
        if len(self) == 1:
            result = self._rows(rows, _bounds(len(rows)))
        else:
            kept = np.zeros(len(mask) + 1, dtype=np.int64)
            np.cumsum(mask, out=kept[1:])
            result = self._rows(rows, kept[self.offsets])
        if reason is None:
            return result
        gone = Dropped(reason, self.query_of[~mask], self.items[~mask])
        return replace(result, dropped=(*self.dropped, gone))

    def first(self, k: int) -> "Candidates":
        """At most the first ``k`` of each query."""
        if len(self) == 1:
            return self if len(self.items) <= k else self._rows(slice(k), _bounds(k))
        return self.keep(self.places < k)

    def of_rows(self, rows: npt.NDArray[np.int64], queries: int) -> "Candidates":
        """The same candidates, now those of the queries ``rows`` (ascending) among so many queries.

        >>> Candidates.of(np.array([[4]]), np.ones((1, 1), np.float32), "x").of_rows(np.array([1]), 3).offsets
        array([0, 0, 1, 1])
        """
        lengths = np.zeros(queries, dtype=np.int64)
        lengths[rows] = self.lengths
        dropped = tuple(replace(gone, query=rows[gone.query]) for gone in self.dropped)
        return replace(self, offsets=np.concatenate([[0], np.cumsum(lengths)]), dropped=dropped)

    def matrix(self, k: int) -> npt.NDArray[np.int64]:
        """int64 [Q, k]: the first ``k`` positions of each query, -1 where there are fewer."""
        return np.asarray(Ragged(self.items, self.offsets).first_padded(k, fill=-1), dtype=np.int64)

    def _is_ordered(self) -> bool:
        """Whether no candidate stands behind a worse one of its query; with a NaN this is left open."""
        before, after = self.scores[:-1], self.scores[1:]
        if len(self) == 1:  # most requests: fewer steps
            if bool((before > after).all()):
                return True
            return bool(((before > after) | ((before == after) & (self.items[:-1] <= self.items[1:]))).all())
        right = (before > after) | ((before == after) & (self.items[:-1] <= self.items[1:]))
        right[self.offsets[(self.offsets > 0) & (self.offsets < len(self.items))] - 1] = True
        return bool(right.all())

    def _rows(self, rows: npt.NDArray[np.int64] | slice, offsets: npt.NDArray[np.int64]) -> "Candidates":
        return Candidates(
            self.items[rows],
            offsets,
            self.scores[rows],
            self.source[rows],
            self.sources,
            {name: values[rows] for name, values in self.columns.items()},
            self.dropped,
        )

    def _with(self, columns: Mapping[str, Array], scores: npt.NDArray[np.float32]) -> "Candidates":
        return Candidates(self.items, self.offsets, scores, self.source, self.sources, columns, self.dropped)


def merge(parts: Sequence[Candidates]) -> Candidates:
    """All candidates of several sources, query by query; an item found twice keeps its first source.

    Columns that not every part has are filled with NaN (None for objects, 0 for integers).

    >>> a = Candidates.of(np.array([[1, 2]]), np.array([[.9, .8]], np.float32), "ann")
    >>> b = Candidates.of(np.array([[2, 3]]), np.array([[5., 4.]], np.float32), "popular")
    >>> both = merge([a, b])
    >>> both.items.tolist(), [both.sources[s] for s in both.source]
    ([1, 2, 3], ['ann', 'ann', 'popular'])
    """
    items = np.concatenate([part.items for part in parts])
    query = np.concatenate([part.query_of for part in parts])
    place = query * (int(items.max(initial=0)) + 1) + items
    order = np.argsort(place, kind="stable")
    first = np.ones(len(items), dtype=np.bool_)
    first[1:] = place[order][1:] != place[order][:-1]
    rows = np.sort(order[first])
    rows = rows[np.argsort(query[rows], kind="stable")]
    offsets = np.zeros(len(parts[0]) + 1, dtype=np.int64)
    np.cumsum(np.bincount(query[rows], minlength=len(parts[0])), out=offsets[1:])
    names = tuple(dict.fromkeys(name for part in parts for name in part.sources))
    source = np.concatenate([_renumber(part, names) for part in parts])
    scores = np.concatenate([part.scores for part in parts])
    columns = {
        name: _column(parts, name)[rows] for name in dict.fromkeys(n for p in parts for n in p.columns)
    }
    dropped = tuple(gone for part in parts for gone in part.dropped)
    return Candidates(items[rows], offsets, scores[rows], source[rows], names, columns, dropped)


def stack(parts: Sequence[Candidates]) -> Candidates:
    """The queries of several batches, one batch after the other; columns as in `merge`.

    >>> a = Candidates.of(np.array([[1, 2]]), np.array([[.9, .8]], np.float32), "ann")
    >>> stack([a, Candidates.empty(1), a]).offsets.tolist()
    [0, 2, 2, 4]
    """
    if not parts:
        return Candidates.empty(0)
    total = sum(map(len, parts))
    starts = np.cumsum([0, *map(len, parts)])
    return merge(
        [
            part.of_rows(np.arange(start, start + len(part)), total)
            for part, start in zip(parts, starts.tolist(), strict=False)
        ]
    )


def _bounds(length: int) -> npt.NDArray[np.int64]:
    """Offsets of a single list."""
    return np.array([0, length], dtype=np.int64)


def _renumber(part: Candidates, names: tuple[str, ...]) -> npt.NDArray[np.int16]:
    places = np.array([names.index(name) for name in part.sources] or [0], dtype=np.int16)
    return places[part.source] if len(part.source) else part.source


def _column(parts: Sequence[Candidates], name: str) -> Array:
    known = next(part.columns[name] for part in parts if name in part.columns)
    fill = {"f": np.nan, "O": None}.get(known.dtype.kind, np.zeros(1, known.dtype)[0])
    return np.concatenate(
        [part.columns.get(name, np.full(len(part.items), fill, dtype=known.dtype)) for part in parts]
    )
