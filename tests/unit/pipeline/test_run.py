"""What stages share while one batch of requests is answered."""

from typing import Any

import numpy as np

from shortlist import index
from shortlist.data import Candidates, Requests
from shortlist.features import Workflow
from shortlist.pipeline import Apply, Match, Merge, Pipeline, Popular, Repeats, Retrieve, Rule, State
from shortlist.pipeline._memo import Memo
from shortlist.store import EmbeddedStore


def test_a_query_is_encoded_once_a_run(
    state: State, flow: Workflow, tower: Any, vectors: index.VectorIndex
) -> None:
    stages = [Merge(Retrieve(tower, vectors, flow, k=2), Repeats()), Match(tower, vectors, flow)]
    pipe = Pipeline(stages, state=state)
    for runs in (1, 2):
        pipe.run(Requests(["ann"]))
        assert len(tower.seen) == runs


def test_outside_a_run_nothing_is_remembered_of_a_request(state: State, flow: Workflow, tower: Any) -> None:
    requests = Requests(["ann"])
    for asked in (1, 2):
        state.encode_query(tower, flow, requests)
        assert len(tower.seen) == asked


def test_the_present_stands_still_within_a_run(store: EmbeddedStore) -> None:
    moments: list[int] = []

    def look(_: Requests, candidates: Candidates, state: State) -> Candidates:
        moments.extend((state.now, state.now))
        return candidates

    live = State(store=store).live(clock=iter([1000, 2000]).__next__)
    pipe = Pipeline([Popular(), Apply(look, "look")], state=live)
    assert live.for_run().is_live
    pipe.run(Requests(["ann"]))
    assert moments == [2000, 2000]


def test_a_frozen_run_does_not_see_what_comes_meanwhile(store: EmbeddedStore) -> None:
    run = State(store=store).for_run()
    store.append_events(["ann"], [10], np.array([10**9]))
    assert (run.now, State(store=store).now) == (601, 10**9 + 1)


def test_popularity_is_ranked_again_when_events_come(store: EmbeddedStore) -> None:
    state = State(store=store, now=10**6)

    def ask() -> list[int]:
        found = Popular(k=1).run(Requests(["ann"]), Candidates.empty(1), state)
        return found.items.tolist()

    assert ask() == ask() == [0]
    store.append_events(["eve"] * 9, [30] * 9, np.full(9, 700))
    assert ask() == [2]


def test_rows_of_an_index_and_the_allowed_among_them(state: State) -> None:
    keys = index.build(np.eye(3, dtype=np.float32), [50, 10, 999]).keys
    assert state.positions_of(keys).tolist() == [4, 0, -1]
    assert state.rows_of(keys).tolist() == [1, -1, -1, -1, 0]
    allowed = state.allowed_rows(keys, (Rule.parse("price > 1"),))
    assert allowed is not None
    assert allowed.tolist() == [True, False, False]
    assert state.allowed_rows(index.build(np.eye(2, dtype=np.float32), [10, 20]).keys) is None


def test_a_memo_forgets_the_oldest() -> None:
    memo, made = Memo(size=2), []

    def make(value: int) -> int:
        made.append(value)
        return value

    for value in (1, 2, 1, 3, 2, 1):
        assert memo.get(value, lambda value=value: make(value)) == value
    assert made == [1, 2, 3, 1]
