"""Dirty rows are counted, shown and left out; roles are found and checked."""

from datetime import datetime

import polars as pl
import pytest

from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.io import CleanReport, guess_roles, scan
from shortlist.testing._io import assert_accounted


def report_of(*args: object, **options: object) -> CleanReport:
    data = scan(*args, **options)  # type: ignore[arg-type]
    assert_accounted(data)
    assert data.report is not None
    return data.report


DIRTY = pl.DataFrame(
    {
        "user": ["a", None, " ", "b", "b", "b", "c", "d", "d"],
        "item": ["x", "x", "x", "", "y", "y", "y", "z", "z"],
        "when": [
            "2024-01-01",
            "2024-01-01",
            "",
            "2024-01-01",
            "2024-01-02",
            "2024-01-02",
            "yesterday",
            None,
            "2024-01-03",
        ],
    }
)


def test_each_reason_is_counted_once_in_a_fixed_order() -> None:
    report = report_of(DIRTY, roles={"user": "user", "item": "item", "time": "when"}, name="log")
    assert (report.read, report.kept) == (9, 3)
    assert list(report.left_out.items()) == [
        ("missing user", 2),
        ("missing item", 1),
        ("missing time", 1),
        ("unparseable time", 1),
        ("exact duplicate", 1),
    ]
    assert report.examples["unparseable time"] == ("user=c item=y when=yesterday",)
    assert str(report).splitlines()[:3] == [
        "log: 9 rows read, 3 kept (33.3 %)",
        "left out               rows   share  the first",
        "missing user              2  22.2 %  item=x when=2024-01-01",
    ]


def test_the_result_does_not_depend_on_the_partitions() -> None:
    roles = {"user": "user", "item": "item", "time": "when"}
    whole = scan(DIRTY, roles=roles)
    for rows in (1, 2, 4):
        parts = scan(DIRTY, roles=roles, partition_rows=rows)
        assert parts.collect().equals(whole.collect())
        assert parts.report == whole.report
        assert parts.schema == whole.schema


def test_float_ids_become_integers_and_nan_is_missing() -> None:
    frame = pl.DataFrame({"user_id": [1.0, 2.0, float("nan"), None], "item_id": [1, 2, 3, 4]})
    data = scan(frame)
    assert data.collect()["user_id"].to_list() == [1, 2]
    assert data.report is not None
    assert data.report.left_out == {"missing user": 2}
    with pytest.raises(SchemaError, match="numbers with fractions"):
        scan(frame.with_columns(pl.col("user_id") + 0.5))


def test_integers_too_large_for_int64_become_text() -> None:
    frame = pl.DataFrame({"user_id": pl.Series([2**63 + 1, 1], dtype=pl.UInt64), "item_id": [1, 2]})
    assert scan(frame).collect()["user_id"].to_list() == ["9223372036854775809", "1"]


def test_text_ids_of_typed_formats_stay_as_they_are() -> None:
    assert scan({"user_id": ["07", " 7"], "item_id": ["1", "2"]}).collect()["user_id"].to_list() == [
        "07",
        " 7",
    ]


def test_repeats_in_lists_are_repeats() -> None:
    frame = pl.DataFrame({"user_id": [1, 1, 1], "item_id": [2, 2, 2], "tags": [["a"], ["a"], ["b"]]})
    assert report_of(frame).left_out == {"exact duplicate": 1}


def test_of_a_table_the_last_row_of_an_id_is_kept() -> None:
    frame = pl.DataFrame({"id": ["a", "b", "a", None], "price": [1.0, 2.0, 3.0, 4.0]})
    for rows in (1, 10):
        data = scan(frame, roles={"item": "id"}, partition_rows=rows)
        assert_accounted(data)
        assert data.collect().rows() == [("b", 2.0), ("a", 3.0)]
        assert data.report is not None
        assert data.report.left_out == {"missing item": 1, "replaced by a later row": 1}
    assert "weight" not in data.schema


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            ["2024-03-05", "2024-03-05T06:07:08Z", "2024-03-05 06:07", " 2024-03-05 06:07:08.5 "],
            [
                "2024-03-05 00:00:00",
                "2024-03-05 06:07:08",
                "2024-03-05 06:07:00",
                "2024-03-05 06:07:08.500000",
            ],
        ),
        (
            ["2024-03-05T06:07:08+02:00", "2024-03-05 06:07:08 UTC"],
            ["2024-03-05 04:07:08", "2024-03-05 06:07:08"],
        ),
        (["3/25/2024 6:07", "3/5/2024 6:07"], ["2024-03-25 06:07:00", "2024-03-05 06:07:00"]),
        (["25/3/2024", "5/3/2024"], ["2024-03-25 00:00:00", "2024-03-05 00:00:00"]),
        (
            ["5.3.2024 06:07", "05 Mar 2024", "March 5, 2024"],
            ["2024-03-05 06:07:00", "2024-03-05 00:00:00", "2024-03-05 00:00:00"],
        ),
        (
            ["1709618828", "1709618828000", "1709618828.5"],
            ["2024-03-05 06:07:08", "2024-03-05 06:07:08", "2024-03-05 06:07:08.500000"],
        ),
        ([1709618828, 1709618828000, 1709618828000000], ["2024-03-05 06:07:08"] * 3),
        ([1709618828.5, float("nan"), float("inf")], ["2024-03-05 06:07:08.500000", None, None]),
        ([datetime(2024, 3, 5).date(), None], ["2024-03-05 00:00:00", None]),
    ],
    ids=["iso", "zones", "month first", "day first", "words", "digits", "integers", "floats", "dates"],
)
def test_times_are_read_in_the_usual_forms(values: list[object], expected: list[str | None]) -> None:
    frame = pl.DataFrame({"user_id": range(len(values)), "item_id": 1, "ts": pl.Series(values, strict=False)})
    data = scan(frame)
    assert_accounted(data)
    assert [str(time) for time in data.collect()["ts"]] == [text for text in expected if text is not None]


def test_one_order_of_day_and_month_holds_for_the_whole_column() -> None:
    frame = pl.DataFrame(
        {"user_id": range(3), "item_id": 1, "ts": ["13/01/2024", "14/01/2024", "01/14/2024"]}
    )
    assert report_of(frame).left_out == {"unparseable time": 1}
    data = scan(pl.DataFrame({"user_id": [1], "item_id": [1], "ts": ["01/02/2024"]}))
    assert data.collect()["ts"].to_list() == [datetime(2024, 1, 2)]
    assert data.report is not None
    assert "read as month/day/year" in data.report.notes[0]


def test_numbers_that_may_not_be_seconds_are_noted() -> None:
    report = report_of({"user_id": [1], "item_id": [1], "ts": [20240305]})
    assert report.notes == ("all times are before 1980: are the numbers seconds since 1970?",)


@pytest.mark.parametrize("role", ["user", "item", "time"])
def test_a_role_without_any_value_is_an_error(role: str) -> None:
    roles = {"user": "u", "item": "i", "time": "t"}
    frame = pl.DataFrame({"u": [1, 2], "i": [1, 2], "t": [1, 2]}).with_columns(
        pl.lit(None).alias(roles[role])
    )
    with pytest.raises(DataError, match=f"column '{roles[role]}' of events: .*received no value at all"):
        scan(frame, roles=roles)


def test_a_time_column_without_times_is_an_error() -> None:
    with pytest.raises(DataError, match="no value that is a time"):
        scan({"user_id": [1], "item_id": [1], "ts": ["soon"]})


def test_roles_are_guessed_from_the_usual_names() -> None:
    assert guess_roles(["visitorid", "timestamp", "event", "itemid"]) == {
        "user": "visitorid",
        "item": "itemid",
        "time": "timestamp",
        "event": "event",
    }
    assert guess_roles(["userId", "movieId", "rating", "ts"])["value"] == "rating"
    assert guess_roles(["product_id", "rating"]) == {"item": "product_id"}
    unnamed = scan({"user_id": [1], "item_id": [1], "added": [datetime(2024, 1, 1)]})
    assert unnamed.schema.time.name == "added"
    with pytest.raises(SchemaError, match=r"received columns \['a', 'b'\]"):
        guess_roles(["a", "b"])


def test_roles_are_checked() -> None:
    frame = pl.DataFrame({"user_id": [1], "item_id": [1], "seen": [[1]], "flag": [True]})
    with pytest.raises(SchemaError, match="did you mean 'user_id'"):
        scan(frame, roles={"user": "user", "item": "item_id"})
    with pytest.raises(ArgumentError, match="did you mean 'user'"):
        scan(frame, roles={"users": "user_id", "item": "item_id"})
    with pytest.raises(ArgumentError, match="a user or an item column"):
        scan(frame, roles={"time": "user_id"})
    with pytest.raises(SchemaError, match="a column of its own"):
        scan(frame, roles={"user": "user_id", "item": "user_id"})
    for role, column in (
        ("user", "seen"),
        ("item", "flag"),
        ("value", "seen"),
        ("time", "flag"),
        ("event", "seen"),
    ):
        roles = {"user": "user_id", "item": "item_id", role: column}
        with pytest.raises(SchemaError, match=f"column '{column}' of type"):
            scan(frame, roles=roles)
