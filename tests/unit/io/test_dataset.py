"""Data sets: partitions, joins, times, tables."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.io import Dataset, concat, item_table, moment, user_table
from shortlist.schema import Column, Schema


def log(*frames: pl.DataFrame) -> Dataset:
    data = Dataset.of(frames)
    return data.tag("u", "user", "id").tag("i", "item", "id").tag("t", "time").tag("p", "item", "continuous")


ONE = pl.DataFrame({"u": [1, 1], "i": ["a", "b"], "t": [10, 20], "p": [1.0, 2.0]})
TWO = pl.DataFrame({"u": [2, 1], "i": ["a", "c"], "t": [30, 5], "p": [None, 4.0]})


def timed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("t").cast(pl.Datetime("us")))


def test_partitions_are_one_table_in_order() -> None:
    data = log(ONE, TWO)
    assert data.count() == 4
    assert data.collect()["i"].to_list() == data.frame().collect()["i"].to_list() == ["a", "b", "a", "c"]
    assert data.filter(pl.col("u") == 1).collect()["t"].to_list() == [10, 20, 5]
    assert data.select(["i", "u"]).collect().columns == ["i", "u"]
    assert "2 partitions" in str(data)


def test_times_are_microseconds_over_all_partitions() -> None:
    data = log(timed(ONE), timed(TWO))
    assert data.times() == (5, 30)
    assert data.period() == (datetime(1970, 1, 1, microsecond=5), datetime(1970, 1, 1, microsecond=30))
    assert data.filter(pl.lit(value=False)).times() is None
    assert data.filter(pl.lit(value=False)).period() is None


def test_the_table_wins_over_the_log_and_unknown_ids_get_nulls() -> None:
    items = Dataset.of(
        pl.DataFrame({"id": ["b", "a"], "p": [9.0, 8.0], "name": ["B", "A"]}),
        Schema(
            [
                Column("id", "string", ("item", "id")),
                Column("p", "float64", ("item",)),
                Column("name", "string", ("item",)),
            ]
        ),
    )
    users = Dataset.of(pl.DataFrame({"u": [1], "age": [30]})).tag("u", "user", "id")
    joined = log(ONE, TWO).join_tables(items, users)
    assert joined.collect().rows() == [
        (1, "a", 10, 8.0, "A", 30),
        (1, "b", 20, 9.0, "B", 30),
        (2, "a", 30, 8.0, "A", None),
        (1, "c", 5, None, None, 30),
    ]
    assert joined.schema.names == ("u", "i", "t", "p", "name", "age")


def test_a_table_must_fit_the_log() -> None:
    wrong_type = Dataset.of(pl.DataFrame({"i": [1]})).tag("i", "item", "id")
    with pytest.raises(SchemaError, match="expected string, the type in the events; received 'int64'"):
        log(ONE).join_tables(wrong_type)
    twice = Dataset.of(pl.DataFrame({"i": ["a", "a"]})).tag("i", "item", "id")
    with pytest.raises(DataError, match="'a' more than once"):
        log(ONE).join_tables(twice)


def test_names_are_checked() -> None:
    with pytest.raises(DataError, match="no frames"):
        Dataset.of([])
    with pytest.raises(SchemaError, match="columns"):
        Dataset.of([ONE, ONE.drop("p")])
    with pytest.raises(SchemaError, match="correct tags here"):
        log(ONE).with_schema(Schema([Column("u", "int64")]))
    with pytest.raises(SchemaError, match="did you mean"):
        log(ONE).tag("ii", "item")


def test_item_table_holds_the_last_known_values_before_a_moment() -> None:
    frame = pl.DataFrame(
        {
            "u": [1] * 5,
            "i": ["a", "a", "b", "a", "c"],
            "t": [10, 20, 20, 30, 40],
            "p": [1.0, 2.0, 3.0, None, 5.0],
        }
    )
    for parts in ([frame], [frame[:2], frame[2:]], [frame[3:], frame[:3]]):
        data = log(*(timed(part) for part in parts))
        assert item_table(data).collect().rows() == [("a", 2.0), ("b", 3.0), ("c", 5.0)]
        assert item_table(data, before=20).collect().rows() == [("a", 1.0)]
        assert item_table(data, before=datetime(1970, 1, 1, microsecond=21)).collect().rows() == [
            ("a", 2.0),
            ("b", 3.0),
        ]
    assert item_table(log(timed(frame))).schema.item.name == "i"


def test_of_values_at_one_time_the_later_row_is_last() -> None:
    frame = timed(pl.DataFrame({"u": [1, 1], "i": ["a", "a"], "t": [7, 7], "p": [1.0, 2.0]}))
    assert item_table(log(frame)).collect()["p"].to_list() == [2.0]
    assert item_table(log(frame[:1], frame[1:])).collect()["p"].to_list() == [2.0]


def test_user_table_without_user_columns_is_the_list_of_users() -> None:
    assert user_table(log(TWO, ONE)).collect().rows() == [(1,), (2,)]
    untimed = Dataset.of(ONE).tag("u", "user", "id").tag("p", "user").tag("i", "item", "id")
    assert user_table(untimed).collect().rows() == [(1, 2.0)]


def test_tables_of_nothing_are_empty() -> None:
    assert item_table(log(timed(ONE)).filter(pl.lit(value=False))).count() == 0


def test_a_moment_without_a_zone_is_utc() -> None:
    assert moment(datetime(2024, 1, 1)) == moment(datetime(2024, 1, 1, tzinfo=UTC)) == 1_704_067_200_000_000


def sizes(data: Dataset) -> list[int]:
    return [part.collect().height for part in data.partitions]


def test_a_cut_keeps_the_rows_and_bounds_the_partitions() -> None:
    frame = pl.DataFrame({"a": range(10)})
    data = Dataset.of([frame[:7], frame[7:8], frame[8:9], frame[9:]])
    assert sizes(data.cut(3)) == [3, 3, 3, 1]
    assert sizes(data.cut(100)) == [10]
    assert data.cut(3).collect().equals(frame)
    assert sizes(data.filter(pl.col("a") > 7).cut(1)) == [1, 1]
    assert data.tag("a", "item").cut(2).schema["a"].has("item")
    with pytest.raises(ArgumentError, match=r"Dataset\.cut: expected an integer >= 1 of rows; received 0"):
        data.cut(0)


def test_a_cut_of_files_reads_their_footers_only(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    pl.DataFrame({"a": range(100_000)}).write_parquet(path, row_group_size=10_000)
    content = bytearray(path.read_bytes())
    content[4:20_000] = b"\xff" * 19_996  # no page of the first rows can be read any more
    path.write_bytes(bytes(content))
    data = Dataset.of(pl.scan_parquet(path)).cut(40_000)
    assert len(data.partitions) == 3
    with pytest.raises(pl.exceptions.ComputeError):
        data.partitions[0].collect()
    assert data.partitions[2].collect()["a"].to_list() == list(range(80_000, 100_000))


def test_days_are_put_one_after_another() -> None:
    days = [log(ONE), log(TWO.select("p", "i", "u", "t")).select(["t", "u", "p", "i"])]
    whole = concat(iter(days))
    assert whole.schema == days[0].schema
    assert whole.collect().equals(log(ONE, TWO).collect())
    assert len(whole.partitions) == 2


def test_only_data_sets_of_one_schema_are_put_together() -> None:
    with pytest.raises(DataError, match="concat: expected at least one; received no data sets"):
        concat([])
    with pytest.raises(SchemaError, match=r"concat: data set 2: expected columns \('u', 'i', 't', 'p'\)"):
        concat([log(ONE), Dataset.of(ONE.drop("p"))])
    with pytest.raises(SchemaError, match=r"data set 3: .*dtype='float64'.*received .*dtype='int64'"):
        concat([log(ONE), log(ONE), log(ONE.with_columns(pl.col("p").cast(pl.Int64)))])
    with pytest.raises(SchemaError, match=r"tags=\['time'\].*as in the first data set"):
        concat([log(ONE), log(ONE).tag("t", "context")])


def test_frames_of_other_types_become_plain() -> None:
    frame = pl.DataFrame({"day": [date(2024, 1, 1)], "kind": pl.Series(["x"], dtype=pl.Categorical)})
    data = Dataset.of(frame)
    assert [column.dtype for column in data.schema] == ["datetime", "string"]
    assert data.collect().rows() == [(datetime(2024, 1, 1), "x")]
    with pytest.raises(SchemaError, match=r"column 'blob': expected numbers.*received type Binary"):
        Dataset.of(pl.DataFrame({"blob": [b"x"]}))


def test_what_scan_reads_is_read_as_it_is(tmp_path: Path) -> None:
    pl.DataFrame({"shop": [1, 1, None]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"shop": [2]}).write_csv(tmp_path / "b.csv")
    data = Dataset.read([tmp_path / "a.parquet", tmp_path / "b.csv"], partition_rows=2)
    assert data.collect()["shop"].to_list() == [1, 1, None, 2]
    assert (sizes(data), data.report) == ([2, 2], None)
    with pytest.raises(SchemaError, match="column 'blob' of type Binary cannot be used"):
        Dataset.read(pl.DataFrame({"blob": [b"x"], "a": [1]}))
    with pytest.raises(ArgumentError, match=r"Dataset\.read: expected an integer >= 1 of rows"):
        Dataset.read({"a": [1]}, partition_rows=0)
