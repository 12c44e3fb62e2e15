"""The form of an op that looks its inputs up: written once, run on frames and on arrays."""

from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Array, Ragged
from shortlist.errors import DataError
from shortlist.features._frame_columns import on_elements
from shortlist.features._gather import Gather
from shortlist.features._hash import hash_value, hash_values
from shortlist.features._key_table import UNKNOWN_KEY, KeyTable
from shortlist.features._op import Arrays, Exprs, Op, Step
from shortlist.features._state import State
from shortlist.features.ops._combination import tuples
from shortlist.schema import Column

__all__ = ["Keyed", "look_up", "places"]

# Above so many integers an index over arrays is quicker than a dictionary.
_MANY = 1024


class Keyed(Op):
    """Values by key: of one column, alone or in lists, or of all columns of a group together.

    A subclass gives the table of keys and the outputs' values; the look-up is done once for all outputs.
    """

    @abstractmethod
    def gather(self, step: Step, state: State, inputs: tuple[Column, ...]) -> Gather:
        """What the inputs are looked up in: the whole group, or one column where each goes by itself."""

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:
        """Positions of the keys, and the values there."""
        made: dict[str, pl.Expr] = {}
        for inputs in lookups(step):
            gather = self.gather(step, state, inputs)
            made |= _expressions(gather, inputs, columns)
        return made

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:
        """Positions of the keys, and the values there."""
        made: dict[str, Array | Ragged] = {}
        for inputs in lookups(step):
            if all(column.name in columns for column in inputs):
                made |= look_up(self.gather(step, state, inputs), inputs, columns)
        return made


def lookups(step: Step) -> tuple[tuple[Column, ...], ...]:
    """The inputs that are looked up together."""
    return (step.inputs,) if step.made.together else tuple((column,) for column in step.inputs)


def _expressions(gather: Gather, inputs: tuple[Column, ...], columns: Exprs) -> dict[str, pl.Expr]:
    (first, *others) = inputs
    if others:
        value = pl.struct(columns[column.name].alias(column.name) for column in inputs)
        return {name: _expression(gather, name, value) for name in gather.outputs}
    given = columns[first.name]
    return {name: on_elements(first, given, partial(_expression, gather, name)) for name in gather.outputs}


def _expression(gather: Gather, name: str, value: pl.Expr) -> pl.Expr:
    if gather.strict is not None:
        return gather.outputs[name].expr(_known_place(gather, value))
    found = gather.outputs[name].expr(gather.table.place(value))
    if gather.buckets == 1:
        return found

    def spread(rows: pl.Series) -> pl.Series:
        codes, place = (rows.struct.field(part).to_numpy() for part in ("code", "place"))
        unknown = place == UNKNOWN_KEY
        hashes = hash_values(rows.struct.field("value").filter(pl.Series(unknown)))
        out = codes.copy()
        out[unknown] += (hashes % np.uint64(gather.buckets)).astype(np.int64)
        return pl.Series(rows.name, out)

    rows = pl.struct(value=value, place=gather.table.place(value), code=found)
    return rows.map_batches(spread, return_dtype=pl.Int64, is_elementwise=True)


def _known_place(gather: Gather, value: pl.Expr) -> pl.Expr:
    def check(rows: pl.Series) -> pl.Series:
        place, values = (rows.struct.field(part) for part in ("place", "value"))
        _refuse_unknown(gather, values.filter(place == UNKNOWN_KEY).to_list())
        return place

    rows = pl.struct(value=value, place=gather.table.place(value))
    return rows.map_batches(check, return_dtype=pl.Int64, is_elementwise=True)


def _refuse_unknown(gather: Gather, values: Sequence[Any]) -> None:
    if gather.strict is not None and len(values):
        raise DataError(
            gather.strict,
            received=f"{len(values)} unknown values like {values[0]!r}",
            expected="known values only",
            remedy="extend the workflow with rows that have them, or give unknown values a code",
        )


def look_up(gather: Gather, inputs: tuple[Column, ...], columns: Arrays) -> dict[str, Array | Ragged]:
    """The outputs for arrays of raw values; NaN and None are null."""
    if len(inputs) > 1:
        return _found(gather, tuples(inputs, columns))
    value = columns[inputs[0].name]
    if isinstance(value, Ragged):
        found = _found(gather, value.values)
        return {n: value.with_values(values) for n, values in found.items() if not isinstance(values, Ragged)}
    return _found(gather, value)


def places(table: KeyTable, values: Sequence[Any] | Array) -> npt.NDArray[np.int64]:
    """The position of each value, -1 unknown, -2 null."""
    if not isinstance(values, np.ndarray):
        return table.find_many(values)
    if len(values) > _MANY and values.dtype.kind in "iub":
        return table.positions(pl.Series(values))
    return table.find_many(values.tolist())


def _found(gather: Gather, values: Sequence[Any] | Array) -> dict[str, Array | Ragged]:
    place = places(gather.table, values)
    if gather.strict is not None:
        plain = values.tolist() if isinstance(values, np.ndarray) else values
        _refuse_unknown(gather, [plain[row] for row in np.flatnonzero(place == UNKNOWN_KEY).tolist()])
    out = {name: output.array(place) for name, output in gather.outputs.items()}
    if gather.buckets > 1:
        (codes,) = out.values()
        assert not isinstance(codes, Ragged)
        for row in np.flatnonzero(place == UNKNOWN_KEY).tolist():
            codes[row] += hash_value(gather.table.as_key(values[row])) % gather.buckets
    return out
