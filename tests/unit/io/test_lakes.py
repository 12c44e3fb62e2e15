"""Delta and Iceberg tables, written by their own packages."""

import sys
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from shortlist.errors import DataError, MissingExtraError
from shortlist.io import Dataset, scan
from shortlist.testing._io import assert_accounted

FRAME = pl.DataFrame({"user_id": [1, 2, 3], "item_id": ["a", "b", "c"], "day": ["x", "y", "x"]})
LATER = pl.DataFrame({"user_id": [4], "item_id": ["d"], "day": ["y"]})
LEFT = [(2, "b", "y"), (3, "c", "x"), (4, "d", "y")]


def delta(folder: Path) -> Path:
    """A table of two days, of which a row was deleted later: its file is still there."""
    deltalake.write_deltalake(folder, FRAME.to_arrow(), partition_by=["day"])
    deltalake.write_deltalake(folder, LATER.to_arrow(), mode="append")
    deltalake.DeltaTable(folder).delete("user_id = 1")
    return folder


def iceberg(folder: Path) -> Path:
    catalog = SqlCatalog("tests", uri="sqlite:///:memory:", warehouse=f"file://{folder}")
    catalog.create_namespace("shop")
    table = catalog.create_table("shop.log", schema=FRAME.to_arrow().schema)
    table.append(FRAME.to_arrow())
    table.append(LATER.to_arrow())
    table.delete("user_id = 1")
    catalog.close()
    return folder / "shop" / "log"


MAKERS = pytest.mark.parametrize("make", [delta, iceberg])


@MAKERS
def test_the_newest_rows_are_read_and_deleted_ones_are_not(tmp_path: Path, make: Any) -> None:
    folder = make(tmp_path / "table")
    data = scan(folder)
    assert_accounted(data)
    assert sorted(data.collect().select(FRAME.columns).rows()) == LEFT
    assert sorted(Dataset.read(str(folder)).collect().select(FRAME.columns).rows()) == LEFT


@MAKERS
def test_tables_are_cut_into_partitions(tmp_path: Path, make: Any) -> None:
    data = Dataset.read(make(tmp_path / "table"), partition_rows=2)
    assert [part.collect().height for part in data.partitions] == [2, 1]
    assert sorted(data.collect().select(FRAME.columns).rows()) == LEFT


@pytest.mark.parametrize(
    ("make", "package", "extra"), [(delta, "deltalake", "delta"), (iceberg, "pyiceberg", "iceberg")]
)
def test_a_missing_reader_names_its_extra(
    tmp_path: Path, make: Any, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(tmp_path / "table")
    for module in [name for name in sys.modules if name.partition(".")[0] == package] or [package]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'shortlist\[{extra}\]'"):
        scan(folder)


def test_all_partitions_are_of_one_version(tmp_path: Path) -> None:
    folder = delta(tmp_path / "table")
    data = Dataset.read(folder, partition_rows=2)
    deltalake.write_deltalake(folder, LATER.to_arrow(), mode="overwrite")
    assert sorted(data.collect().select(FRAME.columns).rows()) == LEFT
    assert Dataset.read(folder).count() == 1


def test_a_damaged_delta_log_is_named(tmp_path: Path) -> None:
    folder = delta(tmp_path / "table")
    (folder / "_delta_log" / "00000000000000000000.json").write_text("{not json")
    with pytest.raises(DataError, match=r"table: expected a whole Delta table; received unreadable data"):
        scan(folder)


def test_a_damaged_iceberg_file_is_named(tmp_path: Path) -> None:
    folder = iceberg(tmp_path / "table")
    for path in folder.glob("metadata/*.metadata.json"):
        path.write_text("{}")
    with pytest.raises(DataError, match=r"metadata\.json: expected a whole Iceberg table"):
        scan(folder)


def test_which_version_of_an_iceberg_table_is_read(tmp_path: Path) -> None:
    folder = iceberg(tmp_path / "table")
    first, second, *_ = sorted(folder.glob("metadata/*.metadata.json"))
    assert Dataset.read(first).count() == 0
    assert Dataset.read(second).count() == 3
    hint = folder / "metadata" / "version-hint.text"
    hint.write_text("1")
    assert Dataset.read(folder).count() == 3  # no v1.metadata.json: the newest
    (folder / "metadata" / "v1.metadata.json").write_bytes(second.read_bytes())
    assert Dataset.read(folder).collect()["user_id"].to_list() == [1, 2, 3]
    hint.unlink()
    newest = sorted(folder.glob("metadata/0*.metadata.json"))[-1]
    newest.with_name(f"{newest.name[:5]}-other.metadata.json").write_bytes(newest.read_bytes())
    with pytest.raises(DataError, match="2 metadata files of the newest version"):
        scan(folder)
