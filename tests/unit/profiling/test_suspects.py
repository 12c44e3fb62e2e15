"""Planted leaks are found, and honest columns are left alone."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from shortlist.profiling import Profile, Suspect, profile
from shortlist.profiling._scores import explained, separation

N = 4000


@pytest.fixture(scope="module")
def shown() -> pl.DataFrame:
    """Impressions: honest columns, and one of each kind of leak."""
    rng = np.random.default_rng(0)
    user, item = rng.integers(0, 200, N), rng.integers(0, 60, N)
    price = np.round(rng.lognormal(2, 0.5, 60), 2)[item]
    click = (rng.random(N) < 0.05 + 0.3 * (price < np.median(price))).astype(np.int64)
    times = [datetime(2024, 1, 1) + timedelta(minutes=int(m)) for m in np.sort(rng.integers(0, 80_000, N))]
    events = np.bincount(item, minlength=60)[item]
    return pl.DataFrame(
        {
            "user_id": user,
            "item_id": item,
            "ts": times,
            "click": click,
            "price": price,
            "device": rng.choice(["phone", "desk"], N),
            "age": rng.integers(18, 70, 200)[user],
            "request": np.arange(N) * 3 + 17,
            "dwell": pl.Series(np.where(click == 1, rng.random(N), np.nan)).fill_nan(None),
            "model": click + rng.normal(0, 0.2, N),
            "outcome": np.where(click == 1, "bought", "left"),
            "views": events * 10 + 3,
            "clicked_at": pl.Series(times) + timedelta(hours=1),
            "device_code": ["x"] * N,
            "split": rng.choice(["train", "test"], N),
        }
    ).with_columns(device_name=pl.col("device").str.to_uppercase())


@pytest.fixture(scope="module")
def report(shown: pl.DataFrame) -> Profile:
    return profile(shown)


def of(report: Profile, column: str) -> list[Suspect]:
    return [one for one in report.suspects if one.column == column]


@pytest.mark.parametrize(
    ("column", "level", "why"),
    [
        ("dwell", "leak", "is filled only where click = 1"),
        ("outcome", "leak", "determines click = 1"),
        ("model", "leak", "determines click = 1"),
        ("request", "leak", "is the time in disguise"),
        ("views", "leak", "follows the item's number of events in these very rows"),
        ("clicked_at", "leak", "lies after the event"),
        ("device_code", "note", "is the same everywhere"),
        ("device_name", "note", "says the same as device"),
        ("split", "note", "is a split that somebody made"),
    ],
)
def test_a_planted_leak_is_found(report: Profile, column: str, level: str, why: str) -> None:
    assert [(one.level, one.why) for one in of(report, column)] == [(level, why)]


def test_honest_columns_are_left_alone(report: Profile) -> None:
    assert not {"price", "device", "age", "user_id", "item_id", "ts"} & {
        one.column for one in report.suspects
    }


def test_leaks_are_left_out_of_schema_and_program(report: Profile) -> None:
    assert report.subject.targets == ("click",)
    assert {column.name for column in report.schema if column.has("ignored")} == {
        *(
            "dwell",
            "outcome",
            "model",
            "request",
            "views",
            "clicked_at",
            "device_code",
            "device_name",
            "split",
        ),
    }
    assert report.schema["click"].has("target", "binary")
    assert report.schema["price"].has("item", "continuous")
    assert report.schema["age"].has("user")
    assert '"dwell"' not in report.code
    assert "# dwell is left out: it is filled only where click = 1." in report.code


def test_the_gravest_stand_first(report: Profile) -> None:
    levels = [one.level for one in report.suspects]
    assert levels == sorted(levels, key=("leak", "suspect", "note").index)


def test_a_nearly_perfect_column_is_a_suspect_and_stays(shown: pl.DataFrame) -> None:
    noise = np.random.default_rng(1).normal(0, 0.42, N)
    found = profile(shown.select("user_id", "item_id", "click", hint=pl.col("click") + pl.Series(noise)))
    (suspect,) = of(found, "hint")
    assert (suspect.level, suspect.why) == ("suspect", "nearly determines click = 1")
    assert found.schema["hint"].has("continuous")
    assert "# hint nearly determines click = 1: is it known before the event?" in found.code


def test_gaps_that_tell(shown: pl.DataFrame) -> None:
    click = pl.col("click") == 1
    some = pl.int_range(pl.len()) % 50 == 0
    found = profile(
        shown.select("user_id", "item_id", "click", x=pl.when(click | some).then(pl.col("price")))
    )
    (suspect,) = of(found, "x")
    assert suspect.why.endswith("determines click = 1 by being filled or not")


def test_kinds_of_events_are_told(shown: pl.DataFrame) -> None:
    rows = shown.select(
        "user_id", "item_id", "ts", action=pl.when(click=1).then(pl.lit("buy")).otherwise(pl.lit("view"))
    )
    rows = rows.with_columns(order=pl.when(action="buy").then(pl.int_range(pl.len()) % 7))
    assert [one.why for one in of(profile(rows), "order")] == ["is filled only where action = buy"]


def test_what_determines_the_value(shown: pl.DataFrame) -> None:
    rng = np.random.default_rng(2)
    rows = shown.select("user_id", "item_id", rating=pl.Series(rng.integers(1, 6, N)))
    rows = rows.with_columns(stars=pl.col("rating") * 20, half=pl.col("rating") // 3)
    found = profile(rows)
    assert "determines rating" in [one.why for one in of(found, "stars")]
    assert not [one for one in of(found, "half") if one.level == "leak"]


def test_mean_of_the_value_over_these_events() -> None:
    rng = np.random.default_rng(3)
    item = rng.integers(0, 100, N)
    rows = pl.DataFrame(
        {"user_id": rng.integers(0, 300, N), "item_id": item, "rating": rng.integers(1, 6, N)}
    )
    rows = rows.with_columns(average=pl.col("rating").mean().over("item_id"))
    (suspect,) = of(profile(rows), "average")
    assert suspect.why == "follows the item's mean rating in these very rows"


def test_regression_and_multiclass_targets(shown: pl.DataFrame) -> None:
    rows = shown.select("user_id", "item_id", "price", "age", double=pl.col("price") * 2 + 1)
    found = profile(rows, targets=["price"])
    assert found.schema["price"].has("target", "regression")
    assert "determines price" in [one.why for one in of(found, "double")]
    found = profile(shown.select("user_id", "item_id", grade=pl.col("age") % 4), targets=["grade"])
    assert found.schema["grade"].has("target", "multiclass")


def test_separation_as_arithmetic() -> None:
    labels = np.array([0, 1] * 50)
    assert separation(pl.Series(range(100)), labels) == pytest.approx(sum(range(1, 51)) / (50 * 50))
    assert separation(pl.Series([5.0] * 100), labels) == 0.5
    assert separation(pl.Series([None] * 100, dtype=pl.Float64), labels) == 0.5
    assert separation(pl.Series(-labels), labels) == 1.0
    assert separation(pl.Series([[1]] * 100), labels) == 0.5
    few = np.array([1] * 5 + [0] * 95)
    assert separation(pl.Series(few), few) == 0.5  # five positives are too few to tell


def test_an_id_of_the_row_does_not_tell_its_own_label() -> None:
    labels = (np.random.default_rng(0).random(500) < 0.5).astype(np.int64)
    assert separation(pl.Series([f"row {n}" for n in range(500)]), labels) == 0.5


def test_explained_as_arithmetic() -> None:
    values = np.tile([1.0, 2.0, 3.0, 4.0], 50)
    assert explained(pl.Series(values * 10), values) == pytest.approx(1.0)
    assert explained(pl.Series(values.astype(str)), values) > 0.99
    assert explained(pl.Series(["a"] * 200), values) == pytest.approx(0.0, abs=0.01)
    assert explained(pl.Series([1.0] * 200), np.ones(200)) == 0.0


def test_rows_that_count_themselves() -> None:
    rows = pl.DataFrame({"": range(30), "item_id": [1, 2, 3] * 10, "x": [0.5, 1.5] * 15})
    (suspect,) = of(profile(rows), "")
    assert (suspect.why, suspect.evidence) == ("counts the rows", "30 rows, as many values")
