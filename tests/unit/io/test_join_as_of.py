from datetime import timedelta

import polars as pl
import pytest

from shortlist.errors import ArgumentError, SchemaError
from shortlist.io import Dataset, join_as_of

HOUR = 3_600_000_000
TIMES = {"at": pl.Datetime("us"), "since": pl.Datetime("ms")}
VERSIONS = [
    ("ann", 1, "free", [1]),
    ("ann", 5, "paid", None),
    ("ann", 5, "gold", [2, 3]),
    ("bob", 9, None, [4]),
]


def rows(*events: tuple[str | None, int | None]) -> pl.DataFrame:
    hours = [(user, None if hour is None else hour * HOUR) for user, hour in events]
    frame = pl.DataFrame(hours, schema={"user": pl.String, "at": pl.Int64}, orient="row")
    return frame.cast({"at": TIMES["at"]})


def versions() -> pl.DataFrame:
    hours = [(user, hour * HOUR // 1000, plan, seen) for user, hour, plan, seen in VERSIONS]
    names = {"user": pl.String, "since": pl.Int64, "plan": pl.String, "seen": pl.List(pl.Int64)}
    return pl.DataFrame(hours, schema=names, orient="row").cast({"since": TIMES["since"]})


def joined(frame: pl.DataFrame, **options: object) -> pl.DataFrame:
    return join_as_of(frame, versions(), on="user", times=("at", "since"), **options)


def test_the_newest_version_at_or_before_the_time_counts_and_rows_keep_their_order() -> None:
    frame = rows(("ann", 7), ("bob", 9), ("ann", 0), ("eve", 7), ("ann", 4), (None, 7), ("ann", None))
    found = joined(frame)
    assert found.columns == ["user", "at", "plan", "seen"]
    assert found.select("user", "at").equals(frame)
    assert found["plan"].to_list() == ["gold", None, None, None, "free", None, None]
    assert found["seen"].to_list() == [[2, 3], [4], [], [], [1], [], []]


def test_a_version_holds_for_its_time_to_live() -> None:
    frame = rows(("ann", 4), ("ann", 5), ("ann", 8), ("ann", 9))
    assert joined(frame, ttl="3h")["plan"].to_list() == ["free", "gold", "gold", None]
    assert joined(frame, ttl=timedelta(hours=2))["plan"].to_list() == [None, "gold", None, None]


def test_strict_leaves_the_very_time_unseen() -> None:
    frame = rows(("ann", 5), ("ann", 1))
    assert joined(frame)["plan"].to_list() == ["gold", "free"]
    assert joined(frame, strict=True)["plan"].to_list() == ["free", None]


def test_columns_are_chosen_and_data_sets_tell_their_times_and_tags() -> None:
    events = Dataset.of(rows(("ann", 7))).tag("user", "user", "id").tag("at", "time")
    table = Dataset.of(versions()).tag("since", "time").tag("plan", "categorical").tag("seen", "item")
    found = join_as_of(events, table, on=["user"], columns=["plan"])
    assert found.collect().row(0)[2:] == ("gold",)
    assert found.schema["plan"].tags == {"user", "categorical"}
    assert join_as_of(events, table, on="user").schema["seen"].tags == {"item"}
    thing = pl.lit("x").alias("thing")
    pairs = Dataset.of(rows(("ann", 7)).with_columns(thing)).tag("user", "user", "id").tag("at", "time")
    pairs = pairs.tag("thing", "item", "id")
    more = Dataset.of(versions().with_columns(thing)).tag("since", "time").tag("plan", "categorical")
    assert join_as_of(pairs, more, on=("user", "thing")).schema["plan"].tags == {"cross", "categorical"}


def test_every_form_comes_back_as_it_came() -> None:
    frame = rows(("ann", 7))
    assert isinstance(joined(frame.lazy()), pl.LazyFrame)
    assert joined(frame.to_dict(as_series=False))["plan"] == ["gold"]
    assert joined(frame.to_arrow())["plan"].to_pylist() == ["gold"]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"ttl": "soon"}, ArgumentError, r"join_as_of\.ttl"),
        ({"on": "client"}, SchemaError, "client"),
        ({"columns": ["colour"]}, SchemaError, "colour"),
        ({"columns": ["user"]}, SchemaError, r"\['user'\] in the rows and in the table"),
        ({"times": ("user", "since")}, SchemaError, "time 'user'"),
        ({"table": pl.DataFrame({"user": [1], "since": [1]})}, SchemaError, "key 'user'"),
        ({"table": 7}, ArgumentError, r"join_as_of\(table\)"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict, error: type[Exception], words: str) -> None:
    given = {"table": versions(), "on": "user", "times": ("at", "since")} | change
    with pytest.raises(error, match=words):
        join_as_of(rows(("ann", 7)), **given)
