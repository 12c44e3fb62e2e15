"""An index in PostgreSQL with the extension pgvector, for catalogues beyond one machine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Keys
from shortlist.errors import ArgumentError, BundleError, DataError
from shortlist.extras import need
from shortlist.index._checks import matrix, refuse_other_model, search_input
from shortlist.index._comparisons import effort_for
from shortlist.index._facts import METRIC, Facts
from shortlist.index._overlay import ids_like
from shortlist.index._pgvector_table import Found, PgVectorTable
from shortlist.index._planner import depth_for, first_allowed, scans
from shortlist.index._recall import least_effort, sample_queries

__all__ = ["PgVectorIndex", "PgVectorOptions"]

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_MOST_EFFORT = 1000  # pgvector's own bound of hnsw.ef_search


@final
@dataclass(frozen=True, slots=True)
class PgVectorOptions:
    """How a table is indexed and measured.

    Attributes:
        links: links per node of the HNSW graph.
        build_effort: candidates weighed for each link while the graph is built.
        recall_target: share of the ``recall_at`` best items that a search is to find.
        recall_at: K cut at which recall is measured and tuned.
        sample: number of queries that recall is measured on; each is one scan of the table.

    Raises:
        ArgumentError: a number below 1, or a target that is no share.
    """

    links: int = 16
    build_effort: int = 64
    recall_target: float = 0.95
    recall_at: int = 100
    sample: int = 64

    def __post_init__(self) -> None:
        for name in ("links", "build_effort", "recall_at", "sample"):
            if getattr(self, name) < 1:
                raise ArgumentError(
                    f"PgVectorOptions.{name}", received=getattr(self, name), expected="an integer >= 1"
                )
        if not 0.0 < self.recall_target <= 1.0:
            raise ArgumentError(
                "PgVectorOptions.recall_target", received=self.recall_target, expected="a share in (0, 1]"
            )


@final
class PgVectorIndex:
    """Vectors of items in a table of PostgreSQL, searched by inner product through an HNSW graph of pgvector.

    It has the surface of a `VectorIndex`: rows, scores, filters, raw ids, and can stand in its place in a
    pipeline. Raw ids are held in memory; vectors stay in the database. `replace` puts a whole catalogue in
    place of another in one transaction; `upsert` and `delete` change single items. What other connections
    changed is seen after `refresh`. Needs the extra ``pgvector``.

    Args:
        address: how to connect, a URL or ``key=value`` words, as libpq reads them.
        table: name of the table, ``schema.table`` or ``table``.
        options: how a catalogue is indexed.
        fingerprint: of the model that will make the queries; a table of another model's vectors is refused.
    """

    def __init__(
        self,
        address: str,
        table: str,
        *,
        options: PgVectorOptions | None = None,
        fingerprint: str | None = None,
    ) -> None:
        self.address = address
        self.options = PgVectorOptions() if options is None else options
        self.fingerprint = fingerprint
        self._table = PgVectorTable(table)
        self._held: tuple[Keys, Rows, Facts] | None = None

    def open(self) -> Self:
        """Connect, and read the ids if the table is there.

        Raises:
            MissingExtraError: psycopg is not installed.
            DataError: the database cannot be reached, or has no pgvector.
            BundleError: the table is not one that `replace` wrote, or is of another model.
        """
        self._table.open(need("psycopg", use="PgVectorIndex"), self.address)
        try:
            if self._table.exists():
                self.refresh()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Disconnect."""
        self._table.close()
        self._held = None

    @property
    def keys(self) -> Keys:
        """Raw ids, in the order of the rows."""
        return self._state[0]

    @property
    def facts(self) -> Facts:
        """What is known about the table."""
        return self._state[2]

    @property
    def dim(self) -> int:
        """Width D of the vectors."""
        return self.facts.dim

    @property
    def recall(self) -> float:
        """Share of the ``facts.recall_at`` best items that a search finds, as measured by `replace`."""
        return self.facts.recall

    def __len__(self) -> int:
        """Number of vectors N."""
        return len(self.keys)

    def __repr__(self) -> str:
        shown = "closed" if self._held is None else f"{len(self)} x {self.dim}, recall {self.recall:.3f}"
        return f"PgVectorIndex({self._table.name}, {shown})"

    def refresh(self) -> None:
        """Read the ids again.

        Raises:
            BundleError: the table is not one that `replace` wrote, or is of another model or metric.
        """
        facts = self._table.facts()
        refuse_other_model(f"table {self._table.name}", facts.model, self.fingerprint)
        if facts.metric != METRIC:
            raise BundleError(
                f"table {self._table.name}",
                received=f"the metric {facts.metric!r}",
                expected=f"the metric {METRIC!r}",
                remedy="write the catalogue again with replace()",
            )
        slots, ids = self._table.ids()
        self._held = Keys(ids), slots, replace(facts, count=len(slots))

    def replace(
        self,
        vectors: Vectors,
        ids: Iterable[Any] | Array | Keys,
        *,
        queries: Vectors | None = None,
        seed: int = 0,
        fingerprint: str = "",
    ) -> Self:
        """Write a catalogue, index it, measure its recall, and put it in place of the table in one step.

        Until the end, and if it fails, others see the table as it was.

        Args:
            vectors: float32 [N, D], finite.
            ids: N distinct raw ids, integers or text.
            queries: float32 [Q, D] to measure with; by default sums of two vectors drawn at random.
            seed: of the drawn queries.
            fingerprint: of the model that made the vectors.

        Raises:
            ArgumentError: shapes that disagree, or a value that is not finite.
            DataError: an id twice, or the database refuses.
        """
        fresh = matrix(vectors, "replace.vectors")
        keys = ids if isinstance(ids, Keys) else Keys(ids if isinstance(ids, np.ndarray) else list(ids))
        _same_length(keys, fresh, "replace.ids")
        facts = Facts(
            "hnsw",
            dim=fresh.shape[1],
            count=len(fresh),
            recall_at=self.options.recall_at,
            recall_target=self.options.recall_target,
            model=fingerprint,
        )
        with self._table.replacing(fresh, keys.values, self.options.links, self.options.build_effort) as new:
            if len(fresh) > 0:
                asked = sample_queries(fresh, queries, self.options.sample, seed)
                facts = self._tuned(new, facts, asked)
            new.describe(facts)
        self.refresh()
        return self

    def search(self, queries: Vectors, k: int, *, allowed: Mask | None = None) -> tuple[Rows, Vectors]:
        """The k items of largest inner product; filters, arguments and errors as of `VectorIndex.search`."""
        queries = search_input(queries, k, allowed, dim=self.dim, count=len(self))
        rows = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        width = min(k, len(self) if allowed is None else int(np.count_nonzero(allowed)))
        finite = np.flatnonzero(np.isfinite(queries).all(axis=1))
        if width == 0 or len(finite) == 0:
            return rows, scores
        found = self._nearest(queries[finite], width, allowed)
        rows[finite, : found[0].shape[1]], scores[finite, : found[1].shape[1]] = found
        return rows, scores

    def vectors(self, rows: Rows) -> Vectors:
        """Float32 [N, D]: the vectors of rows; zeros for -1."""
        found = np.zeros((len(rows), self.dim), dtype=np.float32)
        known = np.flatnonzero(rows >= 0)
        if len(known) > 0:
            slots = self._state[1][rows[known]]
            wanted, place = np.unique(slots, return_inverse=True)
            found[known] = self._table.vectors(wanted, self.dim)[place]
        return found

    def upsert(
        self, ids: Iterable[Any] | Array | Keys, vectors: Vectors, *, fingerprint: str | None = None
    ) -> None:
        """Add items, or replace their vectors, in one transaction; errors as of `VectorIndex.with_items`."""
        refuse_other_model("PgVectorIndex.upsert", self.facts.model, fingerprint)
        fresh = matrix(vectors, "upsert.vectors", self.dim)
        given = Keys(ids_like(self.keys, ids, "upsert.ids"))
        _same_length(given, fresh, "upsert.ids")
        self._table.upsert(given.values, fresh)
        self.refresh()

    def delete(self, ids: Iterable[Any] | Array | Keys) -> None:
        """Remove items; unknown ids are passed over."""
        positions = self.keys.positions(ids.values if isinstance(ids, Keys) else ids)
        self._table.delete(self.keys.take(positions[positions >= 0]))
        self.refresh()

    @property
    def _state(self) -> tuple[Keys, Rows, Facts]:
        if self._held is None:
            raise DataError(
                f"table {self._table.name}",
                received="no catalogue",
                expected="an open index over a table that holds one",
                remedy="call open(), and replace(vectors, ids) once to fill the table",
            )
        return self._held

    def _nearest(self, queries: Vectors, k: int, allowed: Mask | None) -> tuple[Rows, Vectors]:
        _, slots, facts = self._state
        share = facts.count if allowed is None else int(np.count_nonzero(allowed))
        chosen = None if allowed is None else slots[allowed]
        if allowed is not None and scans(facts, k, share):
            return self._rows(self._table.nearest_exact(queries, k, chosen), k)
        depth = k if allowed is None else depth_for(k, share, facts.count)
        effort = min(max(effort_for(facts, depth), depth), _MOST_EFFORT)
        rows, scores = self._rows(self._table.nearest(queries, depth, effort), depth)
        if allowed is not None:
            rows, scores = first_allowed(rows, scores, allowed, k)
        short = np.flatnonzero((rows >= 0).sum(axis=1) < k)
        if len(short) > 0:
            rows[short], scores[short] = self._rows(self._table.nearest_exact(queries[short], k, chosen), k)
        return rows, scores

    def _rows(self, found: Sequence[Found], k: int) -> tuple[Rows, Vectors]:
        """Lists of slots as lists of rows [Q, k]; slots that were added since `refresh` are left out."""
        slots = self._state[1]
        rows = np.full((len(found), k), -1, dtype=np.int64)
        scores = np.full((len(found), k), -np.inf, dtype=np.float32)
        for query, (numbers, values) in enumerate(found):
            places = np.minimum(np.searchsorted(slots, numbers), max(len(slots) - 1, 0))
            known = slots[places] == numbers
            order = np.lexsort((numbers[known], -values[known]))
            rows[query, : len(order)] = places[known][order]
            scores[query, : len(order)] = values[known][order]
        return rows, scores

    def _tuned(self, table: PgVectorTable, facts: Facts, queries: Vectors) -> Facts:
        k = min(facts.recall_at, facts.count)
        least = np.array([values.min() for _, values in table.nearest_exact(queries, k, None)])[:, None]

        def recall(effort: int) -> float:
            found = [values for _, values in table.nearest(queries, k, max(effort, k))]
            good = least - 1e-6 * np.maximum(1.0, np.abs(least))
            return float(np.mean([(v >= g).sum() / k for v, g in zip(found, good, strict=True)]))

        effort = least_effort(recall, facts.recall_target, _MOST_EFFORT)
        return replace(facts, effort=max(effort, min(k, _MOST_EFFORT)), recall=recall(effort))


def _same_length(keys: Keys, vectors: Vectors, where: str) -> None:
    if len(keys) != len(vectors):
        raise ArgumentError(
            where, received=f"{len(keys)} ids", expected=f"one for each of the {len(vectors)} vectors"
        )
