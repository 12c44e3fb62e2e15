"""Folders that appear whole or not at all, and say which file is damaged."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from shortlist.errors import DataError
from shortlist.io import (
    Dataset,
    atomic_folder,
    atomic_write,
    checksum,
    read_manifest,
    read_parquet,
    write_manifest,
    write_parquet,
)
from shortlist.io import _atomic as atomic
from shortlist.testing._io import assert_all_or_nothing

DATA = Dataset.of(
    [
        pl.DataFrame({"a": [1, 2], "b": [["x"], []]}),
        pl.DataFrame({"a": [3], "b": [None]}, schema={"a": pl.Int64, "b": pl.List(pl.String)}),
    ]
)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    data = DATA.tag("a", "item", "id")
    back = write_parquet(data, tmp_path / "deep" / "log")
    assert back.collect().equals(data.collect())
    assert (back.schema, len(back.partitions)) == (data.schema, 2)
    assert read_parquet(tmp_path / "deep" / "log").collect().equals(data.collect())


def test_a_data_set_can_replace_the_folder_it_is_read_from(tmp_path: Path) -> None:
    data = write_parquet(DATA, tmp_path / "log")
    write_parquet(data.filter(pl.col("a") > 1), tmp_path / "log")
    assert read_parquet(tmp_path / "log").collect()["a"].to_list() == [2, 3]
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_a_full_disk_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(pl.DataFrame, "write_parquet", _raise_full)
            write_parquet(DATA.filter(pl.col("a") > 1), path)

    assert_all_or_nothing(lambda path: write_parquet(DATA, path), full, tmp_path)
    with pytest.raises(DataError, match=r"No space left on device.*nothing was changed"):
        full(tmp_path / "folder")


def _raise_full(frame: pl.DataFrame, path: Path, **options: object) -> None:
    path.write_bytes(b"half")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_failed_file_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    atomic_write(tmp_path / "a.json", b"old")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", _full_disk)
        with pytest.raises(OSError, match="No space left"):
            atomic_write(tmp_path / "a.json", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.json": b"old"}
    atomic_write(tmp_path / "a.json", b"new")
    assert (tmp_path / "a.json").read_bytes() == b"new"


def _full_disk(path: Path, content: bytes) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_killed_process_leaves_the_old_folder(tmp_path: Path) -> None:
    write_parquet(DATA, tmp_path / "log")
    before = {path.name: path.read_bytes() for path in (tmp_path / "log").iterdir()}
    script = (
        "import sys, time; from shortlist.io import atomic_folder\n"
        "with atomic_folder(sys.argv[1]) as folder:\n"
        "    (folder / 'part-00000.parquet').write_bytes(b'half'); print('ready', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "log")], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert {path.name: path.read_bytes() for path in (tmp_path / "log").iterdir()} == before
    assert read_parquet(tmp_path / "log").count() == 3
    write_parquet(DATA.filter(pl.col("a") == 1), tmp_path / "log")
    assert read_parquet(tmp_path / "log").count() == 1


def test_readers_always_see_a_whole_folder(tmp_path: Path) -> None:
    write_parquet(DATA, tmp_path / "log")
    script = (
        "import sys; import polars as pl; from shortlist.io import Dataset, write_parquet\n"
        "for n in range(15): write_parquet(Dataset.of(pl.DataFrame({'a': [n] * 10})), sys.argv[1])"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "log")]) as process:
        missing = 0
        while process.poll() is None:
            missing += not (tmp_path / "log" / "manifest.json").exists()
            time.sleep(0.0002)
    assert process.returncode == 0
    assert missing == 0 or sys.platform != "linux"


def test_where_folders_cannot_be_exchanged_they_are_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "_exchange", lambda *_: False)
    write_parquet(DATA, tmp_path / "log")
    write_parquet(DATA.filter(pl.col("a") == 1), tmp_path / "log")
    assert read_parquet(tmp_path / "log").count() == 1
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_a_file_cannot_become_a_folder(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("x")
    with (
        pytest.raises(DataError, match="expected a folder or nothing; received a file"),
        atomic_folder(tmp_path / "log"),
    ):
        raise AssertionError
    with pytest.raises(DataError, match="a place that can be written to"):
        atomic_write(tmp_path / "log" / "inside", b"")


def test_a_manifest_names_the_damaged_file(tmp_path: Path) -> None:
    write_parquet(DATA, tmp_path / "log")
    part = tmp_path / "log" / "part-00001.parquet"
    content = bytearray(part.read_bytes())
    content[10] ^= 1
    part.write_bytes(bytes(content))
    assert read_manifest(tmp_path / "log", verify=False)["kind"] == "dataset"
    with pytest.raises(DataError, match=r"part-00001\.parquet: expected .* bytes with checksum"):
        read_parquet(tmp_path / "log")
    part.write_bytes(bytes(content[:-1]))
    with pytest.raises(DataError, match=r"part-00001\.parquet"):
        read_parquet(tmp_path / "log", verify=False)
    part.unlink()
    with pytest.raises(DataError, match=r"part-00001\.parquet.*no such file"):
        read_parquet(tmp_path / "log")


def test_folders_that_are_no_data_sets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no manifest\.json"):
        read_parquet(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="damaged text"):
        read_parquet(tmp_path)
    write_manifest(tmp_path, {"kind": "bundle"})
    with pytest.raises(DataError, match="a folder of 'bundle'"):
        read_parquet(tmp_path)


def test_the_manifest_lists_size_and_checksum_of_every_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_bytes(b"abc")
    manifest = write_manifest(tmp_path, {"version": 3})
    assert manifest == json.loads((tmp_path / "manifest.json").read_text()) == read_manifest(tmp_path)
    assert manifest == {
        "version": 3,
        "files": {"sub/a": {"bytes": 3, "crc32": "352441c2", "blake2b": checksum(tmp_path / "sub" / "a")}},
    }
    # CRC-32 and BLAKE2b-128 of "abc", from the reference implementations.
    assert checksum(tmp_path / "sub" / "a") == "cf4ab791c62b8d2b2109c90275287816"
