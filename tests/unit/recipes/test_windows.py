from datetime import datetime

import polars as pl
import pytest

from shortlist.errors import SchemaError
from shortlist.io import Dataset, scan
from shortlist.recipes import FitRecipe
from shortlist.recipes._data import brings_new_pairs, read_tables, windows_of
from shortlist.recipes._weights import weighted
from shortlist.schema import Column

DAY = 86_400_000_000
START = datetime(2024, 1, 1)


@pytest.fixture
def log() -> Dataset:
    """One event a day for 25 days, from day 0 to day 24."""
    days = pl.datetime_range(START, datetime(2024, 1, 25), "1d", eager=True)
    return scan(pl.DataFrame({"user": [f"u{n % 3}" for n in range(25)], "item": range(25), "time": days}))


def _days(data: Dataset) -> list[int]:
    start = int(pl.Series([START]).to_physical()[0])
    return [(each - start) // DAY for each in data.collect()["time"].to_physical().to_list()]


@pytest.mark.parametrize(("test", "days"), [("4d", 4), (None, 4), ("6d", 6)])
def test_windows_are_cut_from_the_end(log: Dataset, test: str | None, days: int) -> None:
    got = windows_of(log, FitRecipe(test=test))
    assert got.horizon == days * DAY
    assert _days(got.test) == list(range(25 - days, 25))
    assert _days(got.ranker) == list(range(25 - 3 * days, 25 - days))
    assert _days(got.early) == list(range(25 - 3 * days))
    assert _days(got.past) == list(range(25 - days))
    # The last event is at the last microsecond of the windows.
    first, second = log.times() or (0, 0)
    assert got.test_from == second + 1 - days * DAY
    assert got.ranker_from == second + 1 - 3 * days * DAY > first


def test_requests_of_the_ranker_end_a_horizon_before_the_test(log: Dataset) -> None:
    got = windows_of(log, FitRecipe(test="4d"))
    assert [moment - got.ranker_from for moment in got.snapshots] == [day * DAY for day in range(5)]
    assert got.snapshots[-1] + got.horizon == got.test_from


def test_tables_stand_beside_the_events(log: Dataset) -> None:
    sizes = pl.DataFrame({"item": range(30), "size": [0.5 * n for n in range(30)]})
    ages = pl.DataFrame({"user": ["u0", "u1"], "age": [30, 40]})
    got = read_tables(log, sizes, ages, FitRecipe())
    assert got.items is not None
    assert got.items.count() == 30
    rows = got.events.collect()
    assert rows["size"].to_list() == [0.5 * n for n in range(25)]
    assert rows["age"].head(3).to_list() == [30, 40, None]
    assert got.events.schema["size"].has("item")
    assert got.events.schema["age"].has("user")
    assert got.events.report == log.report


def test_ids_of_two_types_become_text(log: Dataset) -> None:
    sizes = pl.DataFrame({"item": ["0", "x"], "size": [1.0, 2.0]})
    got = read_tables(log, sizes, None, FitRecipe())
    assert got.events.schema.item.dtype == "string"
    assert got.events.collect().select("item", "size").head(2).rows() == [("0", 1.0), ("1", None)]
    assert log.schema.item.dtype == "int64"


def test_a_table_without_the_ids(log: Dataset) -> None:
    with pytest.raises(SchemaError, match="no column 'item'"):
        read_tables(log, pl.DataFrame({"size": [1.0]}), None, FitRecipe())


def test_new_pairs(log: Dataset) -> None:
    first, last = log.filter(pl.col("item") < 9), log.filter(pl.col("item") >= 9)
    assert brings_new_pairs(last, first)
    assert not brings_new_pairs(first, log)
    disliked = last.map(lambda part: part.with_columns(weight=pl.lit(-1.0, pl.Float32)), last.schema)
    assert not brings_new_pairs(disliked, first)


def test_events_lose_weight_with_age(log: Dataset) -> None:
    got = weighted(log, "2d").collect()
    assert got["weight"].to_list() == pytest.approx([0.5 ** ((24 - day) / 2) for day in range(25)])
    assert weighted(log, None).collect()["weight"].to_list() == [1.0] * 25


def test_nobody_counts_for_more_than_a_hundred_events() -> None:
    data = scan({"user": ["a"] * 200 + ["b"] * 3, "item": list(range(203)), "time": [START] * 203})
    totals = weighted(data, None).collect().group_by("user").agg(pl.col("weight").sum()).sort("user")
    assert totals["weight"].to_list() == pytest.approx([100.0, 3.0])


def test_a_feature_that_is_called_weight_stays(log: Dataset) -> None:
    heavy = Dataset.of(
        log.collect().with_columns(weight=pl.lit(7.5)),
        log.schema.merge([Column("weight", "float64", ("item", "continuous"))]),
    )
    got = weighted(heavy, None)
    assert got.collect()["weight"].unique().to_list() == [7.5]
    assert got.schema.tagged("weight").names == ("event_weight",)
