"""What a person writes down as requests."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from shortlist.data import Array, Ragged, Requests
from shortlist.io import moment

__all__ = ["requests_of"]

Lists = Sequence[Sequence[Any] | Array] | Ragged
Moments = datetime | int | Sequence[datetime | int]


def requests_of(
    users: Sequence[Any],
    k: int,
    *,
    context: Mapping[str, Sequence[Any] | Array] | None = None,
    recent: Lists | None = None,
    time: Moments | None = None,
    exclude: Lists | None = None,
    ids: Sequence[str] = (),
) -> Requests:
    """Requests from plain lists; one time counts for every user.

    >>> requests_of(["u1"], 3, recent=[["i9"]], time=5).times.tolist()
    [5]
    """
    people = users if isinstance(users, str | bytes) else list(users)
    if time is None:
        times = None
    elif isinstance(time, datetime | int):
        times = np.full(len(people), moment(time), dtype=np.int64)
    else:
        times = np.array([moment(each) for each in time], dtype=np.int64)
    return Requests(people, k, times, dict(context or {}), _lists(recent), _lists(exclude), ids)


def _lists(rows: Lists | None) -> Ragged | None:
    if rows is None or isinstance(rows, Ragged):
        return rows
    plain = [row.tolist() if isinstance(row, np.ndarray) else list(row or ()) for row in rows]
    values = np.empty(sum(map(len, plain)), dtype=object)
    values[:] = [value for row in plain for value in row]
    offsets = np.zeros(len(plain) + 1, dtype=np.int64)
    np.cumsum([len(row) for row in plain], out=offsets[1:])
    return Ragged(values, offsets)
