"""Parquet folders: laid out by columns, written part by part, damaged, interrupted, read again."""

import json
import signal
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from shortlist.errors import ArgumentError, DataError
from shortlist.io import (
    Dataset,
    Layout,
    PartFile,
    atomic_folder,
    finish_parquet,
    read_parquet,
    scan,
    write_parquet,
    write_part,
)
from shortlist.io import _write as write
from shortlist.schema import Column, Schema, Shape

DAYS = [datetime(2024, 1, 1), datetime(2024, 1, 2), None, datetime(2024, 1, 1, 10, 0, 0, 5)]
FRAME = pl.DataFrame(
    {"day": DAYS, "shop": ["a b", "a/b", "", None], "n": [1, 2, 3, 4], "open": [True, False, None, True]}
)


def files_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_values_name_the_folders_and_come_back_in_their_types(tmp_path: Path) -> None:
    data = Dataset.of([FRAME, FRAME.clear(), FRAME[1:]])
    for columns in [("day",), ("shop",), ("open",), ("n",), ("shop", "day")]:
        back = write_parquet(data, tmp_path / "log", partition_by=columns)
        pairs = zip(back.partitions, data.partitions, strict=True)
        assert all(part.collect().sort("n").equals(other.collect()) for part, other in pairs)
        assert (back.schema, back.count()) == (data.schema, 7)
        assert read_parquet(tmp_path / "log").collect().equals(back.collect())


def test_folders_have_the_usual_names(tmp_path: Path) -> None:
    write_parquet(Dataset.of([FRAME, FRAME[:1]]), tmp_path, partition_by=("day",))
    assert files_of(tmp_path) == [
        "day=2024-01-01 10%3A00%3A00.000005/part-00000.parquet",
        "day=2024-01-01/part-00000.parquet",
        "day=2024-01-01/part-00001.parquet",
        "day=2024-01-02/part-00000.parquet",
        "day=__HIVE_DEFAULT_PARTITION__/part-00000.parquet",
        "manifest.json",
        "schema.json",
    ]
    assert pq.read_schema(tmp_path / "day=2024-01-02" / "part-00000.parquet").names == ["shop", "n", "open"]
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert (manifest["parts"], manifest["rows"], manifest["partition_by"]) == (2, 5, ["day"])
    first = manifest["files"]["day=2024-01-01/part-00000.parquet"]
    assert (first["rows"], first["bytes"]) == (
        1,
        (tmp_path / "day=2024-01-01" / "part-00000.parquet").stat().st_size,
    )


def test_rows_of_a_partition_are_gathered_by_folder(tmp_path: Path) -> None:
    frame = pl.DataFrame({"k": [2, 1, 2, 1], "n": [1, 2, 3, 4]})
    back = write_parquet(Dataset.of(frame), tmp_path, partition_by=("k",))
    assert back.collect().rows() == [(2, 1), (2, 3), (1, 2), (1, 4)]


def test_a_filter_on_a_folder_reads_only_its_files(tmp_path: Path) -> None:
    frame = pl.DataFrame({"day": [date(2024, 1, 1), date(2024, 1, 2)], "n": [1, 2]})
    back = write_parquet(Dataset.of(frame), tmp_path, partition_by=("day",))
    wanted = back.filter(pl.col("day") == datetime(2024, 1, 2)).frame()
    assert "day=2024-01-01" not in wanted.explain()
    assert wanted.collect()["n"].to_list() == [2]


@pytest.mark.parametrize("above", ["x=1", "k=7"])
def test_folders_above_the_data_set_are_no_columns(tmp_path: Path, above: str) -> None:
    frame = pl.DataFrame({"k": [2, 1], "n": [1, 2]})
    back = write_parquet(Dataset.of(frame), tmp_path / above / "log", partition_by=("k",))
    assert back.collect().equals(frame)


def test_texts_of_any_kind_name_folders_but_the_one_that_means_null(tmp_path: Path) -> None:
    frame = pl.DataFrame({"k": ["null", None, "%", "a=b", "é", ".", "*?", "__"], "n": range(8)})
    assert write_parquet(Dataset.of(frame), tmp_path, partition_by=("k",)).collect().equals(frame)
    taken = pl.DataFrame({"k": ["__HIVE_DEFAULT_PARTITION__"], "n": [1]})
    with pytest.raises(DataError, match="texts that do not stand for null"):
        write_parquet(Dataset.of(taken), tmp_path, partition_by=("k",))


def test_a_data_set_without_rows_keeps_its_types(tmp_path: Path) -> None:
    schema = Schema(
        [
            Column("k", "string"),
            Column("v", "float32", shape=Shape("vector", 2)),
            Column("l", "int8", shape=Shape("list")),
            Column("w", "float32", shape=Shape("vector", 2, inner=(3,))),
        ]
    )
    inner = {"v": pl.Array(pl.Float32, 2), "l": pl.List(pl.Int8), "w": pl.Array(pl.Float32, (2, 3))}
    frame = pl.DataFrame(schema={"k": pl.String} | inner)
    assert Dataset.of(frame).schema == schema
    back = write_parquet(Dataset.of(frame, schema), tmp_path, partition_by=("k",))
    assert back.collect().schema == frame.schema


def test_options_reach_the_files(tmp_path: Path) -> None:
    frame = pl.DataFrame({"n": range(1000)})
    write_parquet(Dataset.of(frame), tmp_path / "a", compression="zstd", row_group_rows=300)
    metadata = pq.read_metadata(tmp_path / "a" / "part-00000.parquet")
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [300, 300, 300, 100]
    assert metadata.row_group(0).column(0).compression == "ZSTD"
    write_parquet(Dataset.of(frame), tmp_path / "b")
    metadata = pq.read_metadata(tmp_path / "b" / "part-00000.parquet")
    assert (metadata.num_row_groups, metadata.row_group(0).column(0).compression) == (1, "SNAPPY")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"compression": "snapy"}, "did you mean 'snappy'"),
        ({"row_group_rows": 0}, r"row_group_rows: expected an integer >= 1; received 0"),
        ({"partition_by": ("n", "n")}, "a tuple of different columns"),
        ({"partition_by": ("m",)}, "a column of the data; received 'm'"),
        ({"partition_by": ("x",)}, r"column 'x' of type Float64"),
        ({"partition_by": ("n", "x=y")}, "names that can begin the name of a folder"),
        ({"partition_by": ("",)}, "names that can begin the name of a folder"),
    ],
)
def test_wrong_options_are_refused_and_nothing_is_written(
    tmp_path: Path, options: dict[str, object], fault: str
) -> None:
    frame = pl.DataFrame({"n": [1], "x": [0.5], "x=y": [1]})
    with pytest.raises(ArgumentError, match=fault):
        write_parquet(Dataset.of(frame), tmp_path / "log", **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_text_is_not_a_list_of_columns() -> None:
    with pytest.raises(ArgumentError, match="a tuple of different columns"):
        Layout(partition_by="day")  # type: ignore[arg-type]


def test_columns_must_stay_and_folders_be_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Dataset.of(pl.DataFrame({"n": [1, 2, 3]}))
    with pytest.raises(ArgumentError, match="a column that stays in the files"):
        write_parquet(data, tmp_path / "log", partition_by=("n",))
    monkeypatch.setattr(write, "_MOST_FOLDERS", 2)
    many = Dataset.of(pl.DataFrame({"n": [1, 2, 3], "m": 0}))
    with pytest.raises(ArgumentError, match="3 folders for one partition"):
        write_parquet(many, tmp_path / "log", partition_by=("n",))


def test_parts_are_written_apart_and_again_and_finished_once(tmp_path: Path) -> None:
    layout = Layout(partition_by=("k",))
    frames = [pl.DataFrame({"k": [1, 2], "n": [1, 2]}), pl.DataFrame({"k": [2], "n": [3]})]
    with atomic_folder(tmp_path / "log") as fresh:
        first, again = (write_part(frames[0], fresh, 0, layout) for _ in range(2))
        parts = [first, write_part(frames[1], fresh, 1, layout)]
        (fresh / "k=1" / ".part-00000.parquet.left-by-a-killed-worker").write_bytes(b"half")
        finish_parquet(fresh, Dataset.of(frames).schema, parts, layout)
    assert first == again
    assert [file.name for part in parts for file in part] == [
        "k=1/part-00000.parquet",
        "k=2/part-00000.parquet",
        "k=2/part-00001.parquet",
    ]
    assert all(isinstance(file, PartFile) and file.rows == 1 for part in parts for file in part)
    assert read_parquet(tmp_path / "log").collect().equals(pl.concat(frames))
    assert not any(".part-" in name for name in files_of(tmp_path / "log"))


def test_a_partition_may_be_written_in_pieces(tmp_path: Path) -> None:
    frames = [pl.DataFrame({"n": [1, 2]}), pl.DataFrame({"n": [3]})]
    pieces = [
        file for place, rows in enumerate(frames) for file in write_part(rows, tmp_path, 0, piece=place)
    ]
    finish_parquet(tmp_path, Dataset.of(frames).schema, [pieces])
    back = read_parquet(tmp_path)
    assert [file.name for file in pieces] == ["part-00000-0000.parquet", "part-00000-0001.parquet"]
    assert [part.collect()["n"].to_list() for part in back.partitions] == [[1, 2, 3]]


def test_a_write_that_fails_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_part(FRAME, tmp_path, 0)
    before = (tmp_path / "part-00000.parquet").read_bytes()
    monkeypatch.setattr(write, "crc32", lambda path: (_ for _ in ()).throw(OSError("disk lost")))
    with pytest.raises(DataError, match="disk lost"):
        write_part(FRAME[:1], tmp_path, 0)
    assert files_of(tmp_path) == ["part-00000.parquet"]
    assert (tmp_path / "part-00000.parquet").read_bytes() == before


def test_a_disk_that_fills_up_while_a_file_is_written(tmp_path: Path) -> None:
    """The file-size limit of the system stands in for a full disk: the write itself fails."""
    script = (
        "import resource, signal, sys; import polars as pl; from shortlist.errors import DataError\n"
        "from shortlist.io import Dataset, write_parquet\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "frame = pl.DataFrame({'n': range(100_000)})\n"
        "try: write_parquet(Dataset.of(frame), sys.argv[1])\n"
        "except DataError as error: print(error)"
    )
    write_parquet(Dataset.of(FRAME), tmp_path / "log")
    out = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "log")], capture_output=True, text=True, check=True
    )
    assert "a place with room for the data" in out.stdout
    assert "File too large" in out.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
    assert read_parquet(tmp_path / "log").count() == 4


def test_a_process_killed_half_way_leaves_the_old_data_set(tmp_path: Path) -> None:
    write_parquet(Dataset.of(FRAME), tmp_path / "log", partition_by=("n",))
    script = (
        "import sys, time; import polars as pl; from shortlist.io import Dataset, write_parquet\n"
        "def slow(frame):\n"
        "    print('ready', flush=True); time.sleep(60); return frame\n"
        "parts = [pl.DataFrame({'n': [1], 'm': [2]}), pl.LazyFrame({'n': [2], 'm': [3]}).map_batches(slow)]\n"
        "write_parquet(Dataset.of(parts), sys.argv[1], partition_by=('n',))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "log")], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        half = [path for path in tmp_path.iterdir() if path.name.startswith(".log.new-")]
        assert files_of(half[0]) == ["n=1/part-00000.parquet"]
        process.send_signal(signal.SIGKILL)
    assert read_parquet(tmp_path / "log").collect().equals(FRAME)


def test_damage_in_a_folder_is_named(tmp_path: Path) -> None:
    write_parquet(Dataset.of(FRAME), tmp_path, partition_by=("n",))
    part = tmp_path / "n=2" / "part-00000.parquet"
    whole = part.read_bytes()
    part.write_bytes(whole[:20] + bytes([whole[20] ^ 1]) + whole[21:])
    with pytest.raises(DataError, match=r"n=2/part-00000\.parquet: expected .* bytes with checksum"):
        read_parquet(tmp_path)
    assert read_parquet(tmp_path, verify=False).schema == Dataset.of(FRAME).schema
    part.write_bytes(whole[:-9])
    with pytest.raises(DataError, match=r"n=2/part-00000\.parquet: .*a damaged file"):
        read_parquet(tmp_path, verify=False)
    part.unlink()
    with pytest.raises(DataError, match=r"n=2/part-00000\.parquet: .*no such file"):
        read_parquet(tmp_path, verify=False)


def test_a_data_set_of_another_format_is_refused(tmp_path: Path) -> None:
    write_parquet(Dataset.of(FRAME), tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"format": 1}))
    with pytest.raises(DataError, match="a 'dataset' of format 2"):
        read_parquet(tmp_path)


def test_what_is_written_in_folders_can_be_scanned(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"user_id": [1, 2, 3], "item_id": ["a", "b", "c"], "day": [date(2024, 1, n) for n in (1, 2, 2)]}
    )
    write_parquet(Dataset.of(frame), tmp_path, partition_by=("day",))
    assert scan(tmp_path).collect().select(frame.columns).equals(Dataset.of(frame).collect())


def test_memory_holds_one_partition(tmp_path: Path) -> None:
    """Eight partitions of 20 MB each must not need eight times the memory of one."""
    script = (
        "import resource, sys; import polars as pl; from shortlist.io import Dataset, write_parquet\n"
        "def make(n): return pl.LazyFrame({'k': [n]}).select('k', n=pl.int_range(2_500_000) + pl.col('k'))\n"
        "parts = int(sys.argv[2])\n"
        "frames = [make(n).select(pl.col('k') % 2, 'n') for n in range(parts)]\n"
        "write_parquet(Dataset.of(frames), sys.argv[1], partition_by=('k',))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    peaks = [
        int(subprocess.run([sys.executable, "-c", script, str(tmp_path), str(parts)],
                           capture_output=True, text=True, check=True).stdout)
        for parts in (2, 8)
    ]  # fmt: skip
    assert peaks[1] < peaks[0] + 60, peaks
