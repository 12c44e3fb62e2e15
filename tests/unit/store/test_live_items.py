"""A catalogue that is edited while it is read."""

from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.data import Ragged
from shortlist.errors import ArgumentError
from shortlist.io import Dataset
from shortlist.schema import LIST, Column, Schema, Shape
from shortlist.store import EmbeddedStore

_ID = frozenset({"id", "categorical"})
EVENTS = Schema(
    [
        Column("user", "string", _ID | {"user"}),
        Column("item", "string", _ID | {"item"}),
        Column("at", "datetime", frozenset({"time"})),
    ]
)
ITEMS = Schema(
    [
        Column("item", "string", _ID | {"item"}),
        Column("price", "float64", frozenset({"item", "continuous"})),
        Column("stock", "int64", frozenset({"item"})),
        Column("kind", "string", frozenset({"item", "categorical"})),
        Column("words", "string", frozenset({"item", "text"}), LIST),
        Column("place", "float32", frozenset({"item"}), Shape("vector", 2)),
        Column("new", "bool", frozenset({"item"})),
        Column("since", "datetime", frozenset({"item"})),
    ]
)
EVER, NOW = np.array([-(2**62)]), np.array([1 << 60])


def table(count: int = 3) -> Dataset:
    """Items i0, i1 ...; i3 is only in the log."""
    numbers = range(count)
    frame = pl.DataFrame(
        {
            "item": [f"i{n}" for n in numbers],
            "price": [float(n) for n in numbers],
            "stock": list(numbers),
            "kind": [("a", "b")[n % 2] for n in numbers],
            "words": [["w"] * n for n in numbers],
            "place": [[n, 1] for n in numbers],
            "new": [n == 1 for n in numbers],
            "since": [datetime(2026, 1, n + 1) for n in numbers],
        },
        schema_overrides={"place": pl.Array(pl.Float32, 2), "since": pl.Datetime("us")},
    )
    return Dataset.of(frame, ITEMS)


@pytest.fixture
def store() -> EmbeddedStore:
    rows = [("u", "i0", 1), ("u", "i1", 2), ("v", "i1", 3), ("v", "i3", 4)]
    log = pl.DataFrame(
        {
            "user": [user for user, _, _ in rows],
            "item": [item for _, item, _ in rows],
            "at": pl.Series([at for _, _, at in rows]).cast(pl.Datetime("us")),
        }
    )
    return EmbeddedStore.build(Dataset.of(log, EVENTS), table())


def column(store: EmbeddedStore, name: str) -> list:
    values = store.item_columns(np.arange(len(store.items)), (name,))[name]
    return values.to_lists() if isinstance(values, Ragged) else values.tolist()


def test_an_upsert_adds_items_and_changes_what_is_given(store: EmbeddedStore) -> None:
    store.upsert_items([("i9", {"price": 9, "kind": "a", "words": ["x", "y"]}), ("i1", {"stock": 7})])
    assert store.items.values.tolist() == ["i0", "i1", "i2", "i3", "i9"]
    assert store.listed.tolist() == [True, True, True, False, True]
    np.testing.assert_array_equal(column(store, "price"), [0, 1, 2, np.nan, 9])
    assert column(store, "stock") == [0, 7, 2, None, None]
    assert column(store, "kind") == ["a", "b", "a", None, "a"]
    assert column(store, "words") == [[], ["w"], ["w", "w"], [], ["x", "y"]]
    np.testing.assert_array_equal(column(store, "place")[1:2], [[1, 1]])
    assert column(store, "new") == [False, True, False, None, None]
    store.upsert_items([("i3", {"price": 3.5, "place": [3, 4], "new": True}), ("i9", {"price": None})])
    assert store.listed.tolist() == [True] * 5
    np.testing.assert_array_equal(column(store, "price"), [0, 1, 2, 3.5, np.nan])
    np.testing.assert_array_equal(column(store, "place")[3], [3, 4])
    assert column(store, "words")[4] == ["x", "y"]


def test_times_are_texts_numbers_or_datetimes(store: EmbeddedStore) -> None:
    store.upsert_items([("a", {"since": "1970-01-01T00:00:01Z"}), ("b", {"since": 1.5})])
    store.upsert_items([("c", {"since": datetime(1970, 1, 1, 0, 0, 2)})])
    assert column(store, "since")[4:] == [1_000_000, 1_500_000, 2_000_000]


def test_a_deleted_item_keeps_its_row_and_comes_back_with_what_was_known(store: EmbeddedStore) -> None:
    store.delete_items(["i1", "nothing"])
    assert store.listed.tolist() == [True, False, True, False]
    assert column(store, "price")[1] == 1.0
    assert store.history(np.array([0]), NOW, 9)[0].to_lists() == [[0, 1]]
    store.upsert_items([("i1", {})])
    assert store.listed.tolist() == [True, True, True, False]
    assert column(store, "stock")[1] == 1


def test_events_of_new_items_are_counted_where_they_belong(store: EmbeddedStore) -> None:
    before = store.popularity(0, 100).tolist()
    assert before == [1, 2, 0, 1]
    assert store.append_events(["u"], ["i9"], np.array([5])) == 1
    assert store.unknown_items == 1
    store.upsert_items([("i9", {"kind": "b"})])
    store.append_events(["u", "w", "u"], ["i9", "i9", "i1"], np.array([6, 7, 8]))
    assert store.popularity(0, 100).tolist() == [1, 3, 0, 1, 2]
    users, items = np.array([0, 0, 0, 1, 1]), np.array([4, 1, 0, 4, 0])
    assert store.counts("pair", users, items, EVER, NOW).tolist() == [1, 2, 1, 0, 0]
    assert store.counts("item", users, items, EVER, NOW).tolist() == [2, 3, 1, 2, 1]
    assert store.history(np.array([0]), NOW, 9)[0].to_lists() == [[0, 1, 4, 1]]
    kinds = store.event_codes("kind", ["a", "b"])
    asked = {"columns": {"kind": kinds}}
    nobody = np.array([-1, -1])
    assert store.counts("kind", nobody, nobody, EVER, NOW, **asked).tolist() == [1, 5]
    assert len(store.events()) == 8


def test_a_pinned_store_stays_as_it_is(store: EmbeddedStore) -> None:
    first = store.pinned()
    assert first is store.pinned()
    store.upsert_items([("i9", {"price": 9}), ("i0", {"price": 8})])
    second = store.pinned()
    store.delete_items(["i2"])
    assert (len(first.items), len(second.items)) == (4, 5)
    assert (column(first, "price")[0], column(second, "price")[0]) == (0.0, 8.0)
    assert (second.listed[2], store.listed[2]) == (True, False)
    assert second.pinned() is second
    store.append_events(["u"], ["i9"], np.array([9]))
    assert first.popularity(0, 10).tolist() == [1, 2, 0, 1]
    assert second.popularity(0, 10).tolist() == [1, 2, 0, 1, 1]
    assert second.until == store.until == 10
    assert first.history(np.array([0]), NOW, 9)[0].to_lists() == [[0, 1]]
    recent = {"of": "user", "users": np.array([0]), "items": np.array([-1]), "before": NOW, "limit": 9}
    assert first.recent(**recent, names=("item",))[0].to_lists() == [[0, 1]]
    assert second.recent(**recent, names=("item", "time"))[0].to_lists() == [[0, 1, 4]]
    base, places = second.edits
    assert (base, places.tolist()) == (first, [0, 4])
    assert first.edits[1].tolist() == []


def test_an_edit_may_be_made_ready_and_left(store: EmbeddedStore) -> None:
    ready = store.upserted([("i9", {"price": 9})])
    assert (len(ready.items), len(store.items)) == (5, 4)
    store.adopt(ready)
    assert store.pinned() is ready
    assert store.upserted([]) is ready
    assert store.without_items(["nothing"]) is ready


def test_an_edited_store_is_saved_with_its_edits(store: EmbeddedStore, tmp_path: Path) -> None:
    store.upsert_items([("i9", {"price": 9, "kind": "c"}), ("i3", {"price": 3}), ("i1", {"kind": "c"})])
    store.delete_items(["i0"])
    store.append_events(["u"], ["i9"], np.array([9]))
    store.save(tmp_path / "store")
    again = EmbeddedStore.open(tmp_path / "store")
    assert again.items.values.tolist() == store.items.values.tolist()
    assert again.listed.tolist() == store.listed.tolist() == [False, True, True, True, True]
    for name in ITEMS.names:
        np.testing.assert_array_equal(column(again, name)[-1], column(store, name)[-1])
    assert again.popularity(0, 10).tolist() == store.popularity(0, 10).tolist() == [1, 2, 0, 1, 1]
    kept, _ = store.without_user("u")
    kept.upsert_items([("i10", {"kind": "c"})])
    kept.append_events(["v"], ["i10"], np.array([10]))
    nobody, codes = np.array([-1]), kept.event_codes("kind", ["c"])
    assert kept.counts("kind", nobody, nobody, EVER, NOW, columns={"kind": codes}).tolist() == [2]


WRONG = [
    ({"prise": 1}, "columns", "columns of the item table"),
    ({"item": "i1"}, "columns", "columns of the item table"),
    ({"price": "dear"}, "columns.price", "a number"),
    ({"price": float("inf")}, "columns.price", "a finite number"),
    ({"price": 10**400}, "columns.price", "a finite number"),
    ({"stock": 1.5}, "columns.stock", "an integer from -"),
    ({"stock": 2**63}, "columns.stock", "an integer from -"),
    ({"stock": True}, "columns.stock", "a number"),
    ({"kind": 3}, "columns.kind", "text"),
    ({"new": 1}, "columns.new", "true or false"),
    ({"words": "word"}, "columns.words", "a list of string"),
    ({"words": ["a", 1]}, "columns.words", "text"),
    ({"place": [1, 2, 3]}, "columns.place", "a vector of 2"),
    ({"since": "yesterday"}, "columns.since", "a time"),
    ({"since": 1e15}, "columns.since", "a time"),
    ({"since": True}, "columns.since", "a time"),
]


@pytest.mark.parametrize(("columns", "where", "expected"), WRONG, ids=range(len(WRONG)))
def test_values_of_another_type_are_refused_and_nothing_changes(
    store: EmbeddedStore, columns: dict, where: str, expected: str
) -> None:
    with pytest.raises(ArgumentError, match="received") as raised:
        store.upsert_items([("i9", {"price": 1}), ("i8", columns)])
    assert raised.value.where == f"upsert_items[1].{where}"
    assert expected in str(raised.value.expected)
    assert len(store.items) == 4


def test_ids_are_of_the_type_of_the_table() -> None:
    schema = Schema(
        [Column("user", "int64", _ID | {"user"}), Column("item", "int64", _ID | {"item"}), EVENTS["at"]]
    )
    log = pl.DataFrame({"user": [1], "item": [5], "at": pl.Series([1]).cast(pl.Datetime("us"))})
    store = EmbeddedStore.build(Dataset.of(log, schema))
    store.upsert_items([("7", {}), (6, {})])
    assert store.items.values.tolist() == [5, 7, 6]
    for wrong in ("x", "1.0", True, 2**70, 1.5):
        with pytest.raises(ArgumentError, match="an integer, as the ids of the item table are"):
            store.upsert_items([(wrong, {})])


EDIT = st.one_of(
    st.tuples(st.just("put"), st.integers(0, 6), st.integers(0, 9)),
    st.tuples(st.just("gone"), st.integers(0, 6), st.just(0)),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(EDIT, max_size=12))
def test_edits_one_by_one_are_what_a_plain_table_says(edits: list) -> None:
    """Whatever the order, every row and what is shown are those of a dictionary that was edited likewise."""
    log = pl.DataFrame({"user": ["u"], "item": ["i0"], "at": pl.Series([1]).cast(pl.Datetime("us"))})
    store = EmbeddedStore.build(Dataset.of(log, EVENTS), table())
    prices, shown = {f"i{n}": float(n) for n in range(3)}, {"i0", "i1", "i2"}
    for what, number, price in edits:
        if what == "put":
            store.upsert_items([(f"i{number}", {"price": price})])
            prices[f"i{number}"] = float(price)
            shown.add(f"i{number}")
        else:
            store.delete_items([f"i{number}"])
            shown.discard(f"i{number}")
    ids = store.items.values.tolist()
    assert dict(zip(ids, column(store, "price"), strict=True)) == prices
    assert {item for item, listed in zip(ids, store.listed, strict=True) if listed} == shown
    assert store.items.positions(ids).tolist() == list(range(len(ids)))
    assert store.items.first.values.tolist() == ["i0", "i1", "i2"]
