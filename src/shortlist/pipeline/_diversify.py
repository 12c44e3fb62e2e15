"""Lists in which not everything is alike."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, final, get_args

import numpy as np
import numpy.typing as npt

from shortlist.data import Candidates, Index, Ragged, Requests
from shortlist.errors import ArgumentError
from shortlist.pipeline._facts import codes_of, column_of
from shortlist.pipeline._greedy import determinantal, marginal, scaled
from shortlist.pipeline._stage import CANDIDATES, SCORES, WritePart, count_of
from shortlist.pipeline._state import State

__all__ = ["Diversify", "Variety"]

Variety = Literal["mmr", "dpp"]
Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

_CELLS = 1 << 23


@final
@dataclass(frozen=True)
class Diversify:
    """Puts candidates at the top that are good and unlike one another; scores stay as they are.

    Relevance is the score scaled to 0 .. 1 within the first ``pool`` candidates of the request. Two items are
    as alike as the cosine of their vectors, or by a column: 1 for the same value and 0 otherwise; for lists,
    the shared values over the root of the product of both numbers. Null is like nothing.

    Attributes:
        by: item column, or one that a stage gave; either this or ``index``.
        index: vectors of the items, such as that of a `Retrieve`; items outside it are like nothing.
        strength: 0 leaves the order, 1 looks at variety alone.
        method: ``"mmr"`` weighs against the most similar item chosen before; ``"dpp"`` against all of them
            together, by a determinant.
        pool: candidates of a request that are looked at, the first ones; the others stay behind them.
        places: places that are filled so; the rest of the pool follows in its order.
        name: what traces call it.

    Raises:
        ArgumentError: neither or both of ``by`` and ``index`` are given, or a number is out of range.
    """

    by: str | None = None
    index: Index | None = None
    strength: float = 0.3
    method: Variety = "mmr"
    pool: int = 100
    places: int = 50
    name: str = "diversify"
    gives: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if (self.by is None) == (self.index is None):
            raise ArgumentError(
                "Diversify",
                received="both by and index" if self.by is not None else "neither by nor index",
                expected="one of them",
                remedy='write Diversify(by="category"), or Diversify(index=retrieve.index)',
            )
        if not 0 <= self.strength <= 1:
            raise ArgumentError("Diversify.strength", received=self.strength, expected="a number from 0 to 1")
        if self.method not in get_args(Variety):
            raise ArgumentError("Diversify.method", received=self.method, expected="'mmr' or 'dpp'")
        count_of(self.pool, "Diversify.pool")
        count_of(self.places, "Diversify.places")

    @property
    def needs(self) -> tuple[str, ...]:
        """Candidates with scores, and the column unless it may hold lists."""
        return (CANDIDATES, SCORES) if self.by is None else (CANDIDATES, SCORES, self.by)

    def limited(self, k: int) -> "Diversify":
        """The same for no more places than are shown."""
        return replace(self, places=min(self.places, k))

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:  # noqa: ARG002
        """Choose place after place, for all requests at once."""
        places = candidates.places.copy()
        for rows in _slices(len(candidates), self.pool):
            at, real = _grid(candidates, rows, self.pool)
            scores = np.full(real.shape, -np.inf, dtype=np.float32)
            scores[real] = candidates.scores[at[real]]
            relevance = np.where(real, scaled(scores, real), -np.inf).astype(np.float32)
            similar = self._similar(candidates, at, real, state)
            choose = marginal if self.method == "mmr" else determinantal
            picked = choose(relevance, similar, self.strength, min(self.places, self.pool))
            chosen, place = np.nonzero(picked >= 0)
            places[at[chosen, picked[chosen, place]]] = place - self.pool
        return candidates.placed(places)

    def told(self, before: Candidates, after: Candidates) -> tuple[str, ...]:
        """How many lists changed."""
        moved = np.unique(before.query_of[before.items != after.items])
        return (f"changed the order of {len(moved)} of {len(after)} lists",)

    def _similar(
        self, candidates: Candidates, at: Places, real: npt.NDArray[np.bool_], state: State
    ) -> Floats:
        """Float32 [Q, P, P]."""
        if self.index is not None:
            index = state.index_now(self.index)
            rows = state.rows_of(index.keys)
            items = candidates.items[at] if len(candidates.items) else at
            found = np.where(real, rows[items] if len(rows) else -1, -1)
            vectors = index.vectors(found.ravel()).reshape(*found.shape, index.dim)
            norms = np.sqrt((vectors * vectors).sum(axis=2, keepdims=True))
            vectors = np.asarray(vectors / np.where(norms > 0, norms, 1), dtype=np.float32)
            # One product a request, all of one shape: the same numbers whoever is asked about beside it.
            similar = np.matmul(vectors, np.ascontiguousarray(vectors.transpose(0, 2, 1)))
        else:
            similar = _alike(self._values(candidates, state), at, real)
        return _with_ones(similar)

    def _values(self, candidates: Candidates, state: State) -> Any:
        assert self.by is not None
        if self.by not in candidates.columns and self.by in state.store.item_schema:
            return state.store.item_columns(candidates.items, (self.by,))[self.by]
        return column_of(self.by, candidates, state)

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:
        """See `PlainStage`."""
        return {
            "kind": "diversify",
            "by": self.by,
            "index": None if self.index is None else write_part("index", self.index),
            "strength": self.strength,
            "method": self.method,
            "pool": self.pool,
            "places": self.places,
            "name": self.name,
        }


def _slices(queries: int, pool: int) -> Iterator[slice]:
    step = max(1, _CELLS // (pool * pool))
    return (slice(start, min(start + step, queries)) for start in range(0, queries, step))


def _grid(candidates: Candidates, rows: slice, pool: int) -> tuple[Places, npt.NDArray[np.bool_]]:
    """int64 [Q, P]: the first candidates of each query, and which of these there are."""
    lengths = candidates.lengths[rows, None]
    place = np.arange(pool)
    real = place < lengths
    return np.where(real, candidates.offsets[:-1][rows, None] + place, 0), real


def _alike(values: Any, at: Places, real: npt.NDArray[np.bool_]) -> Floats:
    """Float32 [Q, P, P]: values that two candidates share, over the root of the product of their numbers."""
    if not isinstance(values, Ragged):
        codes = np.where(real, codes_of(values)[at] if len(values) else -1, -1)
        same = (codes[:, :, None] == codes[:, None, :]) & (codes >= 0)[:, :, None]
        return np.asarray(same, dtype=np.float32)
    out = np.zeros((*at.shape, at.shape[1]), dtype=np.float32)
    codes = codes_of(values.values)
    for query, (places, known) in enumerate(zip(at, real, strict=True)):
        own = values.with_values(codes).take(places[known])
        kinds, column = np.unique(own.values, return_inverse=True)
        marks = np.zeros((len(own), len(kinds)), dtype=np.float32)
        marks[own.row_of, column] = 1
        shared = marks @ marks.T
        sizes = np.sqrt(np.maximum(np.diagonal(shared), 1))
        out[query][np.ix_(known, known)] = shared / np.outer(sizes, sizes)
    return out


def _with_ones(similar: Floats) -> Floats:
    """What is like nothing else is like itself."""
    width = similar.shape[1]
    similar[:, np.arange(width), np.arange(width)] = 1
    return similar
