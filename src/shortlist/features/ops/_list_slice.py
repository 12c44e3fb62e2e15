"""A part of every list."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Ragged
from shortlist.errors import ArgumentError, SchemaError
from shortlist.features._frame_columns import element_type
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.features.ops._checks import list_column
from shortlist.schema import Column, Shape

__all__ = ["ListSlice"]

Lengths = npt.NDArray[np.int64]

_PADS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "uint": (int,),
    "float": (int, float),
    "bool": (bool, int),
    "string": (str,),
}


@dataclass(frozen=True)
class ListSlice(Op):
    """``row[start:end]`` of every list, as Python slices: both ends may count from the back.

    With one number only, the first so many elements, or the last so many where it is negative. A list that
    is too short gives what it has, an empty or missing one an empty list; with ``pad`` every list is filled
    up on the right to the length of the slice. Elements may be of any type; nulls among them stay. Pad codes
    after Categorify: 0 is the code of padding, while 0 before it is a value like any other. (NVTabular pads
    on a GPU only.)

    Attributes:
        start: place of the first element kept; alone, how many are kept from the front or from the back.
        end: place after the last element kept.
        pad: whether to fill up short lists; both ends must then count from the same side.
        pad_value: what to fill up with, of the elements' type.

    Raises:
        ArgumentError: an end is no integer, ``start`` alone is 0, or a slice without a fixed length is to be
            padded.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"seen": [[1, 2, 3], [4], []]}))
    >>> Workflow(["seen" >> ListSlice(-2, pad=True)]).fit(rows).transform(rows).collect()["seen"].to_list()
    [[2, 3], [4, 0], [0, 0]]
    """

    start: int
    end: int | None = None
    pad: bool = False
    pad_value: float | str | bool = 0

    def __post_init__(self) -> None:
        for where, at in (("ListSlice.start", self.start), ("ListSlice.end", self.end)):
            if at is not None and (isinstance(at, bool) or not isinstance(at, int)):
                raise ArgumentError(where, received=at, expected="an integer")
        if self.start == 0 and self.end is None:
            raise ArgumentError(
                "ListSlice.start",
                received=0,
                expected="how many elements to keep",
                remedy="give start and end, or a number above or below 0",
            )
        if self.pad and self._width is None:
            raise ArgumentError(
                "ListSlice.pad",
                received=f"the slice {self.start}:{self.end}, whose length depends on the list's",
                expected="ends that count from the same side",
                remedy="slice twice, the second time with pad=True",
            )

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """The column with the lengths that are left."""
        (column,) = inputs
        list_column("ListSlice", column)
        if self.pad and not isinstance(self.pad_value, _PADS.get(column.dtype.rstrip("0123456789"), ())):
            raise SchemaError(
                f"ListSlice of column {column.name!r}",
                received=f"pad_value {self.pad_value!r} for lists of {column.dtype}",
                expected="a pad_value of the elements' type",
            )
        return Made((replace(column, shape=self._shape(column.shape)),))

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """Slice, then fill up."""
        (column,) = step.inputs
        value, (start, end), width = columns[column.name], self._ends, self._width
        if width is not None:
            kept = value.list.slice(start, width)
        else:
            length = value.list.len().cast(pl.Int64)
            low, high = (pl.lit(at) if at >= 0 else (length + at).clip(0) for at in (start, end or 0))
            kept = value.list.slice(low, (high - low).clip(0))
        if self.pad and width is not None:
            fill, dtype = partial(_filled, width=width, pad=self.pad_value), pl.List(element_type(column))
            kept = kept.map_batches(fill, return_dtype=dtype, is_elementwise=True)
        return {column.name: kept}

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """The same by the place of every element in its list."""
        ((name, rows),) = columns.items()
        assert isinstance(rows, Ragged)
        start, end = self._ends
        lengths = rows.lengths
        place = np.arange(len(rows.values)) - np.repeat(rows.offsets[:-1], lengths)
        low, high = _bound(start, lengths), lengths if end is None else _bound(end, lengths)
        kept = rows.keep((place >= np.repeat(low, lengths)) & (place < np.repeat(high, lengths)))
        if not self.pad or self._width is None:
            return {name: kept}
        pad = bool(self.pad_value) if step.inputs[0].dtype == "bool" else self.pad_value
        return {name: _padded(kept, self._width, pad)}

    @property
    def _ends(self) -> tuple[int, int | None]:
        """Both ends; None for the very back."""
        return (0, self.start) if self.end is None and self.start > 0 else (self.start, self.end)

    @property
    def _width(self) -> int | None:
        """Length of the slice of a long list; None where it grows or shrinks with the list."""
        start, end = self._ends
        if end is None:
            return -start
        return max(end - start, 0) if (start < 0) == (end < 0) else None

    def _shape(self, shape: Shape) -> Shape:
        """The lengths that are left of lists of such lengths."""
        (start, end), width = self._ends, self._width
        if self.pad and width is not None:
            return replace(shape, size=width, least=width)
        if end is not None and start < 0 <= end:
            return replace(shape, size=min(-start, end), least=0)
        size = width if shape.size is None else len(range(shape.size)[start:end])
        return replace(shape, size=size, least=len(range(shape.least)[start:end]))


def _bound(at: int, lengths: Lengths) -> Lengths:
    """A place that counts from the back as one that counts from the front."""
    return np.maximum(lengths + at, 0) if at < 0 else np.full(len(lengths), at)


def _filled(rows: pl.Series, width: int, pad: float | str | bool) -> pl.Series:
    """Lists of one width, gathered from the values and one more, the padding."""
    lengths = rows.list.len().to_numpy().astype(np.int64)
    values = rows.explode(empty_as_null=False, keep_nulls=False)
    first = np.cumsum(lengths) - lengths
    place = np.arange(width)
    taken = np.where(place < lengths[:, None], first[:, None] + place, len(values))
    padded = pl.concat([values, pl.Series([pad], dtype=values.dtype, strict=False)]).gather(taken.reshape(-1))
    return padded.reshape((len(rows), width)).arr.to_list().alias(rows.name)


def _padded(rows: Ragged, width: int, pad: float | str | bool) -> Ragged:
    dtype = object if isinstance(pad, str) else np.result_type(rows.values.dtype, np.min_scalar_type(pad))
    filled = rows.with_values(rows.values.astype(dtype)).first_padded(width, pad)
    return Ragged(filled.reshape(-1), np.arange(len(rows) + 1) * width)
