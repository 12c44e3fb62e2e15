"""Rows that repeat an earlier row wholly, and rows of a table that a later row of the same id replaces."""

from collections.abc import Sequence

import polars as pl

from shortlist.io._rules import ROW, Rules

__all__ = ["SLICE", "repeated_rows", "replaced_ids"]

SLICE = "__slice"


def repeated_rows(frames: Sequence[pl.LazyFrame], rules: Rules, hashes: Sequence[pl.Series]) -> pl.DataFrame:
    """Every row that equals an earlier one, as ``SLICE`` and ``ROW``.

    Args:
        frames: the slices of the source.
        rules: how rows are read.
        hashes: uint64 hash of every row of each slice, null for rows that are left out anyway. Only rows
            whose hashes meet are compared, so memory is bounded by the repeats and 8 bytes a row.
    """
    meeting = (
        pl.concat(hashes)
        .rename("hash")
        .to_frame()
        .select(pl.col("hash").is_duplicated() & pl.col("hash").is_not_null())
    )
    suspects, start = [], 0
    for place, (frame, own) in enumerate(zip(frames, hashes, strict=True)):
        rows = meeting.slice(start, len(own)).to_series().arg_true()
        start += len(own)
        if len(rows):
            read = rules.read(frame).with_row_index(ROW).filter(pl.col(ROW).is_in(rows.implode()))
            suspects.append(read.with_columns(pl.lit(place, pl.UInt32).alias(SLICE)))
    if not suspects:
        return _nothing()
    together = pl.concat(pl.collect_all(suspects))
    first = together.select(pl.struct(rules.types.keys()).is_first_distinct()).to_series()
    return together.filter(~first).select(SLICE, ROW)


def replaced_ids(ids: Sequence[pl.Series]) -> pl.DataFrame:
    """Every row whose id comes again later, as ``SLICE`` and ``ROW``; null ids are passed over."""
    numbered = [
        own.rename("id").to_frame().with_row_index(ROW).with_columns(pl.lit(place, pl.UInt32).alias(SLICE))
        for place, own in enumerate(ids)
    ]
    known = pl.concat(numbered).drop_nulls("id")
    return known.filter(~pl.col("id").is_last_distinct()).select(SLICE, ROW)


def _nothing() -> pl.DataFrame:
    return pl.DataFrame(schema={SLICE: pl.UInt32, ROW: pl.get_index_type()})
