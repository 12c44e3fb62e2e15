"""Sources as they stand, with roles and a schema for any table."""

from pathlib import Path

import polars as pl
import pytest

from shortlist.errors import DataError
from shortlist.io import Dataset, propose_schema, read_raw, suggest_roles, tables_of, time_of


def test_slices_know_their_place() -> None:
    table = read_raw([pl.DataFrame({"a": [1, 2, 3], "b": "x"}), pl.DataFrame({"a": [4], "b": "y"})], cells=4)
    assert [(piece.start, piece.rows) for piece in table.slices] == [(0, 2), (2, 2)]
    assert pl.concat([piece.collect() for piece in table.slices])["a"].to_list() == [1, 2, 3, 4]
    assert (table.rows, table.columns.names()) == (4, ["a", "b"])


def test_a_data_set_is_cut_too() -> None:
    table = read_raw(Dataset.of(pl.DataFrame({"a": [1, 2, 3]})), cells=2)
    assert [piece.rows for piece in table.slices] == [2, 1]


def test_foreign_columns_are_left_out_and_named() -> None:
    table = read_raw(pl.DataFrame({"a": [1], "raw": [b"x"]}), cells=10)
    assert table.columns.names() == ["a"]
    assert table.notes == ("column 'raw' of type Binary cannot be used and is left out",)


def test_a_slice_that_cannot_be_read_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "torn.parquet"
    pl.DataFrame({"x": range(9000)}).write_parquet(path, compression="uncompressed")
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(30_000) + whole[30_004:])
    (piece,) = read_raw(path, cells=10_000).slices
    with pytest.raises(DataError, match=r"torn\.parquet"):
        piece.collect()
    with pytest.raises(DataError, match=r"torn\.parquet"):
        piece.head("x", pl.col("x"))


def test_times_are_read_by_the_rule_of_scan() -> None:
    table = read_raw({"when": ["31/12/2023", "01/02/2024", "soon"]}, cells=10)
    read = table.slices[0].collect().select(time_of(table, "when")).to_series()
    assert [None if time is None else (time.month, time.day) for time in read] == [(12, 31), (2, 1), None]


@pytest.mark.parametrize(
    ("columns", "roles"),
    [
        ({"userId": pl.Int64, "movieId": pl.Int64, "rating": pl.Float64}, {"user", "item", "value"}),
        ({"item_id": pl.Int64, "timestamp": pl.String}, {"item", "time"}),
        ({"x": pl.Float64, "day": pl.Datetime}, {"time"}),
        ({"x": pl.Float64}, set()),
        (
            {"user_id": pl.Int64, "item_id": pl.Int64, "rating": pl.String},
            {"user", "item"},
        ),  # text is no value
    ],
)
def test_roles_of_any_table(columns: dict[str, type[pl.DataType]], roles: set[str]) -> None:
    schema = pl.Schema({name: dtype() for name, dtype in columns.items()})
    assert suggest_roles(schema, None).keys() == roles


def test_given_roles_stand() -> None:
    schema = pl.Schema({"a": pl.Int64(), "user_id": pl.Int64()})
    assert suggest_roles(schema, {"item": "a"}) == {"item": "a"}


def test_columns_belong_to_the_entity_that_determines_them() -> None:
    rows = pl.DataFrame(
        {
            "item_id": [1, 1, 2, 2, 3, 3] * 10,
            "brand": ["a", "a", "b", "b", "c", "c"] * 10,
            "place": [0, 1, 2, 3, 4, 5] * 10,
            "rare": [1] + [0] * 59,
            "large": [2**60 + n for n in range(6)] * 10,
        }
    )
    schema, _ = propose_schema(rows, {"item": "item_id"}, one_row_each=False)
    assert {column.name: set(column.tags) for column in schema} == {
        "item_id": {"item", "id", "categorical"},
        "brand": {"item", "categorical"},
        "place": {"context", "categorical"},
        "rare": {"context", "categorical"},
        "large": {"context", "categorical"},
    }
    schema, _ = propose_schema(rows.head(3), {"item": "item_id"}, one_row_each=True)
    assert schema["place"].has("item")


def test_a_plain_table_is_all_context() -> None:
    schema, ignored = propose_schema(pl.DataFrame({"a": [1.5, 2.5], "b": ["x", "x"]}), {}, one_row_each=False)
    assert schema["a"].tags == {"context", "continuous"}
    assert (schema["b"].tags, ignored) == ({"ignored"}, {"b": "every row holds 'x'"})


def test_tables_by_their_columns(tmp_path: Path) -> None:
    for name, columns in {"a": ["x", "y"], "b": ["y", "x"], "c": ["z"]}.items():
        pl.DataFrame({column: [1] for column in columns}).write_csv(tmp_path / f"{name}.csv")
    a, b, c = (str(tmp_path / f"{name}.csv") for name in "abc")
    assert tables_of([a, c, b]) == [[a, b], [c]]
    assert tables_of([str(tmp_path)]) == [[a, b], [c]]
    assert tables_of([f"{tmp_path}/[ab].csv"]) == [[f"{tmp_path}/[ab].csv"]]
