import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from shortlist.data import Ragged
from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.io import Dataset
from shortlist.schema import LIST, Column, Schema, Shape
from shortlist.store import EmbeddedStore, to_array, to_series
from shortlist.testing._store import check_empty_questions, check_unknown_rows

NOBODY = np.array([-1])
EVENTS = Schema(
    [
        Column("user", "int64", ("user", "id")),
        Column("item", "string", ("item", "id")),
        Column("time", "datetime", ("time",)),
        Column("weight", "float32", ("weight",)),
        Column("city", "string", ("user", "categorical")),
    ]
)
ITEMS = Schema(
    [
        Column("item", "string", ("item", "id")),
        Column("price", "float64", ("item", "continuous")),
        Column("stock", "int64", ("item", "continuous")),
        Column("new", "bool", ("item", "categorical")),
        Column("since", "datetime", ("item",)),
        Column("colours", "string", ("item", "categorical"), LIST),
        Column("vector", "float32", ("item", "embedding"), Shape("vector", 2)),
    ]
)


def _events(rows: list[tuple[object, ...]]) -> Dataset:
    types = {"user": pl.Int64, "item": pl.String, "time": pl.Int64, "weight": pl.Float32, "city": pl.String}
    frame = pl.DataFrame(rows, schema=types, orient="row")
    return Dataset.of(frame.with_columns(pl.col("time").cast(pl.Datetime("us"))), EVENTS)


def _items() -> Dataset:
    frame = pl.DataFrame(
        {
            "item": ["a", "b"],
            "price": [1.5, None],
            "stock": [3, None],
            "new": [True, False],
            "since": pl.Series([5, 6]).cast(pl.Datetime("us")),
            "colours": [["red"], None],
            "vector": pl.Series([[1.0, 2.0], [3.0, 4.0]], dtype=pl.Array(pl.Float32, 2)),
        }
    )
    return Dataset.of(frame, ITEMS)


@pytest.fixture
def store() -> EmbeddedStore:
    rows = [
        (7, "a", 10, 1.0, "rome"),
        (7, "z", 20, 2.0, None),
        (9, "b", 30, 1.0, "oslo"),
        (9, "a", 40, -1.0, None),
    ]
    return EmbeddedStore.build(_events(rows), _items())


def test_the_catalogue_is_the_table_and_then_what_only_events_mention(store: EmbeddedStore) -> None:
    assert store.items.values.tolist() == ["a", "b", "z"]
    assert store.listed.tolist() == [True, True, False]
    assert store.users.values.tolist() == [7, 9]
    assert store.until == 41
    assert store.history(np.array([0, 1]), np.array([99, 99]), 9)[0].to_lists() == [[0, 2], [1]]


def test_popularity_sums_weights_of_positives_before_the_time(store: EmbeddedStore) -> None:
    assert store.popularity(0, 30).tolist() == [1.0, 0.0, 2.0]
    assert store.popularity(0, 31).tolist() == [1.0, 1.0, 2.0]
    assert store.popularity(11, 31).tolist() == [0.0, 1.0, 2.0]


def test_columns_are_raw_values_with_nulls(store: EmbeddedStore) -> None:
    columns = store.item_columns(np.array([1, -1, 0, 2]), ITEMS.names)
    assert columns["item"].tolist() == ["b", None, "a", "z"]
    np.testing.assert_array_equal(columns["price"], [np.nan, np.nan, 1.5, np.nan])
    assert columns["stock"].tolist() == [None, None, 3, None]
    assert columns["new"].tolist() == [False, None, True, None]
    assert columns["since"].tolist() == [6, None, 5, None]
    assert columns["colours"].to_lists() == [[], [], ["red"], []]
    np.testing.assert_array_equal(columns["vector"][:3], [[3, 4], [np.nan, np.nan], [1, 2]])
    assert store.user_columns(np.array([1, 0]), ("city",))["city"].tolist() == ["oslo", "rome"]
    check_unknown_rows(store)
    check_empty_questions(store, 3)


def test_appended_events_are_seen_by_the_next_question(store: EmbeddedStore) -> None:
    kept = store.append_events([7, "new", None, 9], ["b", "a", "a", "nowhere"], np.array([50, 51, 52, 53]))
    assert kept == 4
    assert store.unknown_items == 1
    assert store.until == 54
    known, new = store.user_positions(["7", "new"])
    assert (known, new) == (0, 2)
    assert store.history(np.array([0, 2]), np.array([99, 99]), 9)[0].to_lists() == [[0, 2, 1], [0]]
    assert store.counts("item", NOBODY, np.array([0]), np.array([0]), np.array([99])).tolist() == [3]
    assert store.popularity(0, 99).tolist() == [3.0, 2.0, 2.0]
    assert store.user_columns(np.array([2]), ("city",))["city"].tolist() == [None]
    assert store.append_events([], [], np.zeros(0, np.int64)) == 0


def test_appending_unequal_lengths_is_refused(store: EmbeddedStore) -> None:
    with pytest.raises(ArgumentError, match="lengths 1, 2, 1, 1"):
        store.append_events([7], ["a", "b"], np.array([1]))
    assert store.until == 41


def test_a_saved_store_answers_the_same_and_its_numbers_stay_in_the_file(
    store: EmbeddedStore, tmp_path: Path
) -> None:
    store.append_events(["new", 7], ["a", "b"], np.array([50, 60]))
    store.save(tmp_path / "store")
    again = EmbeddedStore.open(tmp_path / "store")
    assert again.users.values.tolist() == ["7", "9", "new"]
    assert again.item_schema == store.item_schema
    assert again.until == 61
    assert again.listed.tolist() == [True, True, False]
    who, when = np.array([0, 1, 2]), np.array([99, 99, 99])
    assert again.history(who, when, 9)[0].to_lists() == store.history(who, when, 9)[0].to_lists()
    assert again.popularity(0, 99).tolist() == store.popularity(0, 99).tolist()
    places = np.array([0, 1, 2, -1])
    for name, column in store.item_columns(places, ITEMS.names).items():
        other = again.item_columns(places, (name,))[name]
        if isinstance(column, Ragged):
            assert other.to_lists() == column.to_lists()
        else:
            np.testing.assert_array_equal(other, column)
    assert not again.events().users.flags.owndata or len(again.events()) == 5


def test_live_events_survive_reopening(store: EmbeddedStore, tmp_path: Path) -> None:
    store.save(tmp_path / "store")
    first = EmbeddedStore.open(tmp_path / "store", tmp_path / "live")
    first.append_events([9, "x"], ["z", "gone"], np.array([70, 80]), np.array([2, 1], np.float32))
    first.close()
    live = tmp_path / "live"
    live.write_bytes(live.read_bytes() + b"\x07")
    again = EmbeddedStore.open(tmp_path / "store", live)
    assert again.cut_bytes == 1
    assert again.unknown_items == 1
    assert again.history(np.array([1]), np.array([99]), 9)[0].to_lists() == [[1, 2]]
    assert again.popularity(60, 99).tolist() == [0.0, 0.0, 2.0]
    assert again.until == 81
    again.close()
    assert EmbeddedStore.open(tmp_path / "store").cut_bytes == 0


def test_events_that_could_not_be_written_are_not_seen(
    store: EmbeddedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(tmp_path / "store")
    live = EmbeddedStore.open(tmp_path / "store", tmp_path / "live")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError, match="No space"):
        live.append_events([9], ["z"], np.array([70]))
    monkeypatch.undo()
    assert live.until == 41
    live.close()


@pytest.mark.parametrize("name", ["items.arrow", "users.arrow", "events.times.npy", "store.json"])
@pytest.mark.parametrize("kind", ["missing", "empty", "cut"])
def test_a_damaged_folder_is_named(store: EmbeddedStore, tmp_path: Path, name: str, kind: str) -> None:
    store.save(tmp_path / "store")
    path = tmp_path / "store" / name
    if kind == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: 0 if kind == "empty" else 50])
    with pytest.raises(DataError, match="store"):
        EmbeddedStore.open(tmp_path / "store")


def test_facts_that_disagree_with_the_files_are_refused(store: EmbeddedStore, tmp_path: Path) -> None:
    store.save(tmp_path / "store")
    path = tmp_path / "store" / "store.json"
    facts = json.loads(path.read_text())
    for change, words in (
        ({"format": 99}, "newer shortlist"),
        ({"events": 9}, "event columns"),
        ({"items": {**facts["items"], "rows": 8}}, "8"),
    ):
        path.write_text(json.dumps({**facts, **change}))
        with pytest.raises(DataError, match=words):
            EmbeddedStore.open(tmp_path / "store")


def test_ids_of_different_types_are_refused() -> None:
    frame = pl.DataFrame({"user": ["7"]})
    people = Dataset.of(frame, Schema([Column("user", "string", ("user", "id"))]))
    with pytest.raises(SchemaError, match="cast one of them"):
        EmbeddedStore.build(_events([(7, "a", 1, 1.0, None)]), _items(), people)


def test_times_must_be_datetimes() -> None:
    events = _events([(7, "a", 1, 1.0, None)])
    column = Column("time", "int64", ("time",))
    odd = Dataset.of(events.collect().cast({"time": pl.Int64}), EVENTS.merge([column]))
    with pytest.raises(SchemaError, match="parses times"):
        EmbeddedStore.build(odd, _items())


def test_a_store_without_events_or_items() -> None:
    store = EmbeddedStore.build(_events([]), _items().filter(pl.lit(value=False)))
    assert (len(store.items), len(store.users), store.until) == (0, 0, 0)
    check_empty_questions(store, 0)
    assert store.user_positions(["x"]).tolist() == [-1]
    assert store.append_events(["x"], ["a"], np.array([5])) == 1
    assert store.user_positions(["x"]).tolist() == [0]


def test_acknowledged_events_survive_a_kill(store: EmbeddedStore, tmp_path: Path) -> None:
    store.save(tmp_path / "store")
    script = (
        "import os, signal, sys, numpy as np\n"
        "from shortlist.store import EmbeddedStore\n"
        "store = EmbeddedStore.open(sys.argv[1], sys.argv[2])\n"
        "store.append_events([9, 9], ['z', 'a'], np.array([70, 71]))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "store"), str(tmp_path / "live")]
    assert subprocess.run(command, check=False).returncode == -9
    again = EmbeddedStore.open(tmp_path / "store", tmp_path / "live")
    assert again.history(np.array([1]), np.array([99]), 9)[0].to_lists() == [[1, 2, 0]]
    again.close()


@pytest.mark.parametrize(
    "series",
    [
        pl.Series("c", [1, None, 3], dtype=pl.Int32),
        pl.Series("c", ["x", None]),
        pl.Series("c", [1.5, None]),
        pl.Series("c", [True, False]),
        pl.Series("c", [[1], [], [2, 3]]),
        pl.Series("c", [5, None]).cast(pl.Datetime("us")),
        pl.Series("c", [["a", None]], dtype=pl.List(pl.String)),
        pl.Series("c", [[1.0, 2.0]], dtype=pl.Array(pl.Float64, 2)),
    ],
)
def test_arrays_and_back(series: pl.Series) -> None:
    column = Dataset.of(series.to_frame()).schema["c"]
    assert to_series(to_array(series), column).equals(series)


def test_dates_and_categories_become_plain_values() -> None:
    assert to_array(pl.Series(["1970-01-02"]).str.to_date()).tolist() == [86_400_000_000]
    assert to_array(pl.Series(["x", None], dtype=pl.Categorical)).tolist() == ["x", None]
