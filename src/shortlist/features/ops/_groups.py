"""Groups of rows: those with equal values in one column, or in several columns together."""

from collections.abc import Iterable
from dataclasses import replace
from types import ModuleType

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.errors import SchemaError
from shortlist.features._compiled import kernels
from shortlist.features._key_table import NULL_KEY, KeyTable
from shortlist.features._numbered import can_number, numbered
from shortlist.features._op import Exprs, Step
from shortlist.features.ops._checks import column_type
from shortlist.features.ops._combination import combined_column
from shortlist.schema import Column, Domain, Tags

__all__ = [
    "feature_of",
    "group_keys",
    "group_name",
    "group_place",
    "group_places",
    "group_table",
    "one_value",
    "ungrouped",
]


def group_name(op: str, inputs: tuple[Column, ...], name: str | None) -> str:
    """What the groups are called: the given name, or the columns' names joined by "_".

    Raises:
        SchemaError: a column cannot tell groups apart: it holds lists, fractions or times.
    """
    for column in inputs:
        column_type(op, column, "int", "uint", "string", "bool", remedy="cast it, or Bucketize it first")
        one_value(op, column)
    return "_".join(column.name for column in inputs) if name is None else name


def one_value(op: str, column: Column) -> None:
    """Refuse a column of lists or vectors.

    Raises:
        SchemaError: it is one.
    """
    if column.shape.kind != "scalar":
        raise SchemaError(
            f"{op} of column {column.name!r}",
            received=f"a {column.shape.kind} in each row",
            expected="one value a row",
            remedy="choose another column, or one row for each value",
        )


def feature_of(inputs: tuple[Column, ...], name: str) -> Column:
    """A number known by group: about the entity that the group's columns share."""
    column = combined_column(inputs, name)
    return replace(column, dtype="float64", tags=column.tags | {Tags.CONTINUOUS}, domain=Domain(name))


def group_keys(step: Step, columns: Exprs) -> dict[str, pl.Expr]:
    """The columns of the groups, under names of their own."""
    return {f"key_{place}": columns[column.name] for place, column in enumerate(step.inputs)}


def group_table(groups: pl.DataFrame, keys: Iterable[str]) -> KeyTable:
    """The groups as keys in rising order, all-null rows left out."""
    names = tuple(keys)
    return KeyTable(groups.select(names).filter(~ungrouped(names)).unique().sort(names), names)


def group_places(
    cells: pl.DataFrame, keys: Iterable[str]
) -> tuple[KeyTable, pl.DataFrame, npt.NDArray[np.int64]]:
    """The groups as keys in rising order, the cells in some order, and the position of each cell's group.

    Groups may have several cells. The group of nulls alone is not among the keys; its position is -2.
    """
    names = list(keys)
    side_by_side = _neighbours(cells, names[0]) if len(names) == 1 else None
    if side_by_side is not None:
        return side_by_side
    loops = kernels(len(cells)) if len(names) == 1 and can_number(cells.schema[names[0]]) else None
    if loops is not None:
        return _numbered_places(loops, cells, names[0])
    ordered = cells.sort(names, nulls_last=True)
    number = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in names).cum_sum()
    found = ordered.select(*names, place=number.cast(pl.Int64), none=ungrouped(names))
    groups = found.filter(~pl.col("none")).unique("place", keep="first", maintain_order=True)
    first = 0 if groups.is_empty() else groups["place"][0]
    places = found.select(pl.when("none").then(NULL_KEY).otherwise(pl.col("place") - first))
    return KeyTable(groups.select(names), tuple(names)), ordered, places.to_series().to_numpy()


def _neighbours(cells: pl.DataFrame, key: str) -> tuple[KeyTable, pl.DataFrame, npt.NDArray[np.int64]] | None:
    """The same for cells of which those of one group stand side by side; None where they do not."""
    values = cells[key]
    first = values.ne_missing(values.shift())
    if len(values):
        first[0] = True
    groups = values.filter(first)
    order = groups.arg_sort(nulls_last=True)
    ordered = groups.gather(order)
    if ordered.eq_missing(ordered.shift())[1:].any():
        return None
    known = len(ordered) - ordered.null_count()
    place_of = np.full(len(groups), NULL_KEY, np.int64)
    place_of[order[:known].to_numpy()] = np.arange(known)
    places = place_of[first.cum_sum().to_numpy().astype(np.int64) - 1]
    return KeyTable(ordered[:known].alias(key).to_frame(), (key,)), cells, places


def _numbered_places(
    loops: ModuleType, cells: pl.DataFrame, key: str
) -> tuple[KeyTable, pl.DataFrame, npt.NDArray[np.int64]]:
    """The same for many cells, without sorting any but the distinct keys."""
    found = numbered(loops, cells[key])
    known = found.keys[1:]
    order = known.arg_sort()
    place_of = np.full(len(found.keys), NULL_KEY, np.int64)
    place_of[order.to_numpy() + 1] = np.arange(len(known))
    return KeyTable(known.gather(order).alias(key).to_frame(), (key,)), cells, place_of[found.numbers]


def ungrouped(keys: Iterable[str]) -> pl.Expr:
    """Rows of the group that has no value at all."""
    return pl.all_horizontal(pl.col(list(keys)).is_null())


def group_place(table: KeyTable, inputs: tuple[Column, ...], columns: Exprs) -> pl.Expr:
    """The position of each row's group in the table, -1 unknown, -2 null."""
    values = [columns[column.name].alias(column.name) for column in inputs]
    return table.place(pl.struct(values) if len(values) > 1 else columns[inputs[0].name])
