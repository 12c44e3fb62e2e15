"""Everything that can be read, and everything that cannot."""

from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.io import scan
from shortlist.testing._io import assert_accounted

FRAME = pl.DataFrame(
    {"user_id": [1, 2, 3], "item_id": ["a", "b", "c"], "ts": [10, 20, 30], "price": [1.5, None, 2.5]}
)


def write(folder: Path, name: str, frame: pl.DataFrame = FRAME) -> Path:
    path = folder / name
    writers = {".parquet": frame.write_parquet, ".csv": frame.write_csv, ".arrow": frame.write_ipc}
    writers[path.suffix](path)
    return path


def rows(source: object) -> list[tuple[object, ...]]:
    data = scan(source)
    assert_accounted(data)
    return data.collect().select("user_id", "item_id", pl.col("ts").to_physical(), "price").rows()


EXPECTED = [(1, "a", 10_000_000, 1.5), (2, "b", 20_000_000, None), (3, "c", 30_000_000, 2.5)]


@pytest.mark.parametrize("name", ["log.parquet", "log.csv", "log.arrow"])
def test_a_file_of_each_format_reads_alike(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name)
    assert rows(path) == rows(str(path)) == rows(tmp_path) == rows(tmp_path / "*") == EXPECTED


@pytest.mark.parametrize(
    "source",
    [
        FRAME,
        FRAME.lazy(),
        FRAME.to_arrow(),
        FRAME.to_pandas(),
        FRAME.to_dict(as_series=False),
        [FRAME[:1], FRAME[1:].lazy()],
    ],
    ids=["frame", "lazy", "arrow", "pandas", "dict", "list"],
)
def test_tables_of_each_library_read_alike(source: object) -> None:
    assert rows(source) == EXPECTED


def test_other_types_become_plain_ones() -> None:
    frame = FRAME.with_columns(
        pl.col("item_id").cast(pl.Categorical),
        pl.col("ts").mul(1_000_000).cast(pl.Datetime("us")).dt.replace_time_zone("Europe/Paris"),
        pl.col("price").cast(pl.Decimal(10, 2)),
        pl.lit(None).alias("nothing"),
        pl.lit(b"x").alias("blob"),
        pl.Series("mood", [["a"], [], None], dtype=pl.List(pl.Categorical)),
        pl.duration(seconds="ts").alias("wait"),
    )
    data = scan(frame)
    assert data.collect().select("item_id", pl.col("ts").to_physical(), "price", "wait", "mood").rows()[
        :1
    ] == [("a", 10_000_000 - 3_600_000_000, 1.5, 10_000_000, ["a"])]
    assert "blob" not in data.schema
    assert data.report is not None
    assert data.report.notes == ("column 'blob' of type Binary cannot be used and is left out",)


def test_partitions_follow_row_groups_and_stay_small(tmp_path: Path) -> None:
    frame = pl.DataFrame({"user_id": range(100), "item_id": range(100)})
    frame.write_parquet(tmp_path / "a.parquet", row_group_size=30)
    frame.with_columns(pl.col("user_id") + 100).write_csv(tmp_path / "b.csv")
    data = scan(tmp_path, partition_rows=45)
    sizes = [part.select(pl.len()).collect().item() for part in data.partitions]
    assert sizes == [30, 30, 40, 45, 45, 10]
    assert data.collect()["user_id"].to_list() == list(range(200))
    assert len(scan(tmp_path).partitions) == 1


def test_text_files_tell_their_separator_and_their_late_types(tmp_path: Path) -> None:
    lines = ["user_id;item_id;grade", *(f"{n};00{n};{n}" for n in range(20_000)), "7;x;late text"]
    (tmp_path / "log.csv").write_text("\n".join(lines))
    data = scan(tmp_path / "log.csv")
    assert [column.dtype for column in data.schema][:3] == ["int64", "string", "string"]
    assert data.collect()["item_id"][5] == "005"


def test_ids_in_text_files_become_integers_only_if_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id\n17850.0,7\n,8\n12.0,-9\n")
    data = scan(tmp_path / "log.csv")
    assert data.collect().rows() == [(17850, 7, 1.0), (12, -9, 1.0)]
    assert data.report is not None
    assert data.report.left_out == {"missing user": 1}


def test_files_of_a_folder_may_lack_a_column_but_not_a_role(tmp_path: Path) -> None:
    write(tmp_path, "a.parquet")
    write(tmp_path, "b.parquet", FRAME.drop("price").with_columns(pl.col("user_id") + 10))
    assert scan(tmp_path).collect()["price"].to_list() == [1.5, None, 2.5, None, None, None]
    write(tmp_path, "c.csv", pl.DataFrame({"item_id": ["a"], "name": ["A"]}))
    with pytest.raises(SchemaError, match=r"c\.csv: expected column 'user_id', as in the other parts"):
        scan(tmp_path)


def test_hidden_files_of_a_folder_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "a.parquet")
    (tmp_path / "_SUCCESS").write_bytes(b"")
    (tmp_path / ".a.parquet.crc").write_bytes(b"junk")
    assert scan(tmp_path).count() == 3


@pytest.mark.parametrize("name", ["no.parquet", "no/*.csv"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="received no such file") as caught:
        scan(tmp_path / name)
    assert name in str(caught.value)


def test_an_empty_folder_says_what_it_looks_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a folder without data files"):
        scan(tmp_path)


@pytest.mark.parametrize("name", ["log.parquet", "log.csv", "log.arrow"])
def test_empty_and_truncated_files_are_named(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name)
    whole = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(DataError, match=rf"{name}: expected a file with rows; received an empty file"):
        scan(path)
    if not name.endswith(".csv"):
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(DataError, match=rf"{name}.*unreadable data"):
            scan(path)


def test_damage_inside_a_file_is_found_when_it_is_read(tmp_path: Path) -> None:
    frame = pl.DataFrame({"user_id": range(20_000), "item_id": [f"item number {n}" for n in range(20_000)]})
    frame.write_parquet(tmp_path / "log.parquet")
    content = bytearray((tmp_path / "log.parquet").read_bytes())
    content[40_000:60_000] = b"\xff" * 20_000
    (tmp_path / "log.parquet").write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"log\.parquet.*unreadable data"):
        scan(tmp_path / "log.parquet")


def test_text_that_is_not_utf8_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes("user_id,item_id\n1,caf\xe9\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"log\.csv.*UTF-8"):
        scan(tmp_path / "log.csv")


def test_a_file_without_rows_is_refused_but_a_frame_without_rows_works(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id\n")
    with pytest.raises(DataError, match="no rows"):
        scan(tmp_path / "log.csv")
    data = scan(FRAME.clear())
    assert (data.count(), data.times()) == (0, None)
    assert_accounted(data)


def test_unknown_formats_and_things_are_refused(tmp_path: Path) -> None:
    (tmp_path / "log.xlsx").write_bytes(b"x")
    with pytest.raises(DataError, match="a name that ends in one of"):
        scan(tmp_path / "log.xlsx")
    with pytest.raises(ArgumentError, match="a path, a glob, a folder"):
        scan(7)
    with pytest.raises(DataError, match="an empty list"):
        scan([])
    with pytest.raises(SchemaError, match="convert mixed columns to text"):
        scan(pd.DataFrame({"user_id": [1, "a", None], "item_id": [1, 2, 3]}))
    with pytest.raises(ArgumentError, match="partition_rows"):
        scan(FRAME, partition_rows=0)


def test_a_lone_arrow_column_is_not_a_log() -> None:
    with pytest.raises(SchemaError, match="names that show the user and the item"):
        scan(pa.array([1, 2]))


def test_a_row_with_too_many_fields_is_unreadable_and_a_short_one_ends_in_nulls(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,item_id,price\n1,a,2.5\n2,b\n")
    assert scan(tmp_path / "log.csv").collect()["price"].to_list() == [2.5, None]
    (tmp_path / "log.csv").write_text("user_id,item_id\n1,a\n2,b,7,8\n")
    with pytest.raises(DataError, match=r"log\.csv: .*unreadable data \(found more fields"):
        scan(tmp_path / "log.csv")


@pytest.mark.parametrize("broken", ['2,"b\n3,c\n', '2,"b\n3,c\n4,"d"\n5,e\n', '2,b"\n3,c\n4,d\n'])
def test_no_row_is_lost_behind_a_quote_that_never_ends(tmp_path: Path, broken: str) -> None:
    (tmp_path / "log.csv").write_text(f"user_id,item_id\n1,a\n{broken}")
    with pytest.raises(DataError, match=r"log\.csv: .*unreadable data"):
        scan(tmp_path / "log.csv")


def test_quoted_fields_may_hold_separators_and_lines(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text('user_id,item_id\n1,"a,b"\n2,"c\nd"\n3,"e""f"\n')
    assert scan(tmp_path / "log.csv").collect()["item_id"].to_list() == ["a,b", "c\nd", 'e"f']
