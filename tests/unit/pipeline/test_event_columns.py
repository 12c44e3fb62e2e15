"""History ops that read event columns: what a pipeline asks of its store is what training saw."""

from datetime import datetime

import numpy as np
import polars as pl
import pytest

from shortlist.data import Candidates, Ragged, Requests
from shortlist.errors import SchemaError
from shortlist.features import Workflow, ops
from shortlist.io import Dataset, item_table, user_table
from shortlist.pipeline import Pipeline, Popular, State, ranking_examples
from shortlist.schema import Column, Schema
from shortlist.store import EmbeddedStore
from shortlist.testing import _ops as suite

EVENTS = Schema(
    [
        Column("user_id", "string", ("user", "id")),
        Column("item_id", "int64", ("item", "id")),
        Column("time", "datetime", ("time",)),
        Column("click", "int8", ("target", "binary")),
        Column("paid", "float64", ("context", "continuous")),
        Column("channel", "string", ("context", "categorical")),
        Column("category", "string", ("item", "categorical")),
        Column("price", "float64", ("item", "continuous")),
        Column("city", "string", ("user", "categorical")),
    ]
)
CATALOGUE = {1: ("red", 4.0), 2: ("blue", 9.0), 3: ("red", None), 4: (None, 2.0)}
CITIES = {"ann": "rome", "bob": "oslo", "eve": None}
PLAIN = [
    ("ann", 1, 1, 1, 3.5, "web"),
    ("ann", 2, 2, 0, None, "app"),
    ("bob", 1, 3, 1, 4.0, None),
    ("ann", 3, 4, 1, 6.0, "web"),
    ("eve", 2, 5, 0, 9.0, "app"),
    ("bob", 4, 6, 1, 2.0, "app"),
    ("ann", 1, 7, 1, 4.5, "web"),
    ("eve", 3, 7, 1, 1.0, "web"),
]
SOURCES = [
    *(ops.History(of, max_length=2) for of in ("item_id", "category", "price", "paid", "channel", "time")),
    ops.AsOf("item", "mean", value="click"),
    ops.AsOf("user", "sum", "3d", value="paid"),
    ops.AsOf("category"),
    ops.AsOf(("user", "category"), "share"),
    ops.AsOf(("item", "channel"), "days_since"),
    ops.AsOf("channel", "rate", "4d"),
    ops.AsOf("city", "mean", value="price"),
    ops.DifferenceLag("price", shift=[1, 2, -1]),
    ops.DifferenceLag("paid", by="channel"),
]
COLUMNS = ("click", "paid", "channel")


def dataset(rows: list[tuple]) -> Dataset:
    cells = [
        (user, item, datetime(2024, 1, day), click, paid, channel, *CATALOGUE[item], CITIES[user])
        for user, item, day, click, paid, channel in rows
    ]
    types = [
        pl.String,
        pl.Int64,
        pl.Datetime("us"),
        pl.Int8,
        pl.Float64,
        pl.String,
        pl.String,
        pl.Float64,
        pl.String,
    ]
    frame = pl.DataFrame(cells, schema=dict(zip(EVENTS.names, types, strict=True)), orient="row")
    return Dataset.of(frame, EVENTS)


LOG = dataset(PLAIN)


@pytest.fixture(scope="module")
def flow() -> Workflow:
    return Workflow(SOURCES).fit(LOG)


def state(events: Dataset = LOG) -> State:
    tables = item_table(LOG), user_table(LOG)
    return State(store=EmbeddedStore.build(events, *tables, columns=COLUMNS))


def test_a_ranking_batch_is_what_the_workflow_gave_offline(flow: Workflow) -> None:
    offline = flow.transform(LOG).collect()
    asked = LOG.collect()
    requests = Requests(
        asked["user_id"].to_list(),
        times=asked["time"].to_physical().to_numpy(),
        context={"channel": asked["channel"].to_list(), "paid": asked["paid"].to_list()},
    )
    served = state()
    places = served.items.positions(asked["item_id"].to_list())
    candidates = Candidates.of(places[:, None], np.zeros((len(asked), 1), np.float32), "all")
    online = flow.transform_batch(served.ranking_batch(flow, requests, candidates).flat())
    names = [column.name for column in flow.schema if not column.has("target") and column.name != "time"]
    assert len(names) == len(SOURCES) + 1
    for name in names:
        suite.assert_close(suite.rows_of(offline[name]), suite.rows_of(online[name]), 1e-6)
    assert "price_difference_lag_-1" not in online


def test_events_that_arrive_are_seen_with_their_columns(flow: Workflow) -> None:
    grown, day = state(dataset(PLAIN[:4])), 86_400_000_000
    for user, item, when, click, paid, channel in PLAIN[4:]:
        time = np.array([datetime(2024, 1, when)], dtype="datetime64[us]").view(np.int64)
        weight = np.array([click], np.float32)
        columns = {"click": [click], "paid": [paid], "channel": [channel]}
        grown.store.append_events([user], [item], time, weight, columns)
    requests = Requests(["ann", "bob", "nobody"], times=np.full(3, state().now + day))
    for one, other in zip(
        grown.query_batch(flow, requests).items(), state().query_batch(flow, requests).items(), strict=True
    ):
        assert one[0] == other[0]
        suite.assert_close(suite.rows_of(one[1]), suite.rows_of(other[1]), 1e-12)


def test_items_just_seen_stand_at_the_end_of_every_history(flow: Workflow) -> None:
    recent = Ragged(np.array([2, 99]), np.array([0, 2, 2]))
    requests = Requests(["ann", "bob"], times=np.full(2, state().now), recent=recent)
    batch = state().query_batch(flow, requests)
    found = {
        name: suite.rows_of(batch[f"{name}_history"]) for name in ("item_id", "category", "price", "paid")
    }
    assert found["item_id"] == [[1, 2], [1, 4]]
    assert found["category"] == [["red", "blue"], ["red", None]]
    assert found["price"] == [[4.0, 9.0], [4.0, 2.0]]
    assert found["paid"] == [[4.5, None], [4.0, 2.0]]
    assert suite.rows_of(batch["channel_history"]) == [["web", None], [None, "app"]]
    days = suite.rows_of(batch["time_history"])
    assert days[0] == pytest.approx([1e-6 / 86_400, 0.0], abs=1e-9)


def test_items_have_their_own_features_for_an_index(flow: Workflow) -> None:
    batch = state().item_batch(flow)
    assert suite.rows_of(batch["item_click_mean"]) == [1.0, 0.0, 1.0, 1.0]
    assert suite.rows_of(batch["category_count"]) == [5.0, 0.0, 5.0, 0.0]


def test_what_only_the_request_knows_is_asked_for(flow: Workflow) -> None:
    wanted = state().raw.wanted(flow)
    assert {column.name for column in wanted.context} == {"channel", "paid"}
    batch = state().query_batch(flow, Requests(["ann"]))
    assert suite.rows_of(batch["channel_rate_4d"]) == [0.0]


def test_a_store_without_the_column_says_how_to_keep_it(flow: Workflow) -> None:
    bare = State(store=EmbeddedStore.build(LOG))
    with pytest.raises(SchemaError, match=r"columns=\('paid',\)"):
        bare.query_batch(flow, Requests(["ann"]))


def test_examples_carry_columns_of_histories() -> None:
    pipe = Pipeline([Popular()], state=state())
    histories = [
        ops.History("price"),
        ops.AsOf("item", "mean", value="click"),
        ops.AsOf(("user", "category")),
    ]
    got = ranking_examples(pipe, LOG, histories=histories, negatives=None).collect()
    assert {"price_history", "item_click_mean", "user_category_count"} <= set(got.columns)


def test_the_item_table_may_call_its_ids_otherwise_than_the_log() -> None:
    items = item_table(LOG)
    renamed = items.map(
        lambda part: part.rename({"item_id": "sku"}),
        Schema(column.renamed("sku") if column.name == "item_id" else column for column in items.schema),
    )
    flow = Workflow([ops.History(), "item_id"]).fit(LOG)
    served = State(store=EmbeddedStore.build(LOG, renamed, user_table(LOG)))
    assert suite.rows_of(served.query_batch(flow, Requests(["ann"]))["item_id_history"]) == [[1, 3, 1]]
