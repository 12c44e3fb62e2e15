"""Columns of a batch as the inputs of a graph."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Batch, Ragged
from shortlist.errors import SchemaError
from shortlist.schema import Column

__all__ = ["Pack", "numbers_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """An input that takes several columns of single values side by side.

    Attributes:
        name: of the input.
        dtype: of the input, int32 or float32.
        columns: in order.
        names: of the columns.
        limits: int64 [columns], how many codes each has; None for numbers.
    """

    name: str
    dtype: npt.DTypeLike
    columns: tuple[Column, ...]
    names: tuple[str, ...]
    limits: npt.NDArray[np.int64] | None

    @classmethod
    def of(cls, name: str, dtype: npt.DTypeLike, columns: Sequence[Column]) -> "Pack":
        """Of the columns in order."""
        sizes = [2**31 - 1 if c.domain is None or c.domain.size is None else c.domain.size for c in columns]
        limits = np.array(sizes, np.int64) if dtype == np.int32 else None
        return cls(name, dtype, tuple(columns), tuple(column.name for column in columns), limits)

    def read(self, batch: Batch) -> Array:
        """[B, columns]: the block that the batch has of just these columns, or the columns put together.

        Raises:
            SchemaError: a column has a wrong shape or type, or holds a code out of range.
        """
        block = batch.blocks.get(self.names)
        if block is None or block.dtype != self.dtype:
            block = self._joined(batch)
        elif self.limits is not None and ((block < 0) | (block >= self.limits)).any():
            block = self._joined(batch)  # which says where
        return np.ascontiguousarray(block)

    def _joined(self, batch: Batch) -> Array:
        exact = np.dtype(np.float32) if self.limits is None else np.dtype(np.int64)
        columns = [numbers_of(column, exact, batch[column.name]) for column in self.columns]
        return np.stack(columns, axis=1, dtype=self.dtype, casting="same_kind")


def numbers_of(column: Column, dtype: npt.DTypeLike, values: Array | Ragged) -> Array:
    """A column of a batch as numbers; lists become [B, L], filled with 0 on the right.

    Raises:
        SchemaError: it has a wrong shape or type, or holds a code out of range.
    """
    if isinstance(values, Ragged) != column.is_list:
        shapes = ("one value a row", "lists")
        raise SchemaError(
            f"column {column.name!r}", received=shapes[not column.is_list], expected=shapes[column.is_list]
        )
    flat = values.values if isinstance(values, Ragged) else values
    if dtype == np.int64:
        _check_codes(column, flat)
    elif flat.dtype.kind not in "fiub":
        raise SchemaError(f"column {column.name!r}", received=str(flat.dtype), expected="numbers")
    array = values.padded() if isinstance(values, Ragged) else values
    return np.ascontiguousarray(array, dtype=dtype)


def _check_codes(column: Column, codes: Array) -> None:
    size = None if column.domain is None else column.domain.size
    if codes.dtype.kind not in "iu":
        raise SchemaError(
            f"column {column.name!r}",
            received=str(codes.dtype),
            expected="integer codes",
            remedy="pass the batch through the workflow first",
        )
    # Read as unsigned, a negative code is huge: one pass finds both ends.
    top = int(np.maximum.reduce(codes.astype(np.int64, copy=False).view(np.uint64), initial=0))
    if size is not None and top >= size:
        raise SchemaError(
            f"column {column.name!r}",
            received=f"a code of {top if top < 2**63 else top - 2**64}",
            expected=f"codes from 0 to {size - 1}",
            remedy="use the workflow that the model was trained with",
        )
