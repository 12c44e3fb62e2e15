"""The columns of a ranking batch as numbers, the query's once a query."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from shortlist.models._arrays import Columns
from shortlist.models._features import rectangle
from shortlist.models._inputs import is_categorical, table_of, width_of
from shortlist.models._tables import Tables
from shortlist.nn._precision import lowered
from shortlist.nn._side_by_side import side_by_side
from shortlist.schema import Schema

__all__ = ["Cells", "Rows", "Side", "joined"]


@dataclass(frozen=True)
class Cells:
    """What one side's columns say of B rows.

    Attributes:
        vectors: ``[B, E, D]`` embeddings of codes, then mean embeddings of lists.
        numbers: ``[B, K]`` numbers and given vectors as they are.
        weights: ``[B, E, T]`` what further numbers the tables hold of each code.
        events: of each list that is read event by event, vectors ``[B, L, D]`` and a mask ``[B, L]``.
    """

    vectors: Tensor
    numbers: Tensor
    weights: Tensor
    events: tuple[tuple[Tensor, Tensor], ...] = ()

    def flat(self) -> Tensor:
        """``[B, E D + K]``."""
        return joined(self.parts(), dim=1)

    def parts(self) -> list[Tensor]:
        """What stands side by side in ``flat()``."""
        return [self.vectors.flatten(1), self.numbers]

    def take(self, rows: Tensor) -> "Cells":
        """Rows by number."""
        vectors, numbers, weights = (
            part.index_select(0, rows) for part in (self.vectors, self.numbers, self.weights)
        )
        events = tuple((one.index_select(0, rows), mask.index_select(0, rows)) for one, mask in self.events)
        return Cells(vectors, numbers, weights, events)


@dataclass(frozen=True)
class Rows:
    """N candidates and their Q queries.

    Attributes:
        query: the query's columns, of Q queries with ``query_of``, else of N candidates; None without any.
        candidate: the columns of the N candidates; None without any.
        query_of: int64 ``[N]``, the query of each candidate; None when both sides have N rows.
        together: the vectors of both sides ``[N, E, D]``, where they stand in one tensor anyway.
    """

    query: Cells | None
    candidate: Cells | None
    query_of: Tensor | None = None
    together: Tensor | None = None

    @classmethod
    def of(cls, query: Cells | None, candidate: Cells | None, query_of: Tensor | None) -> "Rows":
        """Sides that are computed apart only where there are two."""
        if query_of is None or query is None:
            return cls(query, candidate)
        if candidate is None:
            return cls(query.take(query_of), None)
        return cls(query, candidate, query_of)

    @property
    def sides(self) -> list[Cells]:
        """Those that there are."""
        return [side for side in (self.query, self.candidate) if side is not None]

    def flat(self) -> Tensor:
        """All columns side by side, ``[N, W]``, the query's first."""
        if self.query_of is None:
            return joined(self._parts(), dim=1)
        return self.join([side.flat() for side in self.sides])

    def lowered(self) -> Tensor:
        """``flat()`` in the type in which products are made of it."""
        return side_by_side(self._parts()) if self.query_of is None else lowered(self.flat())

    def _parts(self) -> list[Tensor]:
        parts = [part for side in self.sides for part in side.parts()]
        return [part for part in parts if part.shape[1] > 0] or parts[:1]

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        """Tensors of each side, side by side in dimension 1."""
        if self.query_of is None:
            return joined(parts, dim=1)
        if parts[0].shape[1] == 0:
            return parts[1]
        return joined([parts[0].index_select(0, self.query_of), parts[1]], dim=1)

    def add(self, parts: Sequence[Tensor]) -> Tensor:
        """The sum of a tensor of each side."""
        if len(parts) == 1:
            return parts[0]
        first = parts[0] if self.query_of is None else parts[0].index_select(0, self.query_of)
        return first + parts[1]

    def linear(self, layer: nn.Linear, parts: Sequence[Tensor] | None = None) -> Tensor:
        """A linear layer on ``flat()``, or the join of ``parts``; the query's share is made once a query."""
        if self.query_of is None:
            out: Tensor = layer(self.lowered() if parts is None else joined(parts, dim=1))
            return out
        if parts is None:
            parts = [side.flat() for side in self.sides]
        query, own = parts
        width = query.shape[1]
        if width == 0:
            alone: Tensor = layer(own)
            return alone
        if own.shape[1] == 0:
            once: Tensor = layer(query)
            return once.index_select(0, self.query_of)
        shares = functional.linear(query, layer.weight[:, :width])
        return self.add([shares, functional.linear(own, layer.weight[:, width:], layer.bias)])

    def through(self, layers: nn.Sequential, parts: Sequence[Tensor] | None = None) -> Tensor:
        """Layers, the first of them linear, as `linear` reads it."""
        first, *others = layers
        assert isinstance(first, nn.Linear)
        x = self.linear(first, parts)
        for layer in others:
            x = layer(x)
        return x


class Side:
    """The columns of the query, or of the candidates.

    Args:
        inputs: the columns, none too.
        dim: width D of an embedding; what tables hold beyond it are weights.
        events: names of lists that are read event by event, instead of by their mean.
    """

    def __init__(self, inputs: Schema, dim: int, events: Sequence[str] = ()) -> None:
        coded = [column for column in inputs if is_categorical(column)]
        self._scalars = [column.name for column in coded if not column.is_list]
        lists = [(column.name, table_of(column)) for column in coded if column.is_list]
        self._lists = [pair for pair in lists if pair[0] not in events]
        self._events = [pair for pair in lists if pair[0] in events]
        numbers = [column for column in inputs if not is_categorical(column)]
        self._numbers = [column.name for column in numbers]
        self.tables = [table_of(column) for column in coded if not column.is_list]
        self.names = [*self._scalars, *(name for name, _ in self._lists)]
        self.number_widths = [width_of(column) or 0 for column in numbers]
        self.dim, self.fields = dim, len(inputs)
        self.width = len(self.names) * dim + sum(self.number_widths)

    def codes(self, columns: Columns) -> list[Tensor]:
        """Codes ``[B]`` of the columns that hold one, in the order of ``tables``."""
        return [_whole(columns[name]) for name in self._scalars]

    def cells(self, tables: Tables | None, columns: Columns, scalars: Tensor | None) -> Cells | None:
        """The side's cells; None without columns.

        Args:
            tables: hold the embeddings of the codes.
            columns: codes ``[B]``, numbers ``[B]``, vectors ``[B, W]``, or lists: (values, offsets) or one
                rectangle ``[B, L]`` filled with 0.
            scalars: what the tables hold of `codes`, ``[B, S, D + T]``.
        """
        if self.fields == 0:
            return None
        events = tuple(self._of_events(tables, table, columns[name]) for name, table in self._events)
        values = [_whole(columns[name]) for name in self._numbers]
        wide = [value if value.ndim == 2 else value.unsqueeze(1) for value in values]
        found = [] if scalars is None else [scalars]
        found += [_pooled(tables, table, columns[name]).unsqueeze(1) for name, table in self._lists]
        if len(found) == 0 and len(wide) == 0:
            found = [events[0][0][:, :0]]
        if len(found) == 0:
            numbers = joined(wide, dim=1)
            nothing = numbers.new_zeros(numbers.shape[0], 0, self.dim)
            return Cells(nothing, numbers, nothing, events)
        held = joined(found, dim=1)
        numbers = joined(wide, dim=1) if len(wide) > 0 else held.new_zeros(held.shape[0], 0)
        if held.shape[2] == self.dim:
            return Cells(held, numbers, held[:, :, :0], events)
        vectors, weights = torch.split(held, [self.dim, held.shape[2] - self.dim], dim=2)
        return Cells(vectors, numbers, weights, events)

    def _of_events(
        self, tables: Tables | None, name: str, column: Tensor | tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        assert tables is not None
        codes = rectangle(column)
        return tables.lookup(name, codes)[:, :, : self.dim], codes != 0


def joined(parts: Sequence[Tensor], *, dim: int) -> Tensor:
    """Tensors one after another, those without a number left out."""
    filled = [part for part in parts if part.shape[dim] > 0] or list(parts[:1])
    return filled[0] if len(filled) == 1 else torch.cat(filled, dim=dim)


def _pooled(tables: Tables | None, name: str, column: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    assert tables is not None
    return tables.pool_padded(name, column) if isinstance(column, Tensor) else tables.pool(name, *column)


def _whole(column: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    assert isinstance(column, Tensor)
    return column
