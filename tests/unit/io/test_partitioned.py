"""Folders that are named by values, as other programs write them."""

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from shortlist.errors import DataError
from shortlist.io import Dataset, scan
from shortlist.testing._io import assert_accounted


def put(folder: Path, user: int, suffix: str = ".parquet") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    frame = pl.DataFrame({"user_id": [user], "item_id": ["a"]})
    (frame.write_parquet if suffix == ".parquet" else frame.write_csv)(folder / f"part{suffix}")


def column(source: object, name: str) -> list[object]:
    data = scan(source)
    assert_accounted(data)
    return data.collect()[name].to_list()


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_days_become_times(tmp_path: Path, suffix: str) -> None:
    for day in (1, 2):
        put(tmp_path / f"day=2024-01-0{day}", day, suffix)
    assert column(tmp_path, "day") == [datetime(2024, 1, 1), datetime(2024, 1, 2)]
    assert column(tmp_path / "day=*" / f"*{suffix}", "day") == column(tmp_path, "day")
    assert column(tmp_path / "day=*", "day") == column(tmp_path, "day")
    assert column(str(tmp_path / "**" / f"*{suffix}"), "day") == column(tmp_path, "day")


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (("1", "02"), [2, 1]),
        (("1", "x"), ["1", "x"]),
        (("1", "__HIVE_DEFAULT_PARTITION__"), [1, None]),
        (("a%2Fb c", "é"), ["a/b c", "é"]),
        (("99999999999999999999", "1"), ["1", "99999999999999999999"]),
        (
            ("2024-01-01", "2024-01-01 10%3A30%3A00.5"),
            [datetime(2024, 1, 1), datetime(2024, 1, 1, 10, 30, 0, 500_000)],
        ),
        (("2024-01-01T00:00:00Z", "2024-01-01T00:00:00+02:00"), None),
        (("2024-13-01", "2024-01-01"), ["2024-01-01", "2024-13-01"]),
    ],
)
def test_values_have_the_narrowest_type_that_fits_all(
    tmp_path: Path, texts: tuple[str, str], values: list[object] | None
) -> None:
    for user, text in enumerate(texts):
        put(tmp_path / f"k={text}", user)
    zoned = [datetime(2023, 12, 31, 22), datetime(2024, 1, 1)]
    assert column(tmp_path, "k") == (zoned if values is None else values)


def test_columns_of_nulls_only_are_text(tmp_path: Path) -> None:
    put(tmp_path / "k=__HIVE_DEFAULT_PARTITION__", 1)
    data = Dataset.read(tmp_path)
    assert (data.schema["k"].dtype, data.collect()["k"].to_list()) == ("string", [None])


def test_several_levels_and_the_folder_wins_over_the_file(tmp_path: Path) -> None:
    put(tmp_path / "shop=1" / "_kind=x" / "plain", 1)
    put(tmp_path / "shop=2" / "_kind=y" / "item_id=z", 2)
    data = Dataset.read(tmp_path / "shop=2")
    assert data.collect().to_dicts() == [{"user_id": 2, "item_id": "z", "_kind": "y"}]
    with pytest.raises(DataError, match=r"folders that name the columns \['shop', '_kind', 'item_id'\]"):
        Dataset.read(tmp_path)


def test_a_file_by_itself_has_no_folders(tmp_path: Path) -> None:
    put(tmp_path / "k=1", 1)
    assert "k" not in Dataset.read(tmp_path / "k=1" / "part.parquet").schema
    assert "k" not in Dataset.read(tmp_path / "k=1").schema
    assert "k" not in Dataset.read(tmp_path / "k=1" / "*.parquet").schema


def test_folders_that_are_hidden_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "k=1", 1)
    put(tmp_path / "_temporary" / "k=2", 2)
    put(tmp_path / ".k=3", 3)
    assert Dataset.read(tmp_path).collect()["k"].to_list() == [1]
