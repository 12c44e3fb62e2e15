"""Columns that know the answer."""

import warnings

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Ragged
from shortlist.loader import Table
from shortlist.metrics import auc
from shortlist.schema import Column, Schema, Tags

__all__ = ["warn_of_item_leaks", "warn_of_label_leaks"]

_ROWS = 20_000
_FEWEST = 100
_ALWAYS = 0.99
_PERFECT = 0.999


def warn_of_item_leaks(table: Table, queries: Schema, item: Column) -> None:
    """Warn of query columns that name the row's own item.

    A column of codes is suspect if rows of the same code nearly always have the same item; a list, if nearly
    every one of two or more different items contains the row's item. Ids of users are not: a user may want
    the same again and again. Columns of which fewer than 100 rows say anything are passed by.

    Args:
        table: training rows.
        queries: the columns that the query tower reads.
        item: the item id.
    """
    rows = _some(table)
    items = rows[item.name].astype(np.int64)
    if len(items) == 0 or np.bincount(items).max() > len(items) / 2:
        return
    for column in queries:
        if column.name in rows.lists:
            seen, told = _contains(rows.lists[column.name], items), "the list contains the row's own item"
        elif column.name in rows and _is_of_codes(rows, column) and not column.has(Tags.USER, Tags.ID):
            seen, told = _determined(rows[column.name], items), "the same value means the same item"
        else:
            continue
        if len(seen) >= _FEWEST and seen.mean() > _ALWAYS:
            _warn(column.name, f"in {seen.mean():.1%} of {len(seen):,} rows {told}")


def warn_of_label_leaks(table: Table, inputs: Schema, target: str) -> None:
    """Warn of columns that alone order the rows nearly perfectly by their target.

    The measure is the AUC of the column's values, or of the mean target of each of its codes, counted on one
    half of the rows and measured on the other.

    Args:
        table: training rows.
        inputs: the columns that the model reads.
        target: a column of 0 and 1.
    """
    rows = _some(table)
    labels = rows[target] > 0
    if min(labels.sum(), (~labels).sum()) < _FEWEST:
        return
    for column in inputs:
        if column.name not in rows or column.name in rows.lists or column.name in rows.vectors:
            continue
        values = rows[column.name]
        found = _auc_of_codes(values, labels) if values.dtype.kind in "iu" else _auc(values, labels)
        if found > _PERFECT:
            _warn(column.name, f"alone it orders the rows by {target!r} with an AUC of {found:.4f}")


def _is_of_codes(rows: Table, column: Column) -> bool:
    return column.name not in rows.vectors and rows[column.name].dtype.kind in "iu"


def _some(table: Table) -> Table:
    """At most 20,000 rows, evenly over the table."""
    step = max(table.rows // _ROWS, 1)
    return table.take(np.arange(0, table.rows, step)[:_ROWS])


def _determined(values: Array, items: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """For rows whose value occurs again: whether they have the item that is most frequent with the value."""
    width = int(items.max(initial=0)) + 1
    keys, key_of, counts = np.unique(
        values.astype(np.int64) * width + items, return_inverse=True, return_counts=True
    )
    codes, code_of = np.unique(keys // width, return_inverse=True)
    total, best = np.zeros(len(codes), np.int64), np.zeros(len(codes), np.int64)
    np.add.at(total, code_of, counts)
    np.maximum.at(best, code_of, counts)
    again = (total >= 2)[code_of]
    is_best = counts == best[code_of]
    found: npt.NDArray[np.bool_] = is_best[key_of][again[key_of]]
    return found


def _contains(lists: Ragged, items: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """For rows whose list has two different items: whether it contains the row's."""
    lengths, filled = lists.lengths, lists.lengths > 0
    row_of = np.repeat(np.arange(len(lengths)), lengths)
    found = np.zeros(len(lengths), dtype=bool)
    found[row_of[lists.values == items[row_of]]] = True
    starts = lists.offsets[:-1][filled]
    least, most = (ends.reduceat(lists.values, starts) for ends in (np.minimum, np.maximum))
    return found[filled][least < most]


def _auc(values: Array, labels: npt.NDArray[np.bool_]) -> float:
    found = auc(labels.astype(np.float64), values.astype(np.float64))
    return max(found, 1.0 - found)


def _auc_of_codes(values: Array, labels: npt.NDArray[np.bool_]) -> float:
    """AUC on every other row of each code's share of positives among the rest; new codes are left out."""
    size = int(values.max(initial=0)) + 1
    counted, positive = (
        np.bincount(values[::2][chosen], minlength=size) for chosen in (slice(None), labels[::2])
    )
    known = counted[values[1::2]] > 0
    rest, told = labels[1::2][known], values[1::2][known]
    if min(rest.sum(), (~rest).sum()) < _FEWEST // 2:
        return 0.5
    return float(auc(rest.astype(np.float64), positive[told] / counted[told]))


def _warn(column: str, seen: str) -> None:
    warnings.warn(
        f"fit: column {column!r} may leak the answer: {seen}. If it is not known before the event, leave it "
        "out with Schema.without, or take its value as of an earlier time",
        stacklevel=5,
    )
