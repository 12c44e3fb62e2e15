"""Encoded data sets on disk, their coverage, and the way back to raw values."""

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, DataError, SchemaError
from shortlist.features import Workflow, ops
from shortlist.features.engine import Local
from shortlist.io import Dataset, Layout, read_parquet

FRAME = pl.DataFrame(
    {
        "day": ["mon", "tue", "mon", "tue"],
        "item": ["a", "a", None, "b"],
        "tags": [["x", "y"], [], ["x"], ["z", None]],
        "price": [1.0, None, 3.0, float("nan")],
    }
)
DATA = Dataset.of([FRAME[:2], FRAME[2:]])
BRANCHES = [["item", "tags"] >> ops.Categorify(), "price" >> ops.FillMissing(0.0), "day"]


def flow() -> Workflow:
    return Workflow(BRANCHES).fit(DATA)


def test_written_is_what_transform_gives(tmp_path) -> None:
    fitted = flow()
    written = fitted.write(DATA, tmp_path / "out", engine=Local(threads=1))
    expected = fitted.transform(DATA)
    assert (written.rows, written.files) == (4, 2)
    assert written.dataset.schema == expected.schema
    assert read_parquet(tmp_path / "out").collect().equals(expected.collect())
    assert written.bytes == sum(path.stat().st_size for path in (tmp_path / "out").glob("*.parquet"))
    assert str(written).startswith("4 rows in 2 files")


def test_written_by_day(tmp_path) -> None:
    fitted = flow()
    written = fitted.write(DATA, tmp_path / "out", layout=Layout(partition_by=("day",)))
    assert {path.parent.name for path in (tmp_path / "out").rglob("*.parquet")} == {"day=mon", "day=tue"}
    assert written.files == 4
    back = written.dataset.collect().select(fitted.schema.names).sort("day", "item")
    assert back.equals(fitted.transform(DATA).collect().sort("day", "item"))


def test_a_failed_write_leaves_what_stood_there(tmp_path) -> None:
    fitted = flow()
    fitted.write(DATA, tmp_path / "out")
    with pytest.raises(ArgumentError, match="nowhere"):
        fitted.write(DATA, tmp_path / "out", layout=Layout(partition_by=("nowhere",)))
    assert read_parquet(tmp_path / "out").count() == 4
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError):
        fitted.write(DATA, tmp_path / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "out"]


def test_shares_of_nulls_and_unknown_values_in_fitting_and_after(tmp_path) -> None:
    fitted = flow()
    seen = {row["column"]: row for row in fitted.coverage().to_dicts()}
    assert seen["item"] == {"column": "item", "values": 2, "rows": 4, "null_rate": 1 / 4, "unknown_rate": 0.0}
    assert seen["tags"]["null_rate"] == 1 / 5
    assert seen["price"] == {
        "column": "price",
        "values": None,
        "rows": 4,
        "null_rate": 2 / 4,
        "unknown_rate": None,
    }
    later = FRAME.with_columns(item=pl.Series(["new", "a", None, "newer"]), tags=pl.lit(["x", "new"]))
    after = {row["column"]: row for row in fitted.coverage(Dataset.of(later)).to_dicts()}
    assert after["item"] == {
        "column": "item",
        "values": 2,
        "rows": 4,
        "null_rate": 1 / 4,
        "unknown_rate": 2 / 4,
    }
    assert after["tags"] == {
        "column": "tags",
        "values": 3,
        "rows": 8,
        "null_rate": 0.0,
        "unknown_rate": 4 / 8,
    }
    written = fitted.write(Dataset.of(later), tmp_path / "out")
    assert written.coverage.equals(fitted.coverage(Dataset.of(later)))


def test_every_encoded_column_is_decoded_in_one_call() -> None:
    fitted = flow()
    encoded = fitted.transform(DATA)
    back = fitted.decode(encoded)
    assert back.collect().select("item", "tags", "day").equals(FRAME.select("item", "tags", "day"))
    assert (back.schema["item"].dtype, back.schema["tags"].dtype) == ("string", "string")
    assert fitted.decode(encoded.collect()).equals(back.collect())
    batch = Batch(
        {"item": np.array(["b", "new", None], object), "tags": Ragged.of([["x"], [], ["new"]], object)}
    )
    assert fitted.decode(fitted.transform_batch(batch)) == {
        "item": ["b", None, None],
        "tags": [["x"], [], [None]],
    }


def test_combinations_are_decoded_to_structs() -> None:
    combo = Workflow([[["day", "item"]] >> ops.Categorify(group="combo")]).fit(DATA)
    rows = combo.decode(combo.transform(DATA).collect())["day_item"].to_list()
    assert [tuple(row.values()) for row in rows] == list(zip(FRAME["day"], FRAME["item"], strict=True))


def test_what_cannot_be_decoded() -> None:
    fitted = flow()
    with pytest.raises(SchemaError, match="no vocabulary for column 'price'"):
        fitted.decode("price", [1])
    with pytest.raises(ArgumentError, match="codes up to 99"):
        fitted.decode(pl.DataFrame({"item": [99]}))
    with pytest.raises(ArgumentError, match="Dataset, a frame"):
        fitted.decode(3)


def test_partitions_are_written_in_pieces_where_memory_is_scarce(tmp_path) -> None:
    rows = pl.DataFrame(
        {"item": [f"i{n % 97}" for n in range(5000)], "price": [float(n) for n in range(5000)]}
    )
    data = Dataset.of([rows[:3000], rows[3000:3000], rows[3000:]])
    fitted = Workflow([["item"] >> ops.Categorify(), "price" >> ops.Normalize()]).fit(data)
    scarce = fitted.write(data, tmp_path / "out", engine=Local(threads=1, memory=200_000))
    assert scarce.files > 3
    assert read_parquet(tmp_path / "out").collect().equals(fitted.transform(data).collect())
    roomy = fitted.write(data, tmp_path / "whole", engine=Local(threads=1, memory="1GB"))
    assert (roomy.files, roomy.rows) == (3, scarce.rows)
    assert roomy.coverage.equals(scarce.coverage)
