from datetime import datetime

import numpy as np
import polars as pl
import pytest

from shortlist.data import ArrayLog, Batch, Ragged
from shortlist.errors import ArgumentError, SchemaError
from shortlist.features import Workflow, ops
from shortlist.io import Dataset
from shortlist.schema import Column, Schema

SCHEMA = Schema(
    [
        Column("user_id", "string", ("user", "id")),
        Column("item_id", "string", ("item", "id")),
        Column("time", "datetime", ("time",)),
        Column("weight", "float32", ("weight",)),
    ]
)


def log(*rows: tuple) -> Dataset:
    columns = [(user, item, datetime(2024, 1, day), weight) for user, item, day, weight in rows]
    types = {"user_id": pl.String, "item_id": pl.String, "time": pl.Datetime("us"), "weight": pl.Float32}
    return Dataset.of(pl.DataFrame(columns, schema=types, orient="row"), SCHEMA)


EVENTS = log(
    ("ann", "x", 3, 1.0),
    ("ann", "y", 1, 1.0),
    ("bob", "x", 2, 1.0),
    ("ann", "z", 2, -1.0),
    ("ann", "w", 3, 2.0),
)


def column(source, dataset: Dataset, **past) -> list:
    flow = Workflow([source]).fit(dataset, **past)
    (name,) = (source.output,)
    return flow.transform(dataset, **past).collect()[name].to_list()


def test_history_looks_strictly_back_and_sees_positives_only() -> None:
    # The rows of day 3 do not see each other; the event of weight -1 is no history.
    assert column(ops.History(), EVENTS) == [["y"], [], [], ["y"], ["y"]]


def test_history_reads_an_earlier_log_too() -> None:
    late = log(("ann", "v", 9, 1.0), ("new", "v", 9, 1.0), ("ann", "v", 10, 1.0))
    flow = Workflow([ops.History(max_length=3)]).fit(EVENTS)
    out = flow.transform(late, log=EVENTS).collect()["item_id_history"].to_list()
    assert out == [["y", "x", "w"], [], ["x", "w", "v"]]


def test_as_of_counts_and_days() -> None:
    assert column(ops.AsOf("user"), EVENTS) == [1.0, 0.0, 0.0, 1.0, 1.0]
    assert column(ops.AsOf("item"), EVENTS) == [1.0, 0.0, 0.0, 0.0, 0.0]
    assert column(ops.AsOf("pair"), EVENTS) == [0.0] * 5
    assert column(ops.AsOf("user", "days_since"), EVENTS) == [2.0, None, None, 1.0, 2.0]
    assert column(ops.AsOf("user", "days_since_first"), EVENTS) == [2.0, None, None, 1.0, 2.0]
    assert column(ops.AsOf("user", window="1d"), EVENTS) == [0.0, 0.0, 0.0, 1.0, 0.0]
    assert column(ops.AsOf("user", "days_since", window="24h"), EVENTS) == [None, None, None, 1.0, None]


def test_schemas_of_history_columns() -> None:
    flow = Workflow(
        [ops.History() >> ops.Categorify(like="item_id"), "item_id" >> ops.Categorify(), ops.AsOf("pair")]
    ).fit(EVENTS)
    history = flow.schema["item_id_history"]
    assert history.tags == {"user", "sequence", "categorical"}
    assert (history.shape.kind, history.shape.size) == ("list", 50)
    assert history.domain == flow.schema["item_id"].domain
    assert flow.schema["pair_count"].tags == {"cross", "continuous"}
    assert flow.input_schema.names == ("item_id_history", "item_id", "pair_count")
    assert [source.output for source in flow.histories] == ["item_id_history", "pair_count"]


def test_a_statistic_of_a_history_column_is_fitted_on_the_log() -> None:
    # Counts as of each row: 1, 0, 0, 1, 1.
    flow = Workflow([ops.AsOf("user") >> ops.Normalize()]).fit(EVENTS)
    counts = np.array([1, 0, 0, 1, 1.0])
    out = flow.transform(EVENTS).collect()["user_count"].to_numpy()
    assert out == pytest.approx((counts - counts.mean()) / counts.std(ddof=1))


def test_a_history_that_is_there_is_taken_as_given() -> None:
    flow = Workflow(["item_id" >> ops.Categorify(), ops.History() >> ops.Categorify(like="item_id")]).fit(
        EVENTS
    )
    batch = Batch({"item_id_history": Ragged.of([["x", "nothing"], []], dtype=object)})
    assert flow.transform_batch(batch)["item_id_history"].to_lists() == [[3, 2], []]
    given = EVENTS.map(
        lambda part: part.with_columns(item_id_history=pl.lit(["w"], dtype=pl.List(pl.String))),
        SCHEMA.merge([flow.input_schema["item_id_history"]]),
    )
    assert flow.transform(given).collect()["item_id_history"].to_list() == [[4]] * 5


def test_rows_that_name_no_item_can_have_a_history() -> None:
    flow = Workflow([ops.History(), ops.AsOf("user")]).fit(EVENTS)
    asked = EVENTS.select(["user_id", "time"]).map(
        lambda part: part.head(1), SCHEMA.select(["user_id", "time"])
    )
    out = flow.transform(asked, log=EVENTS).collect()
    assert (out["item_id_history"].to_list(), out["user_count"].to_list()) == ([["y"]], [1.0])


def test_integer_times_are_read_by_their_size() -> None:
    schema = SCHEMA.merge([Column("time", "int64", ("time",))]).without("weight")
    day = 86_400
    for unit in (1, 10**3, 10**6):
        times = [(20_000 + n) * day * unit for n in range(3)]
        frame = pl.DataFrame({"user_id": ["a"] * 3, "item_id": ["x"] * 3, "time": times})
        assert column(ops.AsOf("user", "days_since"), Dataset.of(frame, schema)) == [None, 1.0, 1.0]


def test_from_log_gives_positions() -> None:
    events = ArrayLog(np.array([0, 0]), np.array([5, 6]), np.array([10, 20]), n_items=7)
    users, items, times = np.array([0, -1]), np.array([5, 5]), np.array([86_400_000_020, 30])
    assert ops.History("item").from_log(events, users, items, times).to_lists() == [[5, 6], []]
    assert ops.AsOf("pair").from_log(events, users, items, times).tolist() == [1.0, 0.0]
    days = ops.AsOf("user", "days_since").from_log(events, users, items, times)
    assert days[0] == 1.0
    assert np.isnan(days[1])
    since_first = ops.AsOf("user", "days_since_first").from_log(events, users, items, times)
    assert since_first[0] == 86_400_000_010 / 86_400_000_000


@pytest.mark.parametrize(
    "make",
    [
        lambda: ops.History(max_length=0),
        lambda: ops.AsOf(""),
        lambda: ops.AsOf(()),
        lambda: ops.AsOf(("user", "user")),
        lambda: ops.AsOf("user", "share"),
        lambda: ops.AsOf("user", "count", value="click"),
        lambda: ops.AsOf("user", "most"),
        lambda: ops.AsOf("user", "mean"),
        lambda: ops.AsOf("user", window="d"),
        lambda: ops.AsOf("user", window="0d"),
        lambda: ops.AsOf("user", window="3y"),
    ],
)
def test_wrong_options(make) -> None:
    with pytest.raises(ArgumentError, match=r"AsOf|History"):
        make()


def test_history_of_another_column_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"History\(of='item_id'\)"):
        Workflow([ops.History(of="user_id")]).fit(EVENTS)
    with pytest.raises(SchemaError, match="item_id"):
        Workflow([ops.History(of="items")]).fit(EVENTS)


def test_two_history_ops_of_one_name_are_refused() -> None:
    with pytest.raises(ArgumentError, match="two different history ops"):
        Workflow([ops.History(max_length=2), ops.History() >> ops.Categorify()]).fit(EVENTS)
    fits = Workflow([ops.History(max_length=2, name="short"), ops.History()]).fit(EVENTS)
    assert fits.schema.names[:2] == ("short", "item_id_history")


def test_a_filter_may_read_a_history_and_does_not_change_it() -> None:
    flow = Workflow([ops.Filter(pl.col("item_id_history").list.len() > 0), ops.History()]).fit(EVENTS)
    assert flow.transform(EVENTS).collect()["item_id_history"].to_list() == [["y"]] * 3
