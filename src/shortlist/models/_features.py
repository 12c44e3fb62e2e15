"""Columns to one vector a row: embeddings, encoded lists, numbers and given vectors side by side."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from shortlist.errors import ArgumentError, near
from shortlist.models._arrays import Columns
from shortlist.models._inputs import is_categorical, table_of, width_of
from shortlist.models._tables import Tables
from shortlist.schema import Column, Schema

__all__ = ["Features", "rectangle"]

NO_MODULES: Mapping[str, nn.Module] = {}


class Features(nn.Module):
    """Concatenate the embeddings of codes, vectors of lists, and numbers with given vectors, in this order.

    A list of codes becomes the mean of its embeddings, or what the module given for it makes of them.

    Args:
        inputs: the columns, at least one.
        tables: tables that hold the domains of the categorical columns; None when there are none. The
            tables stay the caller's: they are not among this module's own parameters, since several
            modules share them.
        histories: list column -> module that takes the embeddings of the list ``[B, L, D]`` and a mask
            ``[B, L]``, True where there is an element, to ``[B, D]``. Lists start at the left.
        texts: list column of token codes -> module that takes the codes ``[B, L]``, filled with 0, to
            ``[B, D]``; such a column needs no table.
        names: column -> its table, where that is not the one of its domain.

    Raises:
        ArgumentError: a module is given for a column that is no list of codes here, or gives another width.
    """

    def __init__(
        self,
        inputs: Schema,
        tables: Tables | None,
        *,
        histories: Mapping[str, nn.Module] = NO_MODULES,
        texts: Mapping[str, nn.Module] = NO_MODULES,
        names: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self._shared = (tables,)
        categorical = [column for column in inputs if is_categorical(column)]
        tokens = [column for column in categorical if column.name in texts]
        coded = [(column, (names or {}).get(column.name, table_of(column))) for column in categorical]
        self._scalars = [(column.name, table) for column, table in coded if not column.is_list]
        self._lists = [
            (column.name, table) for column, table in coded if column.is_list and column not in tokens
        ]
        self._texts = [column.name for column in tokens]
        numbers = [column for column in inputs if not is_categorical(column)]
        self._numbers = [column.name for column in numbers]
        self._places = {name: place for place, name in enumerate({**histories, **texts})}
        self.encoders = nn.ModuleList({**histories, **texts}.values())
        dim = 0 if tables is None else tables.dim
        _check_columns({**histories, **texts}, [column for column in categorical if column.is_list])
        self.embeddings = len(categorical)
        widths = [width_of(column) or 0 for column in numbers]
        self.width = self.embeddings * dim + sum(widths)
        self.wide = [
            self.embeddings * dim + sum(widths[:place]) for place, width in enumerate(widths) if width == dim
        ]

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
            parts += [self._of_list(tables, name, table, columns[name]) for name, table in self._lists]
        parts += [self.encoders[self._places[name]](rectangle(columns[name])) for name in self._texts]
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

    def _of_list(
        self, tables: Tables, name: str, table: str, column: Tensor | tuple[Tensor, Tensor]
    ) -> Tensor:
        if name in self._places:
            codes = rectangle(column)
            encoded: Tensor = self.encoders[self._places[name]](tables.lookup(table, codes), codes != 0)
            return encoded
        if isinstance(column, Tensor):
            return tables.pool_padded(table, column)
        return tables.pool(table, *column)


def _whole(column: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    assert isinstance(column, Tensor)
    return column


def rectangle(column: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    """Lists as ``[B, L]`` filled with 0, L at least 1: encoders need not know of lists without a place."""
    if isinstance(column, Tensor):
        return torch.cat([column, column.new_zeros(column.shape[0], 1)], dim=1)
    values, offsets = column
    lengths = offsets.diff()
    rows = torch.arange(len(lengths), device=values.device).repeat_interleave(lengths)
    places = torch.arange(len(values), device=values.device) - offsets[:-1][rows]
    longest = int(lengths.max()) if len(lengths) > 0 else 0
    filled = values.new_zeros(len(lengths), max(longest, 1))
    filled[rows, places] = values
    return filled


def _check_columns(modules: Mapping[str, nn.Module], lists: list[Column]) -> None:
    known = [column.name for column in lists]
    for name in modules:
        if name not in known:
            raise ArgumentError(
                "Features",
                received=f"a module for {name!r}",
                expected=f"a list of codes among this side's columns: {known}",
                remedy=near(name, known),
            )
