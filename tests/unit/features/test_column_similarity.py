"""The similarity of two ids: formulas, sources of features, and what is refused."""

from math import log, sqrt
from typing import Any

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch
from shortlist.errors import ArgumentError, SchemaError
from shortlist.features import Workflow, ops
from shortlist.io import Dataset
from shortlist.schema import Tags

FILMS = pl.DataFrame({"id": [1, 2, 3, 4], "genres": [["war", "love"], ["love"], ["love", "space"], []]})
PAIRS = pl.DataFrame({"a": [1, 1, 1, 1, 1, None], "b": [2, 3, 1, 4, 9, 1]})


def similarities(op: ops.ColumnSimilarity, rows: pl.DataFrame = PAIRS) -> list[float]:
    data = Dataset.of(rows)
    flow = Workflow([[["a", "b"]] >> op]).fit(data)
    offline = flow.transform(data).collect()["a_b_sim"]
    batch = Batch({name: rows[name].to_numpy() for name in ("a", "b")})
    online = flow.transform_batch(batch)["a_b_sim"]
    assert isinstance(online, np.ndarray)
    assert online.tolist() == offline.to_list()
    return offline.to_list()


def test_inner_product() -> None:
    assert similarities(ops.ColumnSimilarity(FILMS, metric="inner")) == [1.0, 1.0, 2.0, 0.0, 0.0, 0.0]


def test_cosine() -> None:
    found = similarities(ops.ColumnSimilarity(FILMS, metric="cosine"))
    assert np.allclose(found, [1 / sqrt(2), 1 / 2, 1.0, 0.0, 0.0, 0.0], atol=1e-7)


def test_tf_idf() -> None:
    # ids with features: 1, 2 and 3; all of them have "love", one has "war"
    films = pl.concat([FILMS, pl.DataFrame({"id": [5], "genres": [["war"]]})])
    love, war = log(4 / 3), log(4 / 2)
    length = sqrt(love**2 + war**2)
    rows = pl.DataFrame({"a": [1, 1, 2], "b": [2, 5, 5]})
    found = similarities(ops.ColumnSimilarity(films), rows)
    assert np.allclose(found, [love * love / (length * love), war * war / (length * war), 0.0], atol=1e-6)


def test_what_everyone_has_counts_for_nothing() -> None:
    films = pl.DataFrame({"id": [1, 2], "genres": [["all"], ["all"]]})
    assert similarities(ops.ColumnSimilarity(films), pl.DataFrame({"a": [1], "b": [2]})) == [0.0]


@pytest.mark.parametrize(
    "table",
    [
        pl.DataFrame({"k": [1, 2, 1], "f": ["x", "x", "y"], "w": [2, 3, 5]}),
        pl.DataFrame({"k": [1, 2], "f": [["x", "y"], ["x"]], "w": [[2.0, 5.0], [3.0]]}),
        pl.DataFrame({"k": [1, 1, 2, 1], "f": ["x", "y", "x", "x"], "w": [1.0, 5.0, 3.0, 1.0]}).lazy(),
        Dataset.of(
            pl.DataFrame({"k": ["1", "2", None], "f": [["x", "y"], ["x"], ["y"]], "w": [[2, 5], [3], [1]]})
        ),
    ],
    ids=["one row a feature", "lists", "a feature twice", "data set of text ids"],
)
def test_every_form_of_a_table(table: Any) -> None:
    rows = pl.DataFrame({"a": [1, 1, 2], "b": [2, 1, 2]})
    assert similarities(ops.ColumnSimilarity(table, metric="inner"), rows) == [2 * 3, 2 * 2 + 5 * 5, 3 * 3]


def test_two_tables_have_features_in_common() -> None:
    users = pl.DataFrame({"user": ["ann", "bob"], "likes": [["war"], ["space", "love"]]})
    rows = pl.DataFrame({"a": [1, 1, 3], "b": ["ann", "bob", "bob"]})
    assert similarities(ops.ColumnSimilarity(FILMS, users, "inner"), rows) == [1.0, 1.0, 2.0]


def test_features_are_learned_from_lists_of_the_rows() -> None:
    rows = pl.DataFrame(
        {
            "a": [1, 1, 2],
            "b": [7, 8, 8],
            "genres": [["war"], ["love", None], ["love"]],
            "liked": [["war"], [], ["love"]],
        }
    )
    op = ops.ColumnSimilarity(left_lists="genres", right_lists="liked", metric="inner")
    # 1 has war and love, 2 love, 7 war, 8 love
    assert similarities(op, rows) == [1.0, 1.0, 1.0]
    data = Dataset.of(rows)
    flow = Workflow([[["a", "b"]] >> op]).fit(data)
    without = Dataset.of(rows.select("a", "b"))
    assert flow.transform(without).collect()["a_b_sim"].to_list() == [1.0, 1.0, 1.0]
    assert flow.input_schema.names == ("a", "b")


def test_the_column_is_a_number_about_both() -> None:
    data = Dataset.of(PAIRS).tag("a", "user", "id").tag("b", "item", "id")
    flow = Workflow([[["a", "b"]] >> ops.ColumnSimilarity(FILMS, name="like")]).fit(data)
    (column,) = flow.schema
    assert (column.name, column.dtype, column.tags) == ("like", "float32", {Tags.CROSS, Tags.CONTINUOUS})


def test_many_rows_go_piece_by_piece() -> None:
    rng = np.random.default_rng(0)
    rows = pl.DataFrame({"a": rng.integers(0, 6, 20_000), "b": rng.integers(0, 6, 20_000)})
    known = {(1, 2): 1, (1, 3): 1, (1, 1): 2, (2, 2): 1, (2, 3): 1, (3, 3): 2}
    found = similarities(ops.ColumnSimilarity(FILMS, metric="inner"), rows)
    assert found == [known.get((min(a, b), max(a, b)), 0) for a, b in rows.rows()]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: ops.ColumnSimilarity(FILMS, metric="dot"), "'tfidf', 'cosine' or 'inner'"),
        (lambda: ops.ColumnSimilarity(FILMS, left_lists="genres"), "a table beside left_lists"),
        (lambda: ops.ColumnSimilarity(FILMS, FILMS, right_lists="genres"), "a table beside right_lists"),
    ],
)
def test_wrong_options(make: Any, told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        make()


@pytest.mark.parametrize(
    ("columns", "op", "told"),
    [
        ([["a"]], ops.ColumnSimilarity(FILMS), r"\[\['a', 'b'\]\]|a group of two columns"),
        ([["a", "b"]], ops.ColumnSimilarity(FILMS.select("id")), "an id, features and perhaps weights"),
        ([["a", "b"]], ops.ColumnSimilarity(pl.DataFrame({"a": ["x"], "b": ["y"]})), "ids of type Int64"),
        (
            [["a", "b"]],
            ops.ColumnSimilarity(pl.DataFrame({"a": [1], "b": [0.5]})),
            "features of type Float64",
        ),
        (
            [["a", "b"]],
            ops.ColumnSimilarity(pl.DataFrame({"a": [1], "b": [["x"]], "c": [[1, 2]]})),
            "equal length",
        ),
        ([["a", "b"]], ops.ColumnSimilarity(left_lists="a"), "expected lists"),
        ([["a", "x"]], ops.ColumnSimilarity(FILMS), "column 'x'"),
    ],
)
def test_what_does_not_fit(columns: Any, op: ops.ColumnSimilarity, told: str) -> None:
    data = Dataset.of(PAIRS.with_columns(x=pl.lit(0.5)))
    with pytest.raises(SchemaError, match=told):
        Workflow([columns >> op]).fit(data)


def test_features_of_two_types() -> None:
    with pytest.raises(ArgumentError, match="features of one type"):
        similarities(ops.ColumnSimilarity(FILMS, pl.DataFrame({"id": [1], "genre": [3]})))


def test_no_features_at_all() -> None:
    with pytest.raises(ArgumentError, match=r"ColumnSimilarity\.left.*pass left= or left_lists="):
        similarities(ops.ColumnSimilarity())
