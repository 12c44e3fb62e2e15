"""Histories, as-of features and lags of event columns, by arithmetic."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from shortlist.data import ArrayLog
from shortlist.errors import ArgumentError, SchemaError
from shortlist.features import Workflow, ops
from shortlist.io import Dataset
from shortlist.schema import LIST, Column, Schema
from shortlist.store._layered_log import LayeredLog

SCHEMA = Schema(
    [
        Column("user_id", "string", ("user", "id")),
        Column("item_id", "string", ("item", "id")),
        Column("time", "datetime", ("time",)),
        Column("click", "int8", ("target", "binary")),
        Column("price", "float64", ("context", "continuous")),
        Column("category", "string", ("item", "categorical")),
        Column("channel", "string", ("context", "categorical")),
        Column("gender", "string", ("user", "categorical")),
        Column("vector", "float32", (), LIST),
    ]
)
TYPES = {
    "user_id": pl.String,
    "item_id": pl.String,
    "time": pl.Datetime("us"),
    "click": pl.Int8,
    "price": pl.Float64,
    "category": pl.String,
    "channel": pl.String,
    "gender": pl.String,
    "vector": pl.List(pl.Float32),
}
ROWS = [
    # user, item, day, click, price, category, channel, gender
    ("ann", "x", 1, 1, 10.0, "red", "web", "f"),
    ("ann", "y", 2, 0, 8.0, "blue", "web", "f"),
    ("bob", "x", 3, 1, 11.0, "red", "app", "m"),
    ("ann", "x", 4, 1, None, "red", "app", "f"),
    ("ann", "z", 6, 0, 5.0, "red", None, "f"),
    ("bob", "y", 6, 1, 9.0, "blue", "app", "m"),
]


def dataset(rows: list[tuple] = ROWS) -> Dataset:
    cells = [(u, i, datetime(2024, 1, day), *rest, []) for u, i, day, *rest in rows]
    return Dataset.of(pl.DataFrame(cells, schema=TYPES, orient="row"), SCHEMA)


def made(*sources) -> list[list]:
    flow = Workflow(sources).fit(dataset())
    out = flow.transform(dataset()).collect()
    return [out[column.name].to_list() for column in flow.schema if column.name not in SCHEMA]


def one(source) -> list:
    (values,) = made(source)
    return values


def test_rates() -> None:
    # Ann's clicks are of days 1 and 4: a window of 4 days before day 6 holds the second alone.
    assert one(ops.AsOf("user", "rate", "4d")) == [0.0, 1 / 4, 0.0, 1 / 4, 1 / 4, 1 / 4]
    assert one(ops.AsOf("user", "rate")) == pytest.approx([None, 1 / 1, None, 1 / 3, 2 / 5, 1 / 3])


def test_shares() -> None:
    assert one(ops.AsOf("pair", "share")) == [None, 0.0, None, 1.0, 0.0, 0.0]
    assert one(ops.AsOf(("category", "user"), "share")) == [None, 0.0, None, 1.0, 1.0, 0.0]


def test_click_through_rate_and_spending_count_every_event() -> None:
    assert one(ops.AsOf("user", "mean", value="click")) == pytest.approx([None, 1, None, 1 / 2, 2 / 3, 1])
    assert one(ops.AsOf("category", "mean", value="click")) == [None, None, 1, 1, 1, 0]
    # The price of ann's event of day 4 is null: it is left out of the mean.
    assert one(ops.AsOf("user", "mean", value="price")) == [None, 10, None, 9, 9, 11]
    assert one(ops.AsOf("user", "sum", value="price")) == [0, 10, 0, 18, 18, 11]
    assert one(ops.AsOf("user", "sum", "3d", value="price")) == [0, 10, 0, 18, 0, 11]


def test_entities_out_of_columns() -> None:
    assert one(ops.AsOf("category")) == [0, 0, 1, 2, 3, 0]
    assert one(ops.AsOf(("user", "category"))) == [0, 0, 0, 1, 2, 0]
    assert one(ops.AsOf("channel")) == [0, 1, 0, 1, 0, 2]  # a null channel has no events
    assert one(ops.AsOf(("category", "channel", "gender"))) == [0, 0, 0, 0, 0, 0]


def test_names_and_sides() -> None:
    sources = {
        "user_click_mean_30d": ops.AsOf("user", "mean", "30d", value="click"),
        "category_count": ops.AsOf("category"),
        "user_category_share": ops.AsOf(["user", "category"], "share"),
        "channel_count": ops.AsOf("channel"),
        "gender_count": ops.AsOf("gender"),
        "user_channel_count": ops.AsOf(("user", "channel")),
    }
    sides = ["user", "item", "cross", "context", "user", "context"]
    for (name, source), side in zip(sources.items(), sides, strict=True):
        column = source.column(SCHEMA)
        assert (source.output, column.name, column.tags) == (name, name, {side, "continuous"})


def test_histories_are_parallel() -> None:
    items, prices, categories, days = made(
        *(ops.History(of, max_length=2) for of in ("item_id", "price", "category", "time"))
    )
    assert items == [[], ["x"], [], ["x"], ["x", "x"], ["x"]]
    assert prices == [[], [10.0], [], [10.0], [10.0, None], [11.0]]
    assert categories == [[], ["red"], [], ["red"], ["red", "red"], ["red"]]
    assert days == [[], [1.0], [], [3.0], [5.0, 2.0], [3.0]]


def test_schemas_of_histories() -> None:
    flow = Workflow(
        [
            ops.History("category") >> ops.Categorify(like="category"),
            "category" >> ops.Categorify(),
            ops.History("time", max_length=3) >> ops.Bucketize([1.0, 7.0]) >> ops.Categorify(),
            ops.History("item"),
        ]
    ).fit(dataset())
    assert flow.schema["category_history"].domain == flow.schema["category"].domain
    assert flow.schema["category_history"].tags == {"user", "sequence", "categorical"}
    assert flow.schema["time_history"].shape.size == 3
    assert flow.schema["time_history"].tags == {"user", "sequence", "categorical"}
    assert flow.schema["item_history"].domain.name == "item_id"


def test_difference_to_an_earlier_event() -> None:
    # Ann paid 10, 8, nothing known, 5; bob paid 11, then 9.
    assert one(ops.DifferenceLag("price")) == [None, -2.0, None, None, None, -2.0]
    assert one(ops.DifferenceLag("price", shift=2)) == [None, None, None, None, -3.0, None]
    assert one(ops.DifferenceLag("price", "item")) == [None, None, 1.0, None, None, 1.0]
    assert one(ops.DifferenceLag("price", "category")) == [None, None, 1.0, None, None, 1.0]
    # Every event counts, clicked or not.
    assert one(ops.DifferenceLag("click")) == [None, -1.0, None, 1.0, -1.0, 0.0]


def test_several_shifts_make_a_column_each() -> None:
    flow = Workflow([ops.DifferenceLag("price", shift=[1, -1]) >> ops.FillMissing(0.0)]).fit(dataset())
    assert flow.schema.names[:2] == ("price_difference_lag_1", "price_difference_lag_-1")
    out = flow.transform(dataset()).collect()
    assert out["price_difference_lag_1"].to_list() == [0.0, -2.0, 0.0, 0.0, 0.0, -2.0]
    assert out["price_difference_lag_-1"].to_list() == [2.0, 0.0, 2.0, 0.0, 0.0, 0.0]
    named = ops.DifferenceLag("price", shift=(1, 2), name="up")
    assert [part.output for part in named.each()] == ["up_1", "up_2"]


def test_differences_to_later_events_are_targets_and_refused_by_a_store() -> None:
    ahead = ops.DifferenceLag("price", shift=-1)
    assert ahead.column(SCHEMA).tags == {"target", "regression"}
    assert one(ops.DifferenceLag("price", shift=-2)) == [None, 3.0, None, None, None, None]
    log = LayeredLog(ArrayLog(*np.zeros((3, 1), np.int64), columns={"price": np.zeros(1)}))
    with pytest.raises(ArgumentError, match="later events are not known"):
        ahead.from_log(log, *np.zeros((3, 1), np.int64), {"price": np.zeros(1)})


def test_saved_and_loaded(tmp_path) -> None:
    flow = Workflow(
        [
            ops.AsOf(("user", "category"), "share", "30d"),
            ops.AsOf("item", "mean", value="click", name="ctr") >> ops.FillMissing(0.1),
            ops.History("price", max_length=3),
            ops.DifferenceLag("price", by=["user", "channel"], shift=[1, 2]),
        ]
    ).fit(dataset())
    flow.save(tmp_path / "flow")
    loaded = Workflow.load(tmp_path / "flow")
    assert loaded.transform(dataset()).collect().equals(flow.transform(dataset()).collect())
    assert loaded.schema == flow.schema


@pytest.mark.parametrize(
    "source",
    [
        ops.AsOf("price"),
        ops.AsOf("user_id"),
        ops.AsOf("vector"),
        ops.AsOf("nothing"),
        ops.AsOf("user", "mean", value="category"),
        ops.AsOf("user", "mean", value="nothing"),
        ops.History("vector"),
        ops.History("user_id"),
        ops.DifferenceLag("category"),
        ops.DifferenceLag("price", "item_id"),
    ],
    ids=str,
)
def test_columns_of_a_wrong_type(source) -> None:
    with pytest.raises(SchemaError, match=r"AsOf|History|DifferenceLag|column"):
        Workflow([source]).fit(dataset()).transform(dataset()).collect()


@pytest.mark.parametrize(
    "make",
    [
        lambda: ops.DifferenceLag("price", shift=0),
        lambda: ops.DifferenceLag("price", shift=[1, 1]),
        lambda: ops.DifferenceLag("price", shift=[]),
        lambda: ops.DifferenceLag("price", shift=True),
        lambda: ops.DifferenceLag("price", by=("user", "user")),
    ],
)
def test_wrong_options(make) -> None:
    with pytest.raises(ArgumentError, match="DifferenceLag"):
        make()


def test_history_of_the_time_column_says_how_it_is_written() -> None:
    schema = Schema(column.renamed("at") if column.name == "time" else column for column in SCHEMA)
    with pytest.raises(SchemaError, match=r"History\(of='time'\)"):
        ops.History("at").column(schema)


def test_a_log_without_the_column_is_null_there() -> None:
    early = dataset([("ann", "x", 1, 1, 10.0, "red", "web", "f")])
    bare = early.select(["user_id", "item_id", "time"])
    late = dataset([("ann", "y", 9, 1, 7.0, "blue", "web", "f")])
    flow = Workflow([ops.History("price"), ops.AsOf("user", "mean", value="price")]).fit(late)
    out = flow.transform(late, log=bare).collect()
    assert out["price_history"].to_list() == [[None]]
    assert out["user_price_mean"].to_list() == [None]
    with pytest.raises(SchemaError, match="no column 'price' in the log"):
        flow.transform(bare).collect()


def test_rows_and_log_of_other_types_meet() -> None:
    # The log has 32-bit numbers, the rows text: what is compared is cast to the type of the log.
    schema = Schema([*SCHEMA.select(["user_id", "item_id", "time"]), Column("shop", "int32", ("context",))])
    moments = [datetime(2024, 1, 1) + timedelta(days=day) for day in range(2)]
    frame = pl.DataFrame({"user_id": ["a", "a"], "item_id": ["x", "x"], "time": moments, "shop": [1, 2]})
    log = Dataset.of(frame.cast({"shop": pl.Int32}), schema)
    asked = Dataset.of(
        frame.with_columns(pl.Series("shop", ["2", "1"]), time=pl.lit(datetime(2024, 2, 1))),
        schema.merge([Column("shop", "string", ("context",))]),
    )
    flow = Workflow([ops.AsOf("shop", "days_since")]).fit(log)
    assert flow.transform(asked, log=log).collect()["shop_days_since"].to_list() == [30.0, 31.0]
