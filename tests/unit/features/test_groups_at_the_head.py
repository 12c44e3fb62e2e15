"""A workflow whose first op makes other rows."""

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch
from shortlist.errors import SchemaError
from shortlist.features import Workflow, ops
from shortlist.io import Dataset
from shortlist.schema import Column, Schema

SCHEMA = Schema(
    [
        Column("user", "string", ("user", "id")),
        Column("item", "string", ("item", "id")),
        Column("price", "float64", ("continuous",)),
        Column("time", "int64", ("time",)),
    ]
)
ROWS = pl.DataFrame(
    {
        "user": ["a", "b", "a", "a", "b", "c"],
        "item": ["x", "y", "y", "z", "x", "x"],
        "price": [1.0, 2.0, -3.0, 4.0, 5.0, 6.0],
        "time": [0, 10, 20, 30, 40, 50],
    }
)
DATA = Dataset.of(ROWS, SCHEMA)


def flow() -> Workflow:
    return Workflow([
        ops.Groupby("user", lists=["item", "price"], max_length=3),
        ops.Filter(pl.col("price") > 0),
        ops.Filter(pl.col("item_list").list.len() > 1),
        "item_list" >> ops.Categorify(),
        "price_list" >> ops.Normalize(),
        "user",
    ])  # fmt: skip


def test_filters_of_rows_come_before_the_groups_and_filters_of_groups_after() -> None:
    fitted = flow().fit(DATA)
    out = fitted.transform(DATA).collect().sort("user")
    assert out["user"].to_list() == ["a", "b"]
    assert fitted.decode("item_list", out["item_list"].to_list()) == [["x", "z"], ["y", "x"]]
    assert set(fitted.input_schema.names) == {"user", "item", "price", "time"}


def test_a_request_brings_the_events_of_its_groups(tmp_path) -> None:
    fitted = flow().fit(DATA)
    fitted.save(tmp_path / "flow")
    for one in (fitted, Workflow.load(tmp_path / "flow")):
        batch = one.transform_batch(
            Batch(
                {
                    "user": np.array(["q", "q"], dtype=object),
                    "item": np.array(["x", "y"], dtype=object),
                    "price": np.array([3.0, 3.0]),
                    "time": np.array([2, 1]),
                }
            )
        )
        assert fitted.decode("item_list", batch["item_list"]) == [["y", "x"]]


def test_a_filter_of_a_column_that_is_nowhere() -> None:
    wrong = Workflow([ops.Groupby("user", lists=["item"]), ops.Filter(pl.col("prize") > 0), "item_list"])
    with pytest.raises(SchemaError, match="did you mean 'price'"):
        wrong.fit(DATA)
