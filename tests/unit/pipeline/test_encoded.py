"""Columns of users and items that are kept by row are those that the workflow makes anew."""

import numpy as np
import polars as pl
import pytest

from shortlist.data import Batch, Candidates, Ragged, Requests
from shortlist.features import Workflow, ops
from shortlist.io import Dataset
from shortlist.pipeline import State
from shortlist.pipeline._kept_rows import KeptRows
from shortlist.schema import Column, Schema, tags
from shortlist.store import EmbeddedStore

USERS = Schema(
    [
        Column("user", "string", ("user", "id", "categorical")),
        Column("city", "string", ("user", "categorical")),
        Column("age", "float64", ("user", "continuous")),
    ]
)
ITEMS = Schema(
    [
        Column("item", "int64", ("item", "id", "categorical")),
        Column("brand", "string", ("item", "categorical")),
        Column("price", "float64", ("item", "continuous")),
    ]
)
TIME = Column("time", "datetime", ("time",))
PACKS = (("item", "brand"), ("city",))


def rows_of(users, items):
    return (
        pl.DataFrame({"user": users, "item": items, "time": range(10, 10 + len(users))})
        .with_columns(pl.col("time").cast(pl.Datetime("us")))
        .join(USER_ROWS, on="user", how="left")
        .join(ITEM_ROWS, on="item", how="left")
    )


USER_ROWS = pl.DataFrame({"user": ["a", "b", "c"], "city": ["x", "y", None], "age": [30.0, None, 50.0]})
ITEM_ROWS = pl.DataFrame(
    {"item": [1, 2, 3, 4], "brand": ["p", "q", None, "p"], "price": [1.0, 2.0, None, 4.0]}
)
LOG = Dataset.of(
    rows_of(list("aabbc"), [1, 2, 1, 3, 2]),
    Schema([USERS["user"], ITEMS["item"], TIME, *USERS.without("user"), *ITEMS.without("item")]),
)


@pytest.fixture
def store():
    log = LOG.select(["user", "item", "time"])
    return EmbeddedStore.build(log, Dataset.of(ITEM_ROWS, ITEMS), Dataset.of(USER_ROWS, USERS))


@pytest.fixture
def flow():
    return Workflow(
        [
            tags.any("categorical") >> ops.Categorify(),
            tags.any("continuous") >> ops.FillMissing(0.0) >> ops.Normalize(),
            ops.History("item", max_length=3) >> ops.Categorify(like="item"),
            ops.AsOf("item", "count") >> ops.LogOp(),
        ]
    ).fit(LOG)


def requests_of(**given):
    return Requests(["b", None, "a", "stranger"], times=np.array([15, 15, 12, 15]), **given)


def candidates():
    found = np.array([[0, 2], [3, 1], [1, 0], [2, 3]])
    return Candidates.of(found, np.ones((4, 2), np.float32), "all")


def assert_same(one: Batch, other: Batch):
    assert set(one) == set(other)
    assert one.query == other.query
    for name, column in other.items():
        left, right = (c.values if isinstance(c, Ragged) else c for c in (one[name], column))
        np.testing.assert_array_equal(left, right, err_msg=name)
        if isinstance(column, Ragged):
            np.testing.assert_array_equal(one[name].offsets, column.offsets)


def plain_query(state, flow, requests):
    return flow.transform_batch(state.raw.query(flow, requests, state.users(requests), state.times(requests)))


def plain_ranking(state, flow, requests):
    asked = requests, state.users(requests), state.times(requests)
    return flow.transform_batch(state.raw.ranking(flow, *asked, candidates()))


@pytest.mark.parametrize("packs", [(), PACKS, (("city", "brand"),)])
@pytest.mark.parametrize(
    "given",
    [{}, {"recent": Ragged.of([[3], [9], [], [1, 2]])}, {"context": {"city": ["y", "x", None, "zz"]}}],
)
def test_batches_are_those_of_the_plain_path(store, flow, packs, given):
    state, requests = State(store=store), requests_of(**given)
    for _ in range(2):  # at first the rows are encoded, then they are there
        query = state.query_batch(flow, requests, packs)
        assert_same(query, plain_query(state, flow, requests))
        assert_same(
            state.ranking_batch(flow, requests, candidates(), packs), plain_ranking(state, flow, requests)
        )


def test_blocks_hold_the_columns_of_packs(store, flow):
    state, requests = State(store=store), requests_of()
    batch = state.ranking_batch(flow, requests, candidates(), PACKS)
    block = batch.blocks["item", "brand"]
    assert block.dtype == np.int32
    np.testing.assert_array_equal(block[:, 1], batch["brand"])
    assert ("city",) in batch.blocks


def test_rows_are_encoded_once(store, flow, monkeypatch):
    state, requests = State(store=store), requests_of()
    first = state.ranking_batch(flow, requests, candidates(), PACKS)
    made = []
    plain = flow.transform_batch
    monkeypatch.setattr(flow, "transform_batch", lambda batch: made.extend(batch) or plain(batch))
    assert_same(state.ranking_batch(flow, requests, candidates(), PACKS), first)
    assert "brand" not in made
    assert "price" not in made
    assert made.count("city") == 1  # of the stranger and of nobody, who have no row


def test_a_workflow_that_is_fitted_again_is_asked_again(store, flow):
    state, requests = State(store=store), requests_of()
    before = state.query_batch(flow, requests)["city"].tolist()
    flow.fit(Dataset.of(rows_of(list("bbba"), [1, 2, 1, 3]), LOG.schema))
    after = state.query_batch(flow, requests)
    assert after["city"].tolist() != before
    assert_same(after, plain_query(state, flow, requests))


def test_what_takes_both_sides_is_not_kept(store):
    flow = Workflow([[["city", "brand"]] >> ops.HashedCross(7, name="both"), "age" >> ops.FillMissing(0.0)])
    flow.fit(LOG)
    state, requests = State(store=store), requests_of()
    batch = state.ranking_batch(flow, requests, candidates())
    assert "both" in batch
    assert_same(batch, plain_ranking(state, flow, requests))


def test_a_store_without_lasting_rows_is_read_every_time(store, flow):
    class Elsewhere:
        def __init__(self, store):
            self.store = store

        def __getattr__(self, name):
            if name == "lasting":
                raise AttributeError(name)
            return getattr(self.store, name)

    state, requests = State(store=Elsewhere(store)), requests_of()
    assert_same(state.query_batch(flow, requests, PACKS), plain_query(state, flow, requests))
    assert state.query_batch(flow, requests, PACKS).blocks == {}


def test_no_request_and_no_candidate(store, flow):
    state, nobody = State(store=store), Requests([])
    assert len(state.query_batch(flow, nobody)) == 0
    batch = state.ranking_batch(flow, requests_of(), Candidates.empty(4))
    assert len(batch) == 0


def test_lists_are_kept_element_by_element_only_where_elements_stand_alone(flow):
    assert flow.elementwise("item_history")
    other = Workflow([ops.History("item") >> ops.Categorify() >> ops.ListSlice(-2)]).fit(LOG)
    assert not other.elementwise("item_history")


def test_edited_items_are_encoded_as_they_are_now(store, flow):
    state, requests = State(store=store), requests_of()
    before = state.for_run().ranking_batch(flow, requests, candidates(), PACKS)
    store.upsert_items([(2, {"brand": "q", "price": 9.0}), (5, {"brand": "p"})])
    run = state.for_run()
    assert store.lasting("items").odd(np.array([0, 1, 4])).tolist() == [False, True, True]
    assert store.lasting("items").odd(np.array([0, 2])) is None
    after = run.ranking_batch(flow, requests, candidates(), PACKS)
    assert_same(after, plain_ranking(run, flow, requests))
    assert after["price"].tolist() != before["price"].tolist()
    found = Candidates.of(np.array([[4], [1], [4], [0]]), np.ones((4, 1), np.float32), "all")
    asked = requests, run.users(requests), run.times(requests)
    plain = flow.transform_batch(run.raw.ranking(flow, *asked, found))
    assert_same(run.ranking_batch(flow, requests, found, PACKS), plain)


def test_all_rows_can_be_learned_at_once():
    rows = KeptRows.empty(5, Batch({"a": np.zeros(1, np.int64), "b": np.zeros(1, np.float32)}), [("a",)])
    asked = []

    def encode(places):
        asked.extend(places.tolist())
        return Batch({"a": places * 10, "b": places.astype(np.float32)})

    rows.take(np.array([3]), encode)
    rows.learn_all(encode, chunk=2)
    assert sorted(asked) == [0, 1, 2, 3, 4]
    assert rows.take(np.array([4, 3]), encode)[0].tolist() == [[40], [30]]
    assert sorted(asked) == [0, 1, 2, 3, 4]


def test_rows_of_the_table_and_others(store):
    table = store.lasting("users")
    assert table.origin is table
    assert table.odd(np.array([0, 2])) is None
    assert table.odd(np.array([0, -1, 3])).tolist() == [False, True, True]
    assert len(store.lasting("items")) == 4
