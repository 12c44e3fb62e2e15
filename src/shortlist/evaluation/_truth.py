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

__all__ = ["Truth", "truth_of"]


@dataclass(frozen=True)
class Truth:
    """Held-out positives.

    Attributes:
        users: distinct raw user ids, one list of recommendations each.
        query_user: int64 [Q], place in ``users`` of each query.
        items: Q sorted lists of item positions; those of items that the store does not know are past its end.
        unknown_items: how many distinct items the catalogue lacks: they count, and cannot be found.
        left_out: how many users had nothing left to find after the seen items went.
    """

    users: list[Any]
    query_user: npt.NDArray[np.int64]
    items: Ragged
    unknown_items: int
    left_out: int


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
    if queries == "user":
        query_user, items = _distinct(query_user, items)
    if drop_seen:
        fresh = ~_seen(query_user, items, users, state)
        query_user, items = query_user[fresh], items[fresh]
    if len(items) == 0:
        raise DataError("test", received="no positive event to find", expected="at least one")
    left_out = len(users) - len(np.unique(query_user))
    if queries == "event":
        rows = Ragged(items, np.arange(len(items) + 1))
        return Truth(users, query_user, rows, unknown, left_out)
    counts = np.bincount(query_user, minlength=len(users))
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts[counts > 0])])
    return Truth(users, np.flatnonzero(counts), Ragged(items, offsets), unknown, left_out)


def _positives(test: Dataset) -> pl.DataFrame:
    schema = test.schema
    frame = test.frame().filter(positive(schema))
    return frame.select(user=pl.col(schema.user.name), item=pl.col(schema.item.name)).collect()


def _positions(items: pl.Series, state: State) -> tuple[npt.NDArray[np.int64], int]:
    distinct = items.unique(maintain_order=True)
    known = state.store.items.positions(distinct.to_list())
    missing = known < 0
    known[missing] = len(state.store.items) + np.arange(int(missing.sum()))
    lookup = dict(zip(distinct.to_list(), known.tolist(), strict=True))
    absent = missing.copy()
    absent[~missing] = ~state.store.listed[known[~missing]]
    return np.array([lookup[item] for item in items.to_list()], dtype=np.int64), int(absent.sum())


def _distinct(
    query_user: npt.NDArray[np.int64], items: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    pairs = (
        np.unique(np.stack([query_user, items], axis=1), axis=0) if len(items) else np.zeros((0, 2), np.int64)
    )
    return pairs[:, 0], pairs[:, 1]


def _seen(
    query_user: npt.NDArray[np.int64], items: npt.NDArray[np.int64], users: list[Any], state: State
) -> npt.NDArray[np.bool_]:
    store = state.store
    positions = store.user_positions(users)[query_user]
    known = np.where(items < len(store.items), items, -1)
    since = np.full(len(items), np.iinfo(np.int64).min)
    present = np.full(len(items), state.now)
    return store.counts("pair", positions, known, since, present) > 0
