"""A log whose truth is known: what a perfect recommender would answer, and how good it would be."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.errors import ArgumentError
from shortlist.io import Dataset
from shortlist.rng import generator
from shortlist.schema import Column, Schema

__all__ = ["Planted", "Truth", "planted"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_START = datetime(2024, 1, 1)
_DAY_US = 86_400_000_000
_OWN_GROUP = 0.9


@dataclass(frozen=True)
class Truth:
    """The chances that the log was drawn from.

    With chance ``signal`` an event's item comes from the groups its user likes, by popularity within the
    group; otherwise by popularity among all items.

    Attributes:
        item_ids: raw id of every item.
        group_of_item: int64 [items].
        popularity: float64 [items], adds up to 1.
        taste: float64 [users, groups], rows add up to 1.
        signal: share of events that follow the taste.
    """

    item_ids: tuple[str, ...]
    group_of_item: Ints
    popularity: Floats
    taste: Floats
    signal: float

    def oracle_scores(self, users: Ints) -> Floats:
        """Chance of every item as the next of each user: float64 [B, items]; ranking by it cannot be beaten.

        Args:
            users: int64 [B], user ids, 0 to users - 1.
        """
        groups = self.taste.shape[1]
        mass = np.bincount(self.group_of_item, self.popularity, groups)
        within = self.popularity / mass[self.group_of_item]
        own: Floats = self.taste[users][:, self.group_of_item] * within
        return self.signal * own + (1 - self.signal) * self.popularity

    def oracle_recall(self, users: Ints, k: int = 10) -> float:
        """Expected recall@k of the oracle over events of these users, one query an event, nothing filtered.

        That is the mean over the events of the sum of the k largest chances.
        """
        distinct, counts = np.unique(users, return_counts=True)
        total = 0.0
        for start in range(0, len(distinct), 1024):
            chances = self.oracle_scores(distinct[start : start + 1024])
            best = -np.sort(-chances, axis=1)[:, :k].sum(1)
            total += float(best @ counts[start : start + 1024])
        return total / max(len(users), 1)

    def popularity_recall(self, users: Ints, k: int = 10) -> float:
        """Expected recall@k of the one best list for all, over events of these users."""
        distinct, counts = np.unique(users, return_counts=True)
        overall = counts @ self.oracle_scores(distinct) / max(len(users), 1)
        return float(-np.sort(-overall)[:k].sum())


@dataclass(frozen=True)
class Planted:
    """What `planted` gives.

    Attributes:
        events: user_id (int64), item_id (text), time, weight 1, in order of time.
        items: every item, bought or not: category (mostly its group), price.
        users: every user: segment (mostly the group liked best), age.
        truth: what the events were drawn from.
    """

    events: Dataset
    items: Dataset
    users: Dataset
    truth: Truth


def planted(
    users: int = 2_000,
    items: int = 1_000,
    events: int = 100_000,
    *,
    seed: int = 0,
    groups: int = 20,
    signal: float = 0.8,
    skew: float = 0.8,
    days: int = 60,
) -> Planted:
    """Draw a log with a planted link between users and items.

    Items belong to groups and have a popularity proportional to ``rank ** -skew``; a user likes one group
    (with 0.75 of the taste) and a second one (0.25). Activity of the users is lognormal. Times are uniform.

    Args:
        users: number of users.
        items: number of items, at least ``groups``.
        events: number of events.
        seed: the draws.
        groups: number of groups, at least 2.
        signal: share of events that follow the taste of the user (0 to 1).
        skew: how uneven the popularity is; 0 for all alike.
        days: length of the log.

    Raises:
        ArgumentError: a number is out of range.

    >>> log = planted(users=50, items=40, events=500, groups=4)
    >>> everyone = np.arange(50)
    >>> log.truth.oracle_recall(everyone) > log.truth.popularity_recall(everyone)
    True
    """
    if not 2 <= groups <= items or users < 1 or events < 0 or not 0 <= signal <= 1 or days < 1:
        raise ArgumentError(
            "datasets.planted",
            received=f"{users=}, {items=}, {events=}, {groups=}, {signal=}, {days=}",
            expected="users >= 1, 2 <= groups <= items, events >= 0, signal in [0, 1], days >= 1",
        )
    rng = generator(seed, "planted")
    popularity = rng.permutation(np.arange(1, items + 1, dtype=np.float64) ** -skew)
    group_of_item = rng.permutation(np.arange(items) % groups)
    first = rng.integers(0, groups, users)
    second = (first + rng.integers(1, groups, users)) % groups
    taste = np.zeros((users, groups))
    taste[np.arange(users), first] = 0.75
    taste[np.arange(users), second] = 0.25
    names = tuple(f"i{number:0{len(str(items - 1))}}" for number in range(items))
    truth = Truth(names, group_of_item, popularity / popularity.sum(), taste, signal)
    activity = rng.lognormal(0.0, 1.0, users)
    who = rng.choice(users, events, p=activity / activity.sum())
    what = _draw_items(rng, truth, who)
    when = np.sort(rng.integers(0, days * _DAY_US, events))
    return Planted(_log(names, who, what, when), _items(rng, truth), _users(rng, truth, first), truth)


def _draw_items(rng: np.random.Generator, truth: Truth, who: Ints) -> Ints:
    """An item for each event: first the group (or none), then an item of it by popularity."""
    groups = truth.taste.shape[1]
    steps = truth.taste.cumsum(1)[who]
    group = (rng.random((len(who), 1)) * steps[:, -1:] >= steps).sum(1)
    group[rng.random(len(who)) >= truth.signal] = groups
    what = np.zeros(len(who), np.int64)
    for place in range(groups + 1):
        members = np.flatnonzero((truth.group_of_item == place) | (place == groups))
        rows = np.flatnonzero(group == place)
        chances = truth.popularity[members]
        what[rows] = rng.choice(members, len(rows), p=chances / chances.sum())
    return what


def _log(names: tuple[str, ...], who: Ints, what: Ints, when: Ints) -> Dataset:
    start = int(pl.Series([_START], dtype=pl.Datetime("us")).to_physical()[0])
    frame = pl.DataFrame(
        {
            "user_id": who,
            "item_id": pl.Series(names, dtype=pl.String)[what],
            "time": pl.Series(when + start, dtype=pl.Int64).cast(pl.Datetime("us")),
            "weight": np.ones(len(who), np.float32),
        }
    )
    columns = [
        Column("user_id", "int64", frozenset({"user", "id", "categorical"})),
        Column("item_id", "string", frozenset({"item", "id", "categorical"})),
        Column("time", "datetime", frozenset({"time"})),
        Column("weight", "float32", frozenset({"weight"})),
    ]
    return Dataset.of(frame, Schema(columns))


def _noisy(rng: np.random.Generator, group: Ints, groups: int) -> list[str]:
    """The group as text; one in ten says any group."""
    other = rng.integers(0, groups, len(group))
    return [f"g{one}" for one in np.where(rng.random(len(group)) < _OWN_GROUP, group, other)]


def _items(rng: np.random.Generator, truth: Truth) -> Dataset:
    groups, count = truth.taste.shape[1], len(truth.item_ids)
    frame = pl.DataFrame(
        {
            "item_id": truth.item_ids,
            "category": _noisy(rng, truth.group_of_item, groups),
            "price": rng.lognormal(2.0, 0.5, count).round(2).astype(np.float32),
        }
    )
    columns = [
        Column("item_id", "string", frozenset({"item", "id", "categorical"})),
        Column("category", "string", frozenset({"item", "categorical"})),
        Column("price", "float32", frozenset({"item", "continuous"})),
    ]
    return Dataset.of(frame, Schema(columns))


def _users(rng: np.random.Generator, truth: Truth, first: Ints) -> Dataset:
    count, groups = truth.taste.shape
    frame = pl.DataFrame(
        {
            "user_id": np.arange(count),
            "segment": _noisy(rng, first, groups),
            "age": rng.integers(18, 80, count).astype(np.float32),
        }
    )
    columns = [
        Column("user_id", "int64", frozenset({"user", "id", "categorical"})),
        Column("segment", "string", frozenset({"user", "categorical"})),
        Column("age", "float32", frozenset({"user", "continuous"})),
    ]
    return Dataset.of(frame, Schema(columns))
