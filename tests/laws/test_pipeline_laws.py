"""Laws of pipelines: one user = many users, the plan changes nothing, and nothing comes from the future."""

from typing import Any

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist import index
from shortlist.data import Batch, Ragged, Requests
from shortlist.features import Workflow, ops
from shortlist.io import Dataset
from shortlist.pipeline import (
    Boost,
    Cache,
    Cap,
    Diversify,
    Drop,
    Explore,
    Fallback,
    Learned,
    Limit,
    Listed,
    Merge,
    Pin,
    Pipeline,
    Popular,
    Repeats,
    Retrieve,
    Sample,
    Score,
    State,
    Take,
)
from shortlist.schema import Column, Schema, tags
from shortlist.testing._stages import check_recommender, lists_of

USERS, ITEMS, DIM = 6, 12, 4
SCHEMA = Schema(
    [
        Column("user", "int64", ("user", "id", "categorical")),
        Column("item", "int64", ("item", "id", "categorical")),
        Column("time", "datetime", ("time",)),
    ]
)
ROWS = st.lists(
    st.tuples(st.integers(0, USERS - 1), st.integers(0, ITEMS - 1), st.integers(0, 20)),
    min_size=1,
    max_size=40,
)
ASKED = st.lists(st.tuples(st.one_of(st.none(), st.integers(0, USERS + 1)), st.integers(0, 22)), max_size=6)


def _dataset(rows: list[tuple[int, int, int]]) -> Dataset:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(("user", "item", "time"), pl.Int64), orient="row")
    return Dataset.of(frame.with_columns(pl.col("time").cast(pl.Datetime("us"))), SCHEMA)


class Tower:
    dim = DIM

    def encode_query(self, batch: Batch) -> Any:
        history = batch.ragged("item_history")
        out = np.zeros((len(batch), DIM), dtype=np.float32)
        np.add.at(out, (history.row_of, history.values % DIM), 1.0)
        return out + (batch.array("user")[:, None] % 3) / np.float32(7)


class Ranker:
    def score(self, batch: Batch) -> Any:
        return (
            batch.array("item") % 5 + batch.flat().array("user_count") * batch.array("pair_count")
        ).astype(np.float32)


class Learner:
    def scores(self, rows: Any, users: Any = None) -> Any:
        return np.asarray(
            rows @ np.outer(np.arange(rows.shape[1]), np.arange(rows.shape[1])), dtype=np.float32
        )


def _pipes(rows: list[tuple[int, int, int]]) -> list[Pipeline]:
    events = _dataset(rows)
    state = State(events)
    flow = Workflow(
        [
            tags.any("id") >> ops.Categorify(),
            ops.History("item", max_length=4) >> ops.Categorify(like="item"),
            ops.AsOf("pair", "count"),
            ops.AsOf("user", "count"),
        ]
    ).fit(events)
    ids = state.items.values
    rng = np.random.default_rng(len(rows))
    vectors = index.build(rng.integers(-2, 3, (len(ids), DIM)).astype(np.float32), ids)
    retrieve = Retrieve(Tower(), vectors, flow, k=7)
    return [
        Pipeline([retrieve, Drop(seen=True), Score(Ranker(), flow), Take(3)], state=state),
        Pipeline([Merge(Repeats(), retrieve, Popular(k=3)), Take(9)], state=state),
        Pipeline([Learned(Learner(), k=5), Drop(seen=True)], state=state, fallback=None),
        Pipeline([retrieve], state=state),
        Pipeline(
            [
                Fallback(Repeats(k=2), Merge(retrieve, Limit(Popular(k=5), timeout_ms=9)), at_least=3),
                Boost(where="item > 5", multiply=1.5),
                Cap("retrieval_score", most=2, within=4),
                Diversify(index=vectors, strength=0.5),
                Sample(temperature=2.0),
                Take(6),
            ],
            state=state,
        ),
        Pipeline(
            [
                Merge(Cache(retrieve), Listed(tuple(ids[:3].tolist()))),
                Diversify(index=vectors, strength=0.8, method="dpp", pool=6),
                Pin(2, where="item > 7"),
                Explore(epsilon=0.5, start=1, places=4),
            ],
            state=state,
        ),
    ]


def _requests(asked: list[tuple[Any, int]], k: int) -> Requests:
    recent = Ragged.of([[time % ITEMS] * (time % 3) for _, time in asked], dtype=object)
    exclude = Ragged.of([[time % 5] for _, time in asked], dtype=object)
    times = np.array([time for _, time in asked], dtype=np.int64)
    return Requests([user for user, _ in asked], k, times, {}, recent, exclude if k % 2 else None)


@settings(max_examples=25, deadline=None)
@given(ROWS, ASKED, st.integers(1, 15))
def test_one_user_is_many_users(rows: list[Any], asked: list[Any], k: int) -> None:
    for pipe in _pipes(rows):
        check_recommender(pipe, _requests(asked, k))


@settings(max_examples=25, deadline=None)
@given(ROWS, ASKED, st.integers(1, 15))
def test_telling_sources_what_is_enough_changes_nothing(rows: list[Any], asked: list[Any], k: int) -> None:
    requests = Requests([user for user, _ in asked], k, np.array([time for _, time in asked], dtype=np.int64))
    for pipe in _pipes(rows):
        whole = Requests(requests.users, ITEMS, requests.times)
        cut = pipe.run(whole).first(k)
        assert lists_of(pipe.run(requests)) == lists_of(cut)


@settings(max_examples=25, deadline=None)
@given(ROWS, ASKED)
def test_events_at_or_after_the_request_change_nothing(rows: list[Any], asked: list[Any]) -> None:
    cut = 10
    before = [row for row in rows if row[2] < cut]
    requests = Requests([user for user, _ in asked], 9, np.full(len(asked), cut))
    catalogue = Dataset.of(pl.DataFrame({"item": range(ITEMS)}), Schema([SCHEMA["item"]]))
    people = Dataset.of(pl.DataFrame({"user": range(USERS)}), Schema([SCHEMA["user"]]))
    known = [State(_dataset(part), items=catalogue, users=people) for part in (rows, before)]
    stages = [Merge(Repeats(), Popular(), Learned(Learner())), Drop(seen=True)]
    answers = [lists_of(Pipeline(stages, state=state).run(requests)) for state in known]
    assert answers[0] == answers[1]
