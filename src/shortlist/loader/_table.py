"""Encoded columns in memory, laid out so that taking rows at random is cheap."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from torch import Tensor

from shortlist.data import Array, Batch, Ragged
from shortlist.errors import SchemaError
from shortlist.loader._columns import list_column, scalar_column, vector_column
from shortlist.schema import Schema

__all__ = ["Table", "take"]

Rows = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of encoded columns.

    Scalar columns of one type stand side by side in one matrix ``[N, F]``: a row is one run of memory, so
    that a batch costs one gather a type and not one a column.

    Attributes:
        names: type -> names of the F columns of that type.
        blocks: type -> matrix ``[N, F]``.
        lists: list columns by name.
        vectors: columns of vectors by name, each ``[N, W]``.
        rows: number of rows N.

    >>> from shortlist.schema import Column, Domain
    >>> schema = Schema([Column("item", "int64", ("item", "id"), domain=Domain("item", 9))])
    >>> table = Table.of(pl.DataFrame({"item": [3, 8, 5]}), schema)
    >>> table.take(np.array([2, 0])).batch()["item"]
    tensor([5, 3])
    """

    names: dict[str, tuple[str, ...]]
    blocks: dict[str, Array]
    lists: dict[str, Ragged]
    vectors: dict[str, Array]
    rows: int

    @classmethod
    def of(cls, frame: pl.DataFrame, schema: Schema) -> "Table":
        """Read the schema's columns of a frame.

        Raises:
            SchemaError: a column is missing, has nulls or another type, or a code outside its domain.
        """
        missing = [name for name in schema.names if name not in frame.columns]
        if len(missing) > 0:
            raise SchemaError(
                "Loader",
                received=f"data without {missing}",
                expected=f"the columns {list(schema.names)}",
                remedy="transform the data with the workflow whose schema the model was built from",
            )
        lists = {column.name: list_column(frame[column.name], column) for column in schema if column.is_list}
        of = {
            kind: [column for column in schema if column.shape.kind == kind] for kind in ("scalar", "vector")
        }
        scalars = {column.name: scalar_column(frame[column.name], column) for column in of["scalar"]}
        vectors = {column.name: vector_column(frame[column.name], column) for column in of["vector"]}
        names: dict[str, tuple[str, ...]] = {}
        for name, values in scalars.items():
            names[values.dtype.name] = (*names.get(values.dtype.name, ()), name)
        blocks = {kind: np.stack([scalars[name] for name in group], 1) for kind, group in names.items()}
        return cls(names, blocks, lists, vectors, frame.height)

    @classmethod
    def concat(cls, tables: Sequence["Table"]) -> "Table":
        """The rows of several tables of the same columns, at least one, one after the other."""
        if len(tables) == 1:
            return tables[0]
        first = tables[0]
        blocks = {kind: np.concatenate([table.blocks[kind] for table in tables]) for kind in first.blocks}
        lists = {name: _joined([table.lists[name] for table in tables]) for name in first.lists}
        vectors = {name: np.concatenate([table.vectors[name] for table in tables]) for name in first.vectors}
        return cls(first.names, blocks, lists, vectors, sum(table.rows for table in tables))

    @property
    def nbytes(self) -> int:
        """Memory of the values in bytes."""
        lists = sum(column.values.nbytes + column.offsets.nbytes for column in self.lists.values())
        return lists + sum(block.nbytes for block in (*self.blocks.values(), *self.vectors.values()))

    def __getitem__(self, name: str) -> Array:
        """The values ``[N]`` of a scalar column."""
        for kind, group in self.names.items():
            if name in group:
                return self.blocks[kind][:, group.index(name)]
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        alone = name in self.lists or name in self.vectors
        return alone or any(name in group for group in self.names.values())

    def take(self, rows: Rows) -> "Table":
        """Rows by number, in the order asked for."""
        blocks = {kind: np.take(block, rows, axis=0) for kind, block in self.blocks.items()}
        lists = {name: column.take(rows) for name, column in self.lists.items()}
        vectors = {name: np.take(values, rows, axis=0) for name, values in self.vectors.items()}
        return Table(self.names, blocks, lists, vectors, len(rows))

    def select(self, names: Iterable[str]) -> "Table":
        """Only these columns, each of which the table has."""
        wanted = set(names)
        places = {
            kind: [place for place, name in enumerate(group) if name in wanted]
            for kind, group in self.names.items()
        }
        kept = {kind: places_ for kind, places_ in places.items() if len(places_) > 0}
        return Table(
            {kind: tuple(self.names[kind][place] for place in own) for kind, own in kept.items()},
            {kind: self.blocks[kind][:, own] for kind, own in kept.items()},
            {name: column for name, column in self.lists.items() if name in wanted},
            {name: values for name, values in self.vectors.items() if name in wanted},
            self.rows,
        )

    def batch(self, device: torch.device | str = "cpu") -> Batch:
        """All rows as tensors: codes and other integers int64, numbers float32, lists of them as `Ragged`."""
        columns: dict[str, Any] = {}
        for kind, group in self.names.items():
            block = _tensor(self.blocks[kind], device)
            columns.update(zip(group, block.unbind(1), strict=True))
        for name, column in self.lists.items():
            columns[name] = _ragged(column, device)
        columns |= {name: _tensor(values, device) for name, values in self.vectors.items()}
        return Batch(columns, rows=self.rows)


def take(batch: Batch, names: Iterable[str], rows: Rows) -> Batch:
    """Some rows of some columns of a batch of tensors.

    >>> batch = Batch({"item": torch.tensor([5, 6, 7])})
    >>> take(batch, ["item"], np.array([2, 2]))["item"]
    tensor([7, 7])
    """
    columns: dict[str, Any] = {}
    for name in names:
        column: Any = batch[name]
        if isinstance(column, Ragged):
            values: Any = column.values
            arrays = Ragged(values.cpu().numpy(), cast("Any", column.offsets).cpu().numpy())
            columns[name] = _ragged(arrays.take(rows), values.device)
        else:
            columns[name] = column[torch.from_numpy(rows).to(column.device)]
    return Batch(columns, rows=len(rows))


def _ragged(column: Ragged, device: torch.device | str) -> Ragged:
    values, offsets = _tensor(column.values, device), _tensor(column.offsets, device)
    return Ragged.trusted(cast("Any", values), cast("Any", offsets))


def _joined(columns: Sequence[Ragged]) -> Ragged:
    lengths = np.concatenate([column.lengths for column in columns])
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    return Ragged(np.concatenate([column.values for column in columns]), offsets)


def _tensor(values: Array, device: torch.device | str) -> Tensor:
    tensor = torch.from_numpy(values if values.flags.writeable else values.copy())
    if torch.device(device).type == "cuda":
        # From pinned memory the copy runs beside the work that is queued already.
        tensor = tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device) if tensor.is_floating_point() else tensor.to(device).long()
