"""Columns to one vector a row: embeddings, mean-pooled lists, numbers and given vectors side by side."""

import torch
from torch import Tensor, nn

from shortlist.models._arrays import Columns
from shortlist.models._inputs import is_categorical, table_of, width_of
from shortlist.nn import EmbeddingTables
from shortlist.schema import Schema

__all__ = ["Features"]


class Features(nn.Module):
    """Concatenate the embeddings of codes, mean embeddings of lists, and numbers with vectors, in this order.

    Args:
        inputs: the columns, at least one.
        tables: tables that hold the domains of the categorical columns; None when there are none. The
            tables stay the caller's: they are not among this module's own parameters, since several
            modules share them.
    """

    def __init__(self, inputs: Schema, tables: EmbeddingTables | None) -> None:
        super().__init__()
        self.inputs = inputs
        self._shared = (tables,)
        categorical = [column for column in inputs if is_categorical(column)]
        self._scalars = [(column.name, table_of(column)) for column in categorical if not column.is_list]
        self._lists = [(column.name, table_of(column)) for column in categorical if column.is_list]
        numbers = [column for column in inputs if not is_categorical(column)]
        self._numbers = [column.name for column in numbers]
        self.embeddings = len(categorical)
        dim = 0 if tables is None else tables.dim
        self.width = self.embeddings * dim + sum(width_of(column) or 0 for column in numbers)

    def forward(self, columns: Columns) -> Tensor:
        """Vectors of the rows.

        Args:
            columns: name -> codes ``[B]``, numbers ``[B]``, vectors ``[B, W]``, or lists: (values ``[T]``,
                offsets ``[B + 1]``) or one rectangle ``[B, L]`` filled with 0.

        Returns:
            ``[B, width]``.
        """
        (tables,) = self._shared
        parts: list[Tensor] = []
        if tables is not None and len(self._scalars) > 0:
            codes = torch.stack([_whole(columns[name]) for name, _ in self._scalars], dim=1)
            parts.append(tables.lookup_many([table for _, table in self._scalars], codes).flatten(1))
        if tables is not None:
            parts += [_pooled(tables, table, columns[name]) for name, table in self._lists]
        if len(self._numbers) > 0:
            numbers = [_whole(columns[name]) for name in self._numbers]
            parts += [value if value.ndim == 2 else value.unsqueeze(1) for value in numbers]
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]

    def places(self, table: str) -> list[int]:
        """Where in the output the embeddings of a table begin."""
        (tables,) = self._shared
        width = 0 if tables is None else tables.dim
        names = [name for _, name in (*self._scalars, *self._lists)]
        return [place * width for place, name in enumerate(names) if name == table]

    def padded(self, *tensors: Tensor) -> Tensor:
        """The same for one tensor per input, in the order of ``inputs``, lists as ``[B, L]``."""
        vectors: Tensor = self(dict(zip(self.inputs.names, tensors, strict=True)))
        return vectors


def _whole(column: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    assert isinstance(column, Tensor)
    return column


def _pooled(tables: EmbeddingTables, table: str, column: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    if isinstance(column, Tensor):
        return tables.pool_padded(table, column)
    return tables.pool(table, *column)
