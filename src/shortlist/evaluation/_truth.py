"""What should have been recommended, and to whom."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Ragged
from shortlist.errors import DataError
from shortlist.io import Dataset, positive
from shortlist.pipeline import State
from shortlist.schema import Tags

__all__ = ["Truth", "truth_of"]

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Truth:
    """Held-out positives.

    Attributes:
        users: distinct raw user ids, one list of recommendations each.
        query_user: int64 [Q], place in ``users`` of each query.
        items: Q sorted lists of item positions; those of items that the store does not know are past its end.
        unknown_items: how many distinct items the catalogue lacks: they count, and cannot be found.
        left_out: how many users had nothing left to find after the seen items went.
        times: int64 [Q], microseconds: the first held-out event of each query; empty where the test set has
            no times.
        cold_users: share of the held-out events whose user had no event before.
        cold_items: share of the held-out events whose item had no event before.
    """

    users: list[Any]
    query_user: npt.NDArray[np.int64]
    items: Ragged
    unknown_items: int
    left_out: int
    times: npt.NDArray[np.int64]
    cold_users: float
    cold_items: float


def truth_of(test: Dataset, state: State, *, drop_seen: bool, queries: Literal["user", "event"]) -> Truth:
    """Read the positives of a test set.

    Args:
        test: held-out events; only positive ones count, see `shortlist.io.positive`.
        state: says which items exist and what each user has seen.
        drop_seen: leave out pairs the user had before the state's present.
        queries: ``"user"``: one query a user, all its distinct items; ``"event"``: every event is a query.

    Raises:
        DataError: there is nothing to find.
    """
    frame = _positives(test)
    users = frame["user"].unique(maintain_order=True).to_list()
    place = {user: number for number, user in enumerate(users)}
    query_user = np.array([place[user] for user in frame["user"].to_list()], dtype=np.int64)
    items, unknown = _positions(frame["item"], state)
    times = frame["time"].to_numpy() if "time" in frame.columns else None
    cold = _cold(query_user, items, users, state)
    if queries == "user":
        query_user, items, times = _distinct(query_user, items, times)
    if drop_seen:
        fresh = ~_seen(query_user, items, users, state)
        query_user, items = query_user[fresh], items[fresh]
        times = None if times is None else times[fresh]
    if len(items) == 0:
        raise DataError("test", received="no positive event to find", expected="at least one")
    left_out = len(users) - len(np.unique(query_user))
    offsets = np.arange(len(items) + 1)
    if queries == "user":
        starts = np.flatnonzero(np.diff(query_user, prepend=-1) != 0)
        query_user, offsets = query_user[starts], np.append(starts, len(items))
    moments = np.zeros(0, np.int64) if times is None else np.minimum.reduceat(times, offsets[:-1])
    return Truth(users, query_user, Ragged(items, offsets), unknown, left_out, moments, *cold)


def _positives(test: Dataset) -> pl.DataFrame:
    schema = test.schema
    frame = test.frame().filter(positive(schema))
    columns = {"user": pl.col(schema.user.name), "item": pl.col(schema.item.name)}
    times = schema.tagged(Tags.TIME).names
    if times:
        columns["time"] = pl.col(times[0]).to_physical().cast(pl.Int64)
    return frame.select(**columns).collect()


def _positions(items: pl.Series, state: State) -> tuple[npt.NDArray[np.int64], int]:
    distinct = items.unique(maintain_order=True)
    known = state.store.items.positions(distinct.to_list())
    missing = known < 0
    known[missing] = len(state.store.items) + np.arange(int(missing.sum()))
    lookup = dict(zip(distinct.to_list(), known.tolist(), strict=True))
    absent = missing.copy()
    absent[~missing] = ~state.store.listed[known[~missing]]
    return np.array([lookup[item] for item in items.to_list()], dtype=np.int64), int(absent.sum())


def _distinct(query_user: Codes, items: Codes, times: Codes | None) -> tuple[Codes, Codes, Codes | None]:
    """Each pair once, by user, then item, with its first time."""
    keys = (items, query_user) if times is None else (times, items, query_user)
    order = np.lexsort(keys)
    query_user, items = query_user[order], items[order]
    first = (np.diff(query_user, prepend=-1) != 0) | (np.diff(items, prepend=-1) != 0)
    return query_user[first], items[first], None if times is None else times[order][first]


def _cold(query_user: Codes, items: Codes, users: list[Any], state: State) -> tuple[float, float]:
    """Shares of the events whose user, and whose item, had no event before the present."""
    if len(items) == 0:
        return 0.0, 0.0
    store, ever = state.store, np.iinfo(np.int64).min
    positions = store.user_positions(users)
    nothing, since, before = (np.full(len(users), value) for value in (-1, ever, state.now))
    active = store.counts("user", positions, nothing, since, before) > 0
    counts = np.append(store.popularity(ever, state.now), 0.0)
    known = counts[np.minimum(items, len(counts) - 1)] > 0
    return float(1 - active[query_user].mean()), float(1 - known.mean())


def _seen(
    query_user: npt.NDArray[np.int64], items: npt.NDArray[np.int64], users: list[Any], state: State
) -> npt.NDArray[np.bool_]:
    store = state.store
    positions = store.user_positions(users)[query_user]
    known = np.where(items < len(store.items), items, -1)
    since = np.full(len(items), np.iinfo(np.int64).min)
    present = np.full(len(items), state.now)
    return store.counts("pair", positions, known, since, present) > 0
