from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import shortlist as sl
from shortlist.errors import ArgumentError, SchemaError
from shortlist.io import Dataset
from shortlist.store import EmbeddedStore, TimeToLive

DAY = 86_400_000_000
START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
ANN, X = np.array([0]), np.array([0])


def day(number: int) -> int:
    return START + number * DAY


def dataset(rows: list[tuple], names: dict[str, type], *tags: tuple[str, ...]) -> Dataset:
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(pl.col("t").cast(pl.Datetime("us")))
    data = Dataset.of(frame)
    for name, *own in tags:
        data = data.tag(name, *own)
    return data.tag("t", "time")


def events() -> Dataset:
    rows = [("ann", "x", day(0)), ("ann", "y", day(5)), ("bob", "x", day(9))]
    names = {"user": pl.String, "item": pl.String, "t": pl.Int64}
    return dataset(rows, names, ("user", "user", "id"), ("item", "item", "id"))


def people() -> Dataset:
    rows = [("ann", day(2), "rome"), ("bob", day(8), "oslo"), ("eve", None, "bonn")]
    names = {"user": pl.String, "t": pl.Int64, "city": pl.String}
    return dataset(rows, names, ("user", "user", "id"), ("city", "user"))


def things() -> Dataset:
    rows = [("x", day(1), 5.0), ("y", day(9), 6.0)]
    names = {"item": pl.String, "t": pl.Int64, "price": pl.Float64}
    return dataset(rows, names, ("item", "item", "id"), ("price", "item"))


def store(**lasting: str) -> EmbeddedStore:
    return EmbeddedStore.build(events(), things(), people(), ttl=TimeToLive(**lasting))


def test_rows_lose_their_columns_but_not_their_id_when_they_are_too_old() -> None:
    one, users = store(users="3d", items="1d"), np.array([0, 1, 2, -1])
    assert one.user_columns(users, ("city",))["city"].tolist() == ["rome", "oslo", "bonn", None]
    now = one.reading(day(5))
    assert now.user_columns(users, ("city",))["city"].tolist() == ["rome", "oslo", "bonn", None]
    later = one.reading(day(5) + 1)
    found = later.user_columns(users, ("user", "city"))
    assert found["user"].tolist() == ["ann", "bob", "eve", None]
    assert found["city"].tolist() == [None, "oslo", "bonn", None]
    price = one.reading(day(10)).item_columns(np.array([0, 1]), ("item", "price"))
    np.testing.assert_array_equal(price["price"], [np.nan, 6.0])
    assert price["item"].tolist() == ["x", "y"]


def test_events_that_are_too_old_are_seen_by_no_question() -> None:
    one = store(events="5d")
    now, later = one.reading(day(5)), one.reading(day(5) + 1)
    ever, end = np.array([0]), np.array([day(10)])
    assert now.history(ANN, end, 9)[0].to_lists() == [[0, 1]]
    assert later.history(ANN, end, 9)[0].to_lists() == [[1]]
    assert later.recent("user", ANN, X, end, 9, names=("item",))[0].to_lists() == [[1]]
    assert [s.counts("user", ANN, X, ever, end).tolist() for s in (now, later)] == [[2], [1]]
    assert later.first("user", ANN, X, ever, end).tolist() == [day(5)]
    assert later.last("pair", ANN, X, ever, end).tolist() == [-1]
    assert [s.popularity(0, day(10)).tolist() for s in (now, later)] == [[2.0, 1.0], [1.0, 1.0]]
    priced = EmbeddedStore.build(
        events().tag("item", "item", "id"), things(), people(), ttl=TimeToLive(events="5d")
    )
    sums = [priced.reading(day(n)).totals("user", ANN, X, ever, end, name="price") for n in (5, 6)]
    assert [(count.tolist(), total.tolist()) for count, total in sums] == [([2], [11.0]), ([1], [6.0])]


def test_without_a_time_to_live_a_reading_is_the_store_itself() -> None:
    one = store()
    assert one.reading(day(99)) is one
    assert not one.ttl


def test_appended_events_live_as_long_and_a_saved_store_remembers(tmp_path: Path) -> None:
    one = store(users="3d", events="5d")
    one.append_events(["ann"], ["x"], np.array([day(7)]))
    one.save(tmp_path / "store")
    again = EmbeddedStore.open(tmp_path / "store")
    assert again.ttl == TimeToLive(users="3d", events="5d")
    for each in (one, again):
        now = each.reading(day(11))
        assert now.history(ANN, np.array([day(11)]), 9)[0].to_lists() == [[0]]
        assert now.user_columns(np.array([0, 1]), ("city",))["city"].tolist() == [None, "oslo"]


def test_a_pipeline_reads_what_holds_at_its_present() -> None:
    def seen(state: sl.State) -> list[object]:
        pipe = sl.Pipeline([sl.Popular(k=9), sl.Lookup(items=("price",), users=("city",))], state=state)
        found = pipe.run(sl.Requests(["ann"]))
        items = found.columns["price"].tolist()
        return [*map(str, items), *found.columns["city"].tolist()[:1]]

    def state(now: int, ttl: TimeToLive | None) -> sl.State:
        return sl.State(events(), items=things(), users=people(), now=now, ttl=ttl)

    ttl = TimeToLive(users="3d", items="8d")
    assert seen(state(day(10), None)) == ["5.0", "6.0", "rome"]
    assert seen(state(day(10), ttl)) == ["nan", "6.0", None]
    assert seen(state(day(5), ttl)) == ["5.0", "rome"]
    live = state(day(5), ttl).live(lambda: day(6))
    assert seen(live) == ["5.0", "6.0", None]


def test_rows_without_a_time_cannot_age() -> None:
    plain = things().collect().drop("t")
    with pytest.raises(SchemaError, match="time to live of the table of 'item'"):
        EmbeddedStore.build(events(), Dataset.of(plain).tag("item", "item", "id"), ttl=TimeToLive(items="1d"))
    with pytest.raises(SchemaError, match="0 time columns"):
        EmbeddedStore.build(events(), ttl=TimeToLive(users="1d"))
    with pytest.raises(ArgumentError, match=r"TimeToLive\.events"):
        TimeToLive(events="soon")
