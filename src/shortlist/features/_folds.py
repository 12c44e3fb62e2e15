"""Folds by row key: a row is in one fold whatever the partitions, their order and the machine."""

from functools import lru_cache

import numpy as np
import polars as pl

from shortlist.errors import SchemaError
from shortlist.features._frame_columns import enter
from shortlist.features._hash import hash_columns
from shortlist.schema import Column, Schema, Tags

__all__ = ["fold_of", "row_key"]


def row_key(raw: Schema, targets: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the columns that tell rows apart: ids and times, or all scalar ones where these are too few.

    One id without a time is too few. Targets are never among them: a fold must not tell of its rows' targets.

    Raises:
        SchemaError: there is no such column.
    """
    others = [c for c in raw if c.shape.kind == "scalar" and c.name not in targets and not c.has(Tags.TARGET)]
    marks = [column for column in others if column.has(Tags.ID) or column.has(Tags.TIME)]
    enough = len(marks) > 1 or any(column.has(Tags.TIME) for column in marks)
    if not others:
        raise SchemaError(
            "TargetEncoding.fold_by",
            received=f"columns {raw.names}",
            expected="columns beside the targets, which tell rows apart",
            remedy="add one, such as the number of the event",
        )
    return tuple(column.name for column in (marks if enough else others))


@lru_cache(maxsize=8)
def fold_of(key: tuple[Column, ...], folds: int, seed: int) -> pl.Expr:
    """UInt16: the fold of each row, ``hash(key, seed) % folds``.

    The same object for the same arguments, so that a frame computes the folds once for all that ask.
    """

    def number(rows: pl.Series) -> pl.Series:
        columns = rows.struct.unnest().get_columns() if rows.dtype == pl.Struct else [rows]
        hashes, number = hash_columns(columns, seed), np.uint64(folds)
        # What is left over a division, by which NumPy divides several numbers at once.
        return pl.Series(rows.name, (hashes - hashes // number * number).astype(np.uint16))

    values = [enter(column).alias(column.name) for column in key]
    row = pl.struct(values) if len(values) > 1 else values[0]
    return row.map_batches(number, return_dtype=pl.UInt16, is_elementwise=True)
