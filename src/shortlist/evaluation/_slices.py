"""Slices of the queries: activity, popularity of what is to be found, cold start; and by any column."""

from math import isnan
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Ragged
from shortlist.errors import ArgumentError, near
from shortlist.evaluation._asked import Asked
from shortlist.evaluation._truth import Truth
from shortlist.pipeline import State

__all__ = ["slices_by", "slices_of"]

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY_US, _HOUR_US = 86_400_000_000, 3_600_000_000
_MOST_VALUES = 8

Masks = dict[str, npt.NDArray[np.bool_]]

_EVER = np.iinfo(np.int64).min


def slices_of(truth: Truth, state: State) -> Masks:
    """Masks over queries.

    - ``warm``: neither of the two colds; ``cold user``: no event before the present; ``light``, ``medium``,
      ``heavy``: thirds of the others;
    - ``head`` / ``tail``: the items to be found are (on average) inside / outside the most popular items that
      make half of all events; ``cold item``: some item to be found has no event yet.
    """
    activity = _activity(truth, state)
    known = activity > 0
    low, high = np.quantile(activity[known], [1 / 3, 2 / 3]) if known.any() else (0.0, 0.0)
    share, cold = _item_shares(truth, state)
    return {
        "warm": known & ~cold,
        "cold user": ~known,
        "light": known & (activity <= low),
        "medium": (activity > low) & (activity <= high),
        "heavy": known & (activity > high),
        "head": share >= 0.5,
        "tail": share < 0.5,
        "cold item": cold,
    }


def slices_by(asked: Asked, name: str) -> Masks:
    """Masks over queries by ``"weekday"`` or ``"hour"``, or by a column of the users or the items.

    Raises:
        ArgumentError: there is no such column, or the test set has no times.
    """
    truth, store = asked.truth, asked.state.store
    queries = np.arange(len(truth.query_user))
    if name in ("weekday", "hour"):
        return _by_time(truth.times, name)
    if name in store.user_schema:
        users = store.user_positions(truth.users)[truth.query_user]
        return _by_value(queries, _plain(store.user_columns(users, (name,))[name]), len(queries))
    if name in store.item_schema:
        known = np.where(truth.items.values < len(store.items), truth.items.values, -1)
        values = _plain(store.item_columns(known, (name,))[name])
        return _by_value(truth.items.row_of, values, len(queries))
    columns = ("weekday", "hour", *store.user_schema.names, *store.item_schema.names)
    raise ArgumentError(
        "Evaluation.sliced(by)",
        received=name,
        expected="weekday, hour or a column",
        remedy=near(name, columns),
    )


def _by_time(times: npt.NDArray[np.int64], name: str) -> Masks:
    if len(times) == 0:
        raise ArgumentError(
            "Evaluation.sliced(by)", received=name, expected="a test set with a column of times"
        )
    if name == "weekday":  # 1970 began with a Thursday
        day = (times // _DAY_US + 3) % 7
        return {label: day == number for number, label in enumerate(_DAYS)}
    hour = times // _HOUR_US % 24
    return {f"{first:02d}-{first + 6:02d} h": hour // 6 == first // 6 for first in (0, 6, 12, 18)}


def _plain(values: Any) -> list[list[Any]]:
    """Every cell as the list of its values, null left out."""
    rows = values.to_lists() if isinstance(values, Ragged) else [[value] for value in values.tolist()]
    return [[value for value in row if not _is_null(value)] for row in rows]


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, float) and isnan(value))


def _by_value(query: npt.NDArray[np.int64], values: list[list[Any]], queries: int) -> Masks:
    """Queries with each of the most frequent values, or with numbers in each quarter."""
    lengths = np.fromiter(map(len, values), np.int64, len(values))
    owner = np.repeat(query, lengths)
    flat = [value for row in values for value in row]
    if flat and all(isinstance(value, int | float) and not isinstance(value, bool) for value in flat):
        numbers = np.array(flat, dtype=np.float64)
        if len(np.unique(numbers)) > _MOST_VALUES:
            return _by_quarter(owner, numbers, queries)
    words = np.array([str(value) for value in flat], dtype=object)
    labels, which, counts = np.unique(words, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_MOST_VALUES]
    return {str(labels[place]): _has(owner[which == place], queries) for place in order}


def _by_quarter(owner: npt.NDArray[np.int64], numbers: npt.NDArray[np.float64], queries: int) -> Masks:
    cuts = np.unique(np.quantile(numbers, [0.25, 0.5, 0.75]))
    part = np.searchsorted(cuts, numbers, side="left")
    ends = [numbers.min(), *cuts, numbers.max()]
    return {
        f"{ends[place]:g} .. {ends[place + 1]:g}": _has(owner[part == place], queries)
        for place in range(len(cuts) + 1)
    }


def _has(queries: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros(count, dtype=np.bool_)
    mask[queries] = True
    return mask


def _activity(truth: Truth, state: State) -> npt.NDArray[np.int64]:
    positions = state.store.user_positions(truth.users)
    nothing = np.full(len(positions), -1)
    since, before = np.full(len(positions), _EVER), np.full(len(positions), state.now)
    return state.store.counts("user", positions, nothing, since, before)[truth.query_user]


def _item_shares(truth: Truth, state: State) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    counts = state.store.popularity(_EVER, state.now)
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    head = np.zeros(len(counts), dtype=np.bool_)
    head[order] = before < counts.sum() / 2
    wanted = truth.items.values
    real = np.minimum(wanted, max(len(counts) - 1, 0))
    known = wanted < len(counts)
    in_head = known & head[real] if len(counts) else known
    cold = ~known | (counts[real] == 0) if len(counts) else ~known
    query = truth.items.row_of
    size = np.maximum(truth.items.lengths, 1)
    share = np.bincount(query, in_head, minlength=len(truth.items)) / size
    return share, np.bincount(query, cold, minlength=len(truth.items)) > 0
