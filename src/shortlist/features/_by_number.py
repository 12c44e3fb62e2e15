"""Statistics by key of a long frame: its distinct keys are numbered once for all of them. Compiled loops."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl

from shortlist.features._compiled import kernels
from shortlist.features._keyed_statistics import KeyedMoments
from shortlist.features._numbered import Numbered, can_number, frozen, numbered
from shortlist.features._numbered_cells import NumberedCells
from shortlist.features._statistics import Counts, Statistic

__all__ = ["by_number"]


def by_number(statistics: Sequence[Statistic], rows: pl.DataFrame) -> dict[int, pl.DataFrame]:
    """The partial statistics of a frame that this way can give, by their places among those asked for.

    These are counts of single values, and numbers and sums by one key, or by it and a fold. A frame of few
    rows gives none.
    """
    loops = kernels(len(rows))
    if loops is None:
        return {}
    groups: list[tuple[pl.Expr, list[int]]] = []
    for place, statistic in enumerate(statistics):
        key = _key(statistic)
        if key is None:
            continue
        members = next((found for known, found in groups if known.meta.eq(key)), None)
        if members is None:
            groups.append((key, [place]))
        else:
            members.append(place)
    parts = _parts([statistics[place] for _, members in groups for place in members], rows)
    asked = [(key, {place: statistics[place] for place in members}) for key, members in groups]
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        found = pool.map(lambda one: _measured(loops, one[0], one[1], rows, parts), asked)
        return {place: frame for frames in found for place, frame in frames.items()}


def _parts(statistics: Iterable[Any], rows: pl.DataFrame) -> dict[int, pl.Series]:
    """The folds by which statistics part their keys, by the identity of their expression: each made once."""
    asked = {id(part): part for statistic in statistics for part in list(statistic.keys.values())[1:]}
    return {name: rows.select(part.alias("fold")).to_series() for name, part in asked.items()}


def _key(statistic: Statistic) -> pl.Expr | None:
    """The one key of a statistic, if numbers of distinct keys are all that it needs."""
    if isinstance(statistic, Counts) and len(statistic.keys) == 1 and not statistic.lists:
        return next(iter(statistic.keys.values()))
    if isinstance(statistic, KeyedMoments) and statistic.by_number:
        return next(iter(statistic.keys.values()))
    return None


def _measured(
    loops: ModuleType,
    key: pl.Expr,
    asked: Mapping[int, Any],
    rows: pl.DataFrame,
    parts: Mapping[int, pl.Series],
) -> dict[int, pl.DataFrame]:
    """The statistics of one key."""
    values = rows.select(key.alias("key")).to_series()
    if not can_number(values.dtype):
        return {}
    keys = numbered(loops, values.rechunk())
    return {place: _one(loops, statistic, keys, rows, parts) for place, statistic in asked.items()}


def _one(
    loops: ModuleType, statistic: Any, keys: Numbered, rows: pl.DataFrame, parts: Mapping[int, pl.Series]
) -> pl.DataFrame:
    first, *others = statistic.keys
    part = others[0] if others else None
    cells = NumberedCells.of(loops, keys, None if part is None else parts[id(statistic.keys[part])])
    return cells.frame(keys, first, part, list(_columns(loops, statistic, keys, cells, rows)))


def _columns(
    loops: ModuleType, statistic: Any, keys: Numbered, cells: NumberedCells, rows: pl.DataFrame
) -> Iterator[pl.Series]:
    """What is asked for of the filled cells."""
    if isinstance(statistic, Counts) or "count" in statistic.parts:
        yield pl.Series("count", cells.rows[cells.filled])
    for name, value in {} if isinstance(statistic, Counts) else statistic.values.items():
        numbers = rows.select(value.cast(pl.Float64).alias(name)).to_series().rechunk()
        plain = frozen(numbers.fill_null(np.nan).to_numpy())
        count, total = loops.add_by_cell(frozen(keys.numbers), cells.parts, cells.width, plain, cells.size)
        yield pl.Series(f"n_{name}", count[cells.filled])
        if "sum" in statistic.parts:
            yield pl.Series(f"sum_{name}", total[cells.filled])
