"""Positions of keys, by every way of asking, and what is known by position."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.features._combination_index import CombinationIndex
from shortlist.features._gather import Codes, Values
from shortlist.features._key_table import KeyTable
from shortlist.features._scalars import Affine, Clamp, Fill, Log1p, run_expr, run_scalars, stacked

CELLS = {
    "int64": st.one_of(st.none(), st.integers(-3, 3), st.sampled_from([2**62, -(2**62)])),
    "string": st.one_of(
        st.none(), st.sampled_from(["", "a", "b", "Ä", "a string longer than sixteen bytes"])
    ),
}
TYPES = {"int64": pl.Int64, "string": pl.String}


def asked(table: KeyTable, values: pl.Series) -> list[int]:
    return values.alias("x").to_frame().lazy().select(table.place(pl.col("x"))).collect()["x"].to_list()


@pytest.mark.parametrize("kind", ["int64", "string"])
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_one_key_is_found_alike_by_every_way(kind, data) -> None:
    keys = data.draw(st.lists(CELLS[kind].filter(lambda value: value is not None), unique=True, max_size=6))
    values = pl.Series(data.draw(st.lists(CELLS[kind], max_size=8)), dtype=TYPES[kind])
    table = KeyTable(pl.DataFrame({"value": keys}, schema={"value": TYPES[kind]}), ("value",))
    expected = [-2 if v is None else keys.index(v) if v in keys else -1 for v in values]
    assert asked(table, values) == expected == table.find_all(values.to_list())
    assert table.positions(values).tolist() == [max(place, -1) for place in expected]


@settings(deadline=None, max_examples=50)
@given(
    keys=st.lists(st.tuples(CELLS["string"], CELLS["int64"], CELLS["string"]), unique=True, max_size=6),
    values=st.lists(st.tuples(CELLS["string"], CELLS["int64"], CELLS["string"]), max_size=8),
)
def test_combinations_are_found_alike_by_every_way(keys, values) -> None:
    names = {"a": pl.String, "b": pl.Int64, "c": pl.String}
    keys = [key for key in keys if key != (None, None, None)]
    table = KeyTable(pl.DataFrame(keys, schema=names, orient="row"), tuple(names))
    rows = pl.DataFrame([*values, *keys], schema=names, orient="row")
    expected = [
        -2 if row == (None, None, None) else keys.index(row) if row in keys else -1 for row in rows.rows()
    ]
    assert (
        asked(table, rows.select(pl.struct(pl.all())).to_series()) == expected == table.find_all(rows.rows())
    )


def test_a_number_is_found_in_another_notation_and_nan_is_null() -> None:
    numbers = KeyTable(pl.DataFrame({"value": [17850, 3]}), ("value",))
    assert numbers.find_all(["17850", 3.0, float("nan"), "017850"]) == [0, 1, -2, -1]
    text = KeyTable(pl.DataFrame({"value": ["17850"]}), ("value",))
    assert text.find_all([17850, None]) == [0, -2]


def test_the_same_expression_is_looked_up_once() -> None:
    table = KeyTable(pl.DataFrame({"value": [1]}), ("value",))
    assert table.place(pl.col("x")) is table.place(pl.col("x"))
    assert table.place(pl.col("x")) is not table.place(pl.col("y"))


def test_rows_of_no_columns_in_common_are_unknown() -> None:
    def member(values: pl.Series) -> KeyTable:
        return KeyTable(values.drop_nulls().unique().to_frame(), (values.name,))

    index = CombinationIndex([pl.Series("a", [1, 2]), pl.Series("b", ["x", "y"])], member)
    assert index.positions([pl.Series([1, 1, 2]), pl.Series(["x", "y", "y"])]).tolist() == [0, -1, 1]


def test_values_and_codes_by_position_agree_on_both_paths() -> None:
    place = np.array([0, 1, -1, -2])
    for known in (Codes(), Codes(buckets=3), Values.of(np.array([0.5, np.nan]), null=1.0, unknown=2.0)):
        frame = pl.DataFrame({"x": place}).select(known.expr(pl.col("x")))["x"].to_list()
        arrays = [None if value != value else value for value in known.array(place).tolist()]
        assert frame == arrays
    assert Codes(buckets=3).array(place).tolist() == [5, 6, 2, 1]


def test_arithmetic_is_equal_on_frames_arrays_and_stacks() -> None:
    rows = [[1.0, np.nan, -3.0, 7.5], [0.0, 2.0, np.nan, -1.0]]
    first = (Fill(2.0), Clamp(-0.5, 5.0), Log1p(), Affine(0.3, 2.0))
    second = (Fill(-1.0), Clamp(-np.inf, 1.0), Log1p(), Affine(-1.0, 0.5))
    whole = run_scalars([stacked(pair) for pair in zip(first, second, strict=True)], np.array(rows))
    for parts, row, together in zip((first, second), rows, whole, strict=True):
        alone = run_scalars(parts, np.array(row))
        frame = pl.DataFrame({"x": row}).select(run_expr(parts, pl.col("x").fill_nan(None)))["x"]
        np.testing.assert_array_equal(alone, together)
        np.testing.assert_allclose(frame.fill_null(np.nan).to_numpy(), alone, rtol=1e-15)
