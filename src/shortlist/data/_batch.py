"""Named columns of equal length: what models read."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data._ragged import Array, Ragged
from shortlist.errors import ArgumentError, SchemaError, near

__all__ = ["Batch"]

_NO_BLOCKS: Mapping[tuple[str, ...], Array] = MappingProxyType({})


class Batch:
    """Columns by name; every column has ``len(batch)`` rows, 0 included.

    A ranking batch lists candidates. Its query columns stand once per query, and ``query_of`` [N] says which
    query each candidate belongs to, so the query's side is computed once.

    Args:
        columns: name -> array [B, ...] or `Ragged` of B rows (query columns may have Q rows, see below).
        rows: number of rows B; needed only when there are no columns.
        query: names of the columns that have one row per query instead of one per candidate.
        query_of: int64 [N], the query of each candidate; needed when ``query`` is not empty.

    Attributes:
        blocks: names of columns -> the matrix [B, columns] in which they stand side by side, where they do.

    >>> columns = {"item": np.array([7, 8, 9]), "age": np.array([30])}
    >>> batch = Batch(columns, query=("age",), query_of=np.zeros(3, int))
    >>> len(batch), batch.queries, batch.flat()["age"].tolist()
    (3, 1, [30, 30, 30])
    """

    __slots__ = ("_columns", "_rows", "blocks", "query", "query_of")

    def __init__(
        self,
        columns: Mapping[str, Array | Ragged],
        *,
        rows: int | None = None,
        query: Iterable[str] = (),
        query_of: npt.NDArray[np.int64] | None = None,
    ) -> None:
        self._columns = dict(columns)
        self.query = frozenset(query)
        self.query_of = query_of
        self.blocks: Mapping[tuple[str, ...], Array] = _NO_BLOCKS
        own = [len(column) for name, column in self._columns.items() if name not in self.query]
        counts = {*own, *(() if rows is None else (rows,)), *(() if query_of is None else (len(query_of),))}
        if len(counts) > 1:
            raise ArgumentError(
                "Batch",
                received=f"columns of {sorted(counts)} rows",
                expected="columns of one length",
                remedy="pass every column for the same rows",
            )
        if self.query and query_of is None:
            raise ArgumentError(
                "Batch.query_of", expected="the query of each candidate, since there are query columns"
            )
        self._rows = counts.pop() if counts else 0

    @classmethod
    def trusted(
        cls,
        columns: dict[str, Array | Ragged],
        rows: int,
        query: frozenset[str] = frozenset(),
        query_of: npt.NDArray[np.int64] | None = None,
        blocks: Mapping[tuple[str, ...], Array] = _NO_BLOCKS,
    ) -> "Batch":
        """A batch of columns whose lengths are known to be right: nothing is checked or copied.

        ``blocks`` are matrices whose columns are among ``columns``, for those who read them whole.
        """
        batch = cls.__new__(cls)
        batch._columns, batch._rows, batch.query, batch.query_of = columns, rows, query, query_of
        batch.blocks = blocks
        return batch

    def __getitem__(self, name: str) -> Array | Ragged:
        if name not in self._columns:
            raise SchemaError(
                "Batch", received=f"no column {name!r}", expected="a known column", remedy=near(name, self)
            )
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __len__(self) -> int:
        """Number of rows."""
        return self._rows

    def items(self) -> Iterable[tuple[str, Array | Ragged]]:
        """Pairs of name and column."""
        return self._columns.items()

    def __repr__(self) -> str:
        return f"Batch({', '.join(self._columns)}; {len(self)} rows)"

    @property
    def queries(self) -> int:
        """Number of queries: of rows in the query columns, or of rows when there are none."""
        return max((len(self._columns[name]) for name in self.query), default=self._rows)

    def array(self, name: str) -> Array:
        """A column that must be an array."""
        column = self[name]
        if isinstance(column, Ragged):
            raise SchemaError(f"column {name!r}", received="lists", expected="one value a row")
        return column

    def ragged(self, name: str) -> Ragged:
        """A column that must be lists."""
        column = self[name]
        if not isinstance(column, Ragged):
            raise SchemaError(f"column {name!r}", received="one value a row", expected="lists")
        return column

    def select(self, names: Iterable[str]) -> "Batch":
        """Only these columns."""
        wanted = list(names)
        query = self.query.intersection(wanted)
        columns = {name: self[name] for name in wanted}
        return Batch(columns, rows=self._rows, query=query, query_of=self.query_of)

    def with_columns(self, columns: Mapping[str, Array | Ragged], *, query: Iterable[str] = ()) -> "Batch":
        """These columns added or replaced."""
        merged = {**self._columns, **columns}
        names = (self.query - columns.keys()) | frozenset(query)
        return Batch(merged, rows=self._rows, query=names, query_of=self.query_of)

    def take(self, rows: npt.NDArray[np.integer[Any]]) -> "Batch":
        """Rows by number; query columns stay whole."""
        columns = {name: col if name in self.query else _take(col, rows) for name, col in self.items()}
        query_of = None if self.query_of is None else self.query_of[rows]
        return Batch(columns, rows=len(rows), query=self.query, query_of=query_of)

    def flat(self) -> "Batch":
        """The same batch with query columns repeated for each candidate."""
        if self.query_of is None:
            return self
        rows = self.query_of
        columns = {name: _take(col, rows) if name in self.query else col for name, col in self.items()}
        return Batch(columns, rows=self._rows)


def _take(column: Array | Ragged, rows: npt.NDArray[np.integer[Any]]) -> Array | Ragged:
    return column.take(rows) if isinstance(column, Ragged) else column[rows]
