"""What every feature store must do, as far as it keeps what is asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Of, Ragged, Store
from shortlist.io import Dataset
from shortlist.rng import generator
from shortlist.schema import LIST, Column, Schema, Shape
from shortlist.store import EmbeddedStore, TimeToLive
from shortlist.testing._store import check_empty_questions, check_unknown_rows

__all__ = ["ITEM_COLUMNS", "NOW", "STORE_CHECKS", "USER_COLUMNS", "StoreKind", "Tables", "shop"]

Positions = npt.NDArray[np.int64]

DAY = 86_400_000_000
NOW = 100 * DAY
USERS, ITEMS, EVENTS = 30, 250, 600
USER_COLUMNS, ITEM_COLUMNS = ("city", "age", "joined"), ("price", "stock", "colours", "vector")
_ALL = ("events", "items", "users", "shared")


@dataclass(frozen=True, slots=True)
class Tables:
    """What a store is built of: see `EmbeddedStore.build`."""

    events: Dataset
    items: Dataset
    users: Dataset
    columns: tuple[str, ...] = ("paid", "channel")
    ttl: TimeToLive | None = None

    def embedded(self) -> EmbeddedStore:
        """The store inside the process."""
        return EmbeddedStore.build(self.events, self.items, self.users, columns=self.columns, ttl=self.ttl)


@dataclass(frozen=True, slots=True)
class StoreKind:
    """A kind of store, and what of it is checked.

    Attributes:
        build: tables to a store that holds what they hold.
        again: another handle on what a store holds, as another process or a later one has it.
        trips: how often a store went elsewhere so far.
        keeps: what it keeps: "events", "items", "users"; "shared" where other handles see what one appends.
    """

    build: Callable[[Tables], Any]
    again: Callable[[Any], Any]
    trips: Callable[[Any], int]
    keeps: tuple[str, ...] = _ALL


def shop(ttl: TimeToLive | None = None, seed: int = 0) -> Tables:
    """A made-up shop: 30 users, 250 items and 600 events in 100 days, with columns of every kind."""
    rng = generator(seed)
    days = np.sort(rng.integers(0, 99, EVENTS)) * DAY + np.arange(EVENTS)
    events = pl.DataFrame(
        {
            "user": [f"u{n}" for n in rng.integers(0, USERS, EVENTS)],
            "item": rng.integers(0, ITEMS, EVENTS) * 10,
            "time": days,
            "paid": [None if n % 7 == 0 else n / 4 for n in range(EVENTS)],
            "channel": [("web", "app", None)[n % 3] for n in range(EVENTS)],
        }
    ).cast({"time": pl.Datetime("us")})
    users = pl.DataFrame(
        {
            "user": [f"u{n}" for n in range(USERS)],
            "city": [("rome", "oslo", None)[n % 3] for n in range(USERS)],
            "age": [None if n % 5 == 4 else 20 + n for n in range(USERS)],
            "joined": [n * DAY for n in range(USERS)],
            "since": [(70 + n) * DAY for n in range(USERS)],
        }
    ).cast({"joined": pl.Datetime("us"), "since": pl.Datetime("us")})
    items = pl.DataFrame(
        {
            "item": np.arange(ITEMS) * 10,
            "price": [None if n % 11 == 0 else n / 8 for n in range(ITEMS)],
            "stock": np.arange(ITEMS) % 4,
            "colours": [[["red"], ["red", "blue"], None][n % 3] for n in range(ITEMS)],
            "vector": pl.Series([[n, n + 0.5] for n in range(ITEMS)], dtype=pl.Array(pl.Float32, 2)),
            "since": (70 + np.arange(ITEMS) % 30) * DAY,
        }
    ).cast({"since": pl.Datetime("us")})
    return Tables(Dataset.of(events, _EVENTS), Dataset.of(items, _ITEMS), Dataset.of(users, _USERS), ttl=ttl)


_EVENTS = Schema(
    [
        Column("user", "string", ("user", "id")),
        Column("item", "int64", ("item", "id")),
        Column("time", "datetime", ("time",)),
        Column("paid", "float64", ("context", "continuous")),
        Column("channel", "string", ("context", "categorical")),
    ]
)
_USERS = Schema(
    [
        Column("user", "string", ("user", "id")),
        Column("city", "string", ("user", "categorical")),
        Column("age", "int64", ("user", "continuous")),
        Column("joined", "datetime", ("user",)),
        Column("since", "datetime", ("time",)),
    ]
)
_ITEMS = Schema(
    [
        Column("item", "int64", ("item", "id")),
        Column("price", "float64", ("item", "continuous")),
        Column("stock", "int64", ("item", "continuous")),
        Column("colours", "string", ("item", "categorical"), LIST),
        Column("vector", "float32", ("item", "embedding"), Shape("vector", 2)),
        Column("since", "datetime", ("time",)),
    ]
)


_NAMED: tuple[tuple[Of, str], ...] = (
    (("user", "channel"), "channel"),
    (("channel", "item"), "channel"),
    ("city", "city"),
)


def _has_the_columns_of_its_tables(kind: StoreKind) -> None:
    tables = shop()
    store, truth = kind.build(tables).reading(NOW), tables.embedded()
    people = store.user_positions([f"u{n}" for n in range(USERS)])
    there = truth.user_positions([f"u{n}" for n in range(USERS)])
    _same(store.user_columns(people, USER_COLUMNS), truth.user_columns(there, USER_COLUMNS))
    everything = np.arange(len(truth.items))
    names = ("item", *ITEM_COLUMNS)
    _same(store.item_columns(everything, names), truth.item_columns(everything, names))


def _has_nulls_for_what_is_not_known(kind: StoreKind) -> None:
    store = kind.build(shop()).reading(NOW)
    check_unknown_rows(store)
    check_empty_questions(store, ITEMS)
    people = store.user_positions(["u0", "nobody", None])
    found = store.user_columns(people, USER_COLUMNS)
    assert found["city"].tolist() == ["rome", None, None]
    assert found["age"].tolist() == [20, None, None]
    nothing = np.array([-1, -1])
    assert store.history(people[1:], np.array([NOW, NOW]), 9)[0].to_lists() == [[], []]
    assert store.item_columns(nothing, ("colours",))["colours"].to_lists() == [[], []]


def _reads_a_batch_in_one_trip(kind: StoreKind) -> None:
    held = kind.build(shop())
    store = held.reading(NOW)
    users = store.user_positions(["u1", "u2", "u1", "nobody"])
    items, before = np.arange(200), kind.trips(held)
    store.user_columns(users, USER_COLUMNS)
    store.history(users, np.full(4, NOW), 20)
    store.counts("user", users, np.full(4, -1), np.zeros(4, np.int64), np.full(4, NOW))
    assert kind.trips(held) - before <= 1
    before = kind.trips(held)
    store.item_columns(items, ITEM_COLUMNS)
    store.item_columns(items[::-1], ("price",))
    many = np.repeat(users[:2], 100)
    store.counts("pair", many, items, np.array([0]), np.array([NOW]))
    assert kind.trips(held) - before <= 1


def _answers_questions_about_events(kind: StoreKind) -> None:
    tables = shop()
    store, truth = kind.build(tables).reading(NOW), tables.embedded()
    ids = [f"u{n}" for n in range(USERS)]
    mine, theirs = store.user_positions(ids), truth.user_positions(ids)
    rng = generator(1)
    items = rng.integers(0, ITEMS, USERS)
    before, since = rng.integers(0, NOW, USERS), rng.integers(0, NOW // 2, USERS)
    for limit in (1, 5, 1000):
        one = store.history(mine, before, limit, ("paid", "channel"))
        other = truth.history(theirs, before, limit, ("paid", "channel"))
        assert [part.to_lists() for part in one[:2]] == [part.to_lists() for part in other[:2]]
        np.testing.assert_array_equal(one[2].values, other[2].values)
        _same_texts(store, one[3], truth, other[3])
    for of in ("user", "item", "pair"):
        for name in ("counts", "first", "last"):
            found = getattr(store, name)(of, mine, items, since, before)
            assert found.tolist() == getattr(truth, name)(of, theirs, items, since, before).tolist()
        count, total = store.totals(of, mine, items, since, before, name="paid")
        known, summed = truth.totals(of, theirs, items, since, before, name="paid")
        assert count.tolist() == known.tolist()
        np.testing.assert_allclose(total, summed, rtol=1e-12)
    for entity, column in _NAMED:
        codes = [
            each.event_codes(column, ["web" if column == "channel" else "oslo"] * USERS)
            for each in (store, truth)
        ]
        own = [{column: each} for each in codes]
        one = store.counts(entity, mine, items, since, before, columns=own[0])
        assert one.tolist() == truth.counts(entity, theirs, items, since, before, columns=own[1]).tolist()
        last = store.recent(entity, mine, items, before, 3, names=("item", "stock"), columns=own[0])
        there = truth.recent(entity, theirs, items, before, 3, names=("item", "stock"), columns=own[1])
        assert [part.to_lists() for part in last] == [part.to_lists() for part in there]
    assert store.popularity(5, NOW).tolist() == truth.popularity(5, NOW).tolist()


def _shows_what_was_appended_to_the_next_question(kind: StoreKind) -> None:
    held = kind.build(shop())
    columns = {"paid": [1.5, None, 2.5, 3.5], "channel": ["kiosk", "web", None, "fax"]}
    times = np.array([NOW, NOW, NOW + 1, NOW + 2])
    weights = np.array([1, 1, 0, 2], np.float32)
    asked = held.reading(NOW)
    asked.user_columns(asked.user_positions(["u1", "new"]), USER_COLUMNS)  # as a request before it did
    kept = held.append_events(["u1", "new", "u1", None], [20, 10, 30, 10], times, weights, columns)
    assert kept == 4
    handles = [held, kind.again(held)] if "shared" in kind.keeps else [held]
    for each in handles:
        store = each.reading(NOW + 9)
        users = store.user_positions(["u1", "new"])
        late, ever = np.full(2, NOW + 9), np.full(2, -DAY)
        found = store.history(users, late, 1, ("paid", "channel"))
        assert found[0].to_lists() == [[2], [1]]
        assert found[1].to_lists() == [[NOW], [NOW]]
        np.testing.assert_array_equal(found[2].values, [1.5, np.nan])
        assert store.event_values("channel", found[3].values).tolist() == ["kiosk", "web"]
        assert store.recent("user", users, users, late, 1, names=("item",))[0].to_lists() == [[3], [1]]
        assert store.counts("user", users[1:], users[1:], ever[1:], late[1:]).tolist() == [1]
        assert store.popularity(NOW, NOW + 9)[:4].tolist() == [0.0, 3.0, 1.0, 0.0]
        assert store.until == NOW + 3
        assert store.append_events([], [], np.zeros(0, np.int64)) == 0


def _keeps_what_it_acknowledged(kind: StoreKind) -> None:
    held = kind.build(shop())
    held.append_events(["u3", "new"], [50, 60], np.array([NOW, NOW + 1]))
    store = kind.again(held).reading(NOW + 9)
    users = store.user_positions(["u3", "new"])
    assert store.history(users, np.full(2, NOW + 9), 1)[0].to_lists() == [[5], [6]]
    assert store.popularity(NOW, NOW + 9)[5:7].tolist() == [1.0, 1.0]


def _forgets_a_user(kind: StoreKind) -> None:
    tables = shop()
    held = kind.build(tables)
    held.append_events(["u1", "u2"], [20, 30], np.array([NOW, NOW]))
    theirs = tables.events.collect().filter(pl.col("user") == "u1").height
    rest, gone = held.without_user("u1")
    assert gone == theirs + 1
    store = rest.reading(NOW + 9)
    users = store.user_positions(["u1", "u2"])
    found = store.history(users, np.full(2, NOW + 9), 1)[0].to_lists()
    assert found == [[], [3]]
    assert store.user_columns(users, ("joined",))["joined"].tolist() == [None, 2 * DAY]


def _lets_go_of_what_is_old(kind: StoreKind) -> None:
    tables = shop(TimeToLive(users="20d", items="10d", events="30d"))
    held, truth = kind.build(tables), tables.embedded().reading(NOW)
    store = held.reading(NOW)
    ids = [f"u{n}" for n in range(USERS)]
    mine, theirs = store.user_positions(ids), truth.user_positions(ids)
    there = truth.user_columns(theirs, USER_COLUMNS)
    assert np.asarray(there["joined"]).tolist() == [None if 70 + n < 80 else n * DAY for n in range(USERS)]
    _same(store.user_columns(mine, USER_COLUMNS), there)
    everything = np.arange(ITEMS)
    _same(store.item_columns(everything, ("price",)), truth.item_columns(everything, ("price",)))
    late, ever, nothing = np.full(USERS, NOW), np.zeros(USERS, np.int64), np.full(USERS, -1)
    one, other = (s.history(u, late, 1000)[1].to_lists() for s, u in ((store, mine), (truth, theirs)))
    assert one == other
    assert min(time for times in one for time in times) >= NOW - 30 * DAY
    asked = ("user", nothing, ever, late)
    assert (
        store.counts("user", mine, *asked[1:]).tolist() == truth.counts("user", theirs, *asked[1:]).tolist()
    )
    assert store.popularity(0, NOW).tolist() == truth.popularity(0, NOW).tolist()


_OF_EVENTS = (
    _shows_what_was_appended_to_the_next_question,
    _keeps_what_it_acknowledged,
    _forgets_a_user,
    _lets_go_of_what_is_old,
)
STORE_CHECKS: tuple[Callable[[StoreKind], None], ...] = (
    _has_the_columns_of_its_tables,
    _has_nulls_for_what_is_not_known,
    _reads_a_batch_in_one_trip,
    _answers_questions_about_events,
    *_OF_EVENTS,
)
"""Checks of every store: call each with its kind. The last four are of stores that keep events themselves."""


def _same(one: Any, other: Any) -> None:
    assert list(one) == list(other)
    for name, column in one.items():
        if isinstance(column, Ragged):
            assert column.to_lists() == other[name].to_lists(), name
        else:
            assert column.dtype.kind == other[name].dtype.kind, name
            np.testing.assert_array_equal(column, other[name], err_msg=name)


def _same_texts(one: Store, mine: Ragged, other: Store, theirs: Ragged) -> None:
    texts = [
        each.event_values("channel", part.values).tolist() for each, part in ((one, mine), (other, theirs))
    ]
    assert texts[0] == texts[1]
