"""Functions and expressions as ops."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch, Ragged
from shortlist.errors import ArgumentError, BundleError, SchemaError
from shortlist.features import Workflow, ops
from shortlist.io import Dataset
from shortlist.schema import LIST, SCALAR, Column, Schema, Shape, Tags

SCHEMA = Schema(
    [
        Column("price", "float64", ("item", "continuous")),
        Column("count", "int64", ("user",)),
        Column("name", "string", ("item",)),
        Column("seen", "bool", ("context",)),
        Column("time", "datetime", ("time",)),
        Column("days", "int64", ("user", "sequence"), LIST),
        Column("v", "float32", ("item", "embedding"), Shape("vector", 2)),
    ]
)
ROWS = pl.DataFrame(
    {
        "price": [1.0, None],
        "count": [2, None],
        "name": ["ab", None],
        "seen": [True, None],
        "time": [0, None],
        "days": [[1, 2], None],
        "v": [[3.0, 4.0], None],
    },
    schema_overrides={"time": pl.Datetime("us"), "v": pl.Array(pl.Float32, 2)},
)
DATA = Dataset.of(ROWS, SCHEMA)


def out(columns: Any, op: ops.LambdaOp) -> tuple[Column, list[Any]]:
    flow = Workflow([columns >> op]).fit(DATA)
    column = flow.schema[op.name or (columns if isinstance(columns, str) else "_".join(columns[0]))]
    return column, flow.transform(DATA).collect()[column.name].to_list()


def test_what_a_function_gets() -> None:
    got: dict[str, Any] = {}

    def keep(name: str) -> Any:
        def look(values: Any) -> Any:
            got[name] = values
            return np.zeros(len(values))

        return look

    asked = Batch(
        {
            "price": np.array([1.0, np.nan]),
            "count": np.array([2, None], dtype=object),
            "name": np.array(["ab", None], dtype=object),
            "seen": np.array([True, None], dtype=object),
            "time": np.array([0, None], dtype=object),
            "days": Ragged.of([[1, 2], []]),
            "v": np.array([[3.0, 4.0], [np.nan, np.nan]]),
        }
    )
    Workflow([name >> ops.LambdaOp(keep(name)) for name in asked]).fit(DATA).transform_batch(asked)
    for name in ("price", "count", "seen"):
        assert got[name].dtype == np.float64
        assert np.isnan(got[name][1])
    assert got["name"].tolist() == ["ab", None]
    assert got["time"].dtype == np.dtype("datetime64[us]")
    assert np.isnat(got["time"][1])
    assert (got["v"].shape, got["v"][0].tolist()) == ((2, 2), [3, 4])
    assert got["days"].tolist() == [1.0, 2.0]


def test_what_a_function_gives() -> None:
    column, values = out("price", ops.LambdaOp(lambda x: x * 3))
    assert (column.dtype, column.tags, values) == ("float32", {Tags.ITEM, Tags.CONTINUOUS}, [3.0, None])
    column, values = out("price", ops.LambdaOp(np.isfinite))
    assert (column.dtype, column.tags, values) == ("bool", {Tags.ITEM, Tags.CATEGORICAL}, [True, False])
    column, values = out("name", ops.LambdaOp(lambda x: np.array([w and w.upper() for w in x], dtype=object)))
    assert (column.dtype, values) == ("string", ["AB", None])
    column, values = out("time", ops.LambdaOp(lambda x: x + np.timedelta64(1, "D"), name="next"))
    assert (column.dtype, column.tags, [value and value.day for value in values]) == (
        "datetime",
        set(),
        [2, None],
    )
    column, values = out("price", ops.LambdaOp(lambda x: np.stack([x, x + 1], 1)))
    assert (column.shape, column.tags) == (Shape("vector", 2), {Tags.ITEM, Tags.EMBEDDING})
    assert values[0] == [1.0, 2.0]
    column, values = out("days", ops.LambdaOp(lambda x: x + 0.5))
    assert (column.shape, column.tags, values) == (LIST, {Tags.USER, Tags.CONTINUOUS}, [[1.5, 2.5], []])
    column, values = out("days", ops.LambdaOp(lambda rows: rows.lengths, lists="rows"))
    assert (column.shape, column.dtype, values) == (SCALAR, "float32", [2.0, 0.0])
    column, values = out("v", ops.LambdaOp(lambda v: v.sum(axis=1)))
    assert values == [7.0, None]


def test_several_columns_give_one() -> None:
    column, values = out([["price", "count"]], ops.LambdaOp(lambda x, n: x / n))
    assert (column.name, column.tags, values) == ("price_count", {Tags.CROSS, Tags.CONTINUOUS}, [0.5, None])
    _, values = out([["price", "days"]], ops.LambdaOp(lambda x, days: x * days.lengths, lists="rows"))
    assert values == [2.0, None]
    column, values = out([["price", "count"]], ops.LambdaOp(pl.col("price") / pl.col("count"), name="each"))
    assert (column.name, values) == ("each", [0.5, None])


def test_dtype_tags_and_name_stand_above_the_sample() -> None:
    column, values = out(
        "price", ops.LambdaOp(np.round, "int32", ("item", "categorical", "mine"), name="rounded")
    )
    assert (column.name, column.dtype, column.tags) == ("rounded", "int32", {"item", "categorical", "mine"})
    assert values == [1, None]
    online = Workflow(["price" >> ops.LambdaOp(np.round, "int32", ["item"])]).fit(DATA)
    found = online.transform_batch(Batch({"price": np.array([1.2, np.nan])}))["price"]
    assert np.array_equal(found, [1, np.nan], equal_nan=True)  # type: ignore[arg-type]


def test_what_cannot_be_tried_needs_a_dtype() -> None:
    def year(words: Any) -> Any:
        return np.array([np.nan if word is None else int(word[2:]) for word in words], dtype=np.float64)

    rows = Dataset.of(pl.DataFrame({"name": ["y:2001", None]}))
    with pytest.raises(ArgumentError, match=r"\['a'\].*ValueError: invalid literal.*pass dtype="):
        Workflow(["name" >> ops.LambdaOp(year)]).fit(rows)
    flow = Workflow(["name" >> ops.LambdaOp(year, "int64", ["context"])]).fit(rows)
    assert flow.transform(rows).collect()["name"].to_list() == [2001, None]


@pytest.mark.parametrize(
    ("columns", "op"),
    [
        ("price", ops.LambdaOp(lambda x: x - x.mean())),
        ("price", ops.LambdaOp(np.cumsum)),
        ("price", ops.LambdaOp(lambda x: x.max())),
        ("price", ops.LambdaOp(pl.col("price").shift(1))),
        ("price", ops.LambdaOp(pl.col("price") / pl.col("price").sum())),
        ("days", ops.LambdaOp(lambda rows: Ragged(rows.values[::-1], rows.offsets), lists="rows")),
        ("days", ops.LambdaOp(lambda rows: Ragged.of([[1, 2]] * len(rows)).last(len(rows)), lists="rows")),
    ],
)
def test_a_row_may_not_depend_on_others(columns: Any, op: ops.LambdaOp) -> None:
    with pytest.raises(ArgumentError, match=r"LambdaOp\.function"):
        Workflow([columns >> op]).fit(DATA)


def test_results_of_another_length_are_refused() -> None:
    op = ops.LambdaOp(lambda x: x if len(x) < 4 else x[:1])
    flow = Workflow(["price" >> op]).fit(DATA)
    with pytest.raises(ArgumentError, match="one for each of 5 rows; received 1 results"):
        flow.transform_batch(Batch({"price": np.zeros(5)}))
    halved = Workflow(["days" >> ops.LambdaOp(lambda x: x if len(x) < 4 else x[:1])]).fit(DATA)
    with pytest.raises(ArgumentError, match=r"shape \(1,\) for 5 values of lists.*lists=\"rows\""):
        halved.transform_batch(Batch({"days": Ragged.of([[1, 2, 3, 4, 5]])}))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: ops.LambdaOp("x"), "a function or a Polars expression"),
        (lambda: ops.LambdaOp(abs, "float"), "did you mean 'float"),
        (lambda: ops.LambdaOp(abs, lists="all"), "'values' or 'rows'"),
        (lambda: ops.LambdaOp(pl.col("x").map_batches(abs)), "a Python function inside the expression"),
    ],
)
def test_wrong_options(make: Any, told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        make()


def test_wrong_columns() -> None:
    with pytest.raises(SchemaError, match=r"an expression of column 'cost'.*\[\[\.\.\.\]\]"):
        Workflow(["price" >> ops.LambdaOp(pl.col("cost") * 2)]).fit(DATA)
    with pytest.raises(SchemaError, match="lists beside other columns"):
        Workflow([[["price", "days"]] >> ops.LambdaOp(lambda x, y: x)]).fit(DATA)
    with pytest.raises(ArgumentError, match=r"a result of type.*pass dtype="):
        Workflow(["price" >> ops.LambdaOp(lambda x: x.astype(complex))]).fit(DATA)
    with pytest.raises(ArgumentError, match="a result of type Duration"):
        Workflow(["time" >> ops.LambdaOp(pl.col("time") - pl.col("time"))]).fit(DATA)
    with pytest.raises(SchemaError, match=r"column 'name'.*values of type Float64"):
        Workflow(["name" >> ops.LambdaOp(lambda x: x, "float64", ["context"])]).fit(DATA)


def test_a_function_of_a_module_is_saved_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "my_features.py").write_text("def halved(x):\n    return x / 2\n")
    code = (
        "import sys, numpy as np, polars as pl; sys.path.insert(0, sys.argv[1]);"
        "from my_features import halved; from shortlist.features import Workflow, ops;"
        "from shortlist.io import Dataset; rows = Dataset.of(pl.DataFrame({'x': [3.0]}));"
        "Workflow(['x' >> ops.LambdaOp(halved)]).fit(rows).save(sys.argv[1] + '/flow')"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    code = (
        "import sys, numpy as np; sys.path.insert(0, sys.argv[1]);"
        "from shortlist.data import Batch; from shortlist.features import Workflow;"
        "flow = Workflow.load(sys.argv[1] + '/flow', modules=['my_features']);"
        "print(flow.transform_batch(Batch({'x': np.array([3.0])}))['x'].tolist())"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert told.stdout.strip() == "[1.5]"
    with pytest.raises(BundleError, match=r"my_features:halved.*modules=\['my_features'\]"):
        Workflow.load(tmp_path / "flow")


def test_a_lambda_is_not_saved(tmp_path: Path) -> None:
    flow = Workflow(["price" >> ops.LambdaOp(lambda x: x)]).fit(DATA)
    with pytest.raises(ArgumentError, match=r"LambdaOp\.function.*imported by its name.*<lambda>"):
        flow.save(tmp_path / "flow")
