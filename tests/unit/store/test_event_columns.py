import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from shortlist.data import NULL
from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.io import Dataset
from shortlist.schema import LIST, Column, Schema
from shortlist.store import EmbeddedStore
from shortlist.store._journal import Journal
from shortlist.store._words import Words

EVENTS = Schema(
    [
        Column("user", "string", ("user", "id")),
        Column("item", "string", ("item", "id")),
        Column("time", "datetime", ("time",)),
        Column("click", "int8", ("target", "binary")),
        Column("paid", "float32", ("context", "continuous")),
        Column("channel", "string", ("context", "categorical")),
        Column("member", "bool", ("context",)),
        Column("price", "float64", ("item", "continuous")),
        Column("city", "string", ("user", "categorical")),
        Column("seen", "int64", (), LIST),
    ]
)
TYPES = {
    "user": pl.String,
    "item": pl.String,
    "time": pl.Int64,
    "click": pl.Int8,
    "paid": pl.Float32,
    "channel": pl.String,
    "member": pl.Boolean,
    "price": pl.Float64,
    "city": pl.String,
    "seen": pl.List(pl.Int64),
}
ROWS = [
    ("ann", "a", 10, 1, 2.5, "web", True, 3.0, "rome", [1]),
    ("ann", "b", 20, 0, None, "app", None, 8.0, "rome", []),
    ("ann", "a", 30, 1, 3.5, None, False, 4.0, None, None),
    ("bob", "b", 30, 0, 1.0, "web", True, 8.0, "oslo", []),
]
OWN = ("click", "paid", "channel", "member")
ANN, EVER, NOW = np.array([0]), np.array([0]), np.array([99])


def dataset(rows: list[tuple] = ROWS) -> Dataset:
    frame = pl.DataFrame(rows, schema=TYPES, orient="row")
    return Dataset.of(frame.with_columns(pl.col("time").cast(pl.Datetime("us"))), EVENTS)


@pytest.fixture
def store() -> EmbeddedStore:
    return EmbeddedStore.build(dataset(), columns=OWN)


def recent(store: EmbeddedStore, name: str) -> list:
    (found,) = store.recent("user", ANN, ANN, NOW, 9, names=(name,))
    return store.event_values(name, found.values).tolist()


def test_columns_keep_their_values_and_events_that_are_not_positive(store: EmbeddedStore) -> None:
    assert store.event_schema.names == OWN
    assert recent(store, "click") == [1, 0, 1]
    np.testing.assert_array_equal(recent(store, "paid"), [2.5, np.nan, 3.5])
    assert recent(store, "channel") == ["web", "app", None]
    assert recent(store, "member") == [True, None, False]
    assert store.counts("user", ANN, ANN, EVER, NOW).tolist() == [2]
    count, total = store.totals("user", ANN, ANN, EVER, NOW, name="click")
    assert (count.tolist(), total.tolist()) == ([3], [2.0])
    assert len(store.events()) == 2


def test_without_columns_only_positive_events_are_held() -> None:
    store = EmbeddedStore.build(dataset())
    assert (len(store.events()), len(store.event_schema)) == (2, 0)
    assert store.recent("user", ANN, ANN, NOW, 9, names=("time",))[0].to_lists() == [[10, 30]]


def test_columns_of_the_tables_are_known_of_events_too(store: EmbeddedStore) -> None:
    assert recent(store, "price") == [4.0, 8.0, 4.0]  # as it is now, not as it was
    assert recent(store, "city") == ["rome"] * 3
    codes = store.event_codes("city", ["rome", "oslo", "nowhere", None])
    assert store.counts("city", ANN, ANN, EVER, NOW, columns={"city": codes[:1]}).tolist() == [2]
    assert codes[2:].tolist() == [NULL, NULL]
    assert store.event_values("city", codes).tolist() == ["rome", "oslo", None, None]


def test_appended_events_bring_columns_or_take_them_from_the_tables(store: EmbeddedStore) -> None:
    columns = {"channel": ["kiosk", None], "click": np.array([0, 1]), "paid": [np.nan, 7]}
    weights = np.array([0, 1], np.float32)
    assert store.append_events(["ann", "ann"], ["b", "b"], np.array([40, 50]), weights, columns) == 2
    assert recent(store, "channel") == ["web", "app", None, "kiosk", None]
    assert recent(store, "click") == [1, 0, 1, 0, 1]
    np.testing.assert_array_equal(recent(store, "paid")[3:], [np.nan, 7.0])
    assert recent(store, "member")[3:] == [None, None]
    assert store.counts("user", ANN, ANN, EVER, NOW).tolist() == [3]
    priced = EmbeddedStore.build(dataset(), columns=("price", "city"))
    priced.append_events(["ann"], ["b"], np.array([40]))
    assert recent(priced, "price") == [3.0, 8.0, 4.0, 8.0]  # as it was, and for the new event as it is now
    assert recent(priced, "city") == ["rome", "rome", None, "rome"]


def test_columns_are_durable(store: EmbeddedStore, tmp_path: Path) -> None:
    store.save(tmp_path / "store")
    live = EmbeddedStore.open(tmp_path / "store", tmp_path / "live")
    live.append_events(["ann"], ["a"], np.array([40]), columns={"channel": ["kiosk"], "paid": [0.1]})
    live.close()
    again = EmbeddedStore.open(tmp_path / "store", tmp_path / "live")
    assert again.event_schema == store.event_schema
    assert recent(again, "channel") == ["web", "app", None, "kiosk"]
    assert recent(again, "paid")[3] == np.float32(0.1)
    again.save(tmp_path / "later")
    again.close()
    later = EmbeddedStore.open(tmp_path / "later")
    assert recent(later, "channel") == ["web", "app", None, "kiosk"]
    assert later.counts("user", ANN, ANN, EVER, NOW).tolist() == [3]
    assert (tmp_path / "live").read_bytes().startswith(b"shortlist events 2\n")


def test_plain_stores_stay_readable_where_columns_are_not_known(tmp_path: Path) -> None:
    plain = EmbeddedStore.build(dataset())
    plain.save(tmp_path / "plain")
    facts = json.loads((tmp_path / "plain" / "store.json").read_text())
    assert facts["format"] == 1
    del facts["columns"]  # as they were written before
    (tmp_path / "plain" / "store.json").write_text(json.dumps(facts))
    live = EmbeddedStore.open(tmp_path / "plain", tmp_path / "live")
    live.append_events(["ann"], ["a"], np.array([40]))
    live.close()
    assert (tmp_path / "live").read_bytes().startswith(b"shortlist events 1\n")
    EmbeddedStore.build(dataset(), columns=OWN).save(tmp_path / "wide")
    assert json.loads((tmp_path / "wide" / "store.json").read_text())["format"] == 2


def test_a_journal_says_its_version_once_a_record_needs_it(tmp_path: Path) -> None:
    path = tmp_path / "log"
    journal = Journal(path)
    assert list(journal.open()) == []
    journal.append("first")
    assert path.read_bytes().startswith(b"shortlist events 1\n")
    journal.append("second", version=2)
    journal.append("third")
    journal.close()
    assert path.read_bytes().startswith(b"shortlist events 2\n")
    again = Journal(path)
    assert list(again.open()) == ["first", "second", "third"]
    again.close()


@pytest.mark.parametrize("name", ["events.column0.npy", "events.column2.npy", "events.column2.arrow"])
@pytest.mark.parametrize("kind", ["missing", "cut"])
def test_a_damaged_column_is_named(store: EmbeddedStore, tmp_path: Path, name: str, kind: str) -> None:
    store.save(tmp_path / "store")
    path = tmp_path / "store" / name
    if kind == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match="store"):
        EmbeddedStore.open(tmp_path / "store")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"colour": ["red"]}, "colour"),
        ({"click": [1, 2]}, "2 values"),
        ({"click": ["yes"]}, "int8"),
        ({"click": [1.5]}, "int8"),
        ({"click": [2**63]}, "int8"),
        ({"paid": ["much"]}, "float32"),
    ],
)
def test_columns_that_cannot_be_kept_are_refused_whole(
    store: EmbeddedStore, columns: dict[str, list], words: str
) -> None:
    with pytest.raises(ArgumentError, match=words):
        store.append_events(["ann"], ["a"], np.array([40]), columns=columns)
    assert store.until == 31


@pytest.mark.parametrize("name", ["user", "item", "time", "seen", "nothing"])
def test_columns_that_no_event_can_have(store: EmbeddedStore, name: str) -> None:
    with pytest.raises(SchemaError, match=name):
        EmbeddedStore.build(dataset(), columns=(name,))
    with pytest.raises(SchemaError, match=name):
        store.event_column(name)


def test_an_unknown_column_names_the_remedy(store: EmbeddedStore) -> None:
    with pytest.raises(SchemaError, match=r"columns=\('stars',\)"):
        store.event_column("stars")


def test_texts_have_codes_in_the_order_met() -> None:
    words = Words(["b"])
    assert words.codes(["a", "b", None, float("nan")]).tolist() == [NULL, 0, NULL, NULL]
    assert words.meet(["a", "b", 7]).tolist() == [1, 0, 2]
    assert words.take(np.array([2, NULL, 0])).tolist() == ["7", None, "b"]
    assert words.texts == ["b", "a", "7"]
