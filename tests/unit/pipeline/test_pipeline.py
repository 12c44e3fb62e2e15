import time
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from shortlist import index
from shortlist.data import Candidates, Requests
from shortlist.errors import ArgumentError, PipelineError
from shortlist.features import Workflow
from shortlist.pipeline import (
    Apply,
    Drop,
    Learned,
    Merge,
    Pipeline,
    Popular,
    Repeats,
    Retrieve,
    Score,
    State,
    Take,
)
from shortlist.testing._stages import check_recommender, lists_of


def items(candidates: Candidates) -> list[list[int]]:
    return [[item for item, _ in row] for row in lists_of(candidates)]


@pytest.fixture
def pipe(tower: Any, cheap: Any, vectors: index.VectorIndex, flow: Workflow, state: State) -> Pipeline:
    stages = [
        Merge(Retrieve(tower, vectors, flow, k=4), Popular(k=3)),
        Drop(seen=True, unless="stock > 0"),
        Score(cheap, flow),
        Take(2),
    ]
    return Pipeline(stages, state=state)


ASKED = Requests(["ann", "bob", "nobody", None, "eve"], k=3, times=np.array([250, 601, 601, 601, 100]))


def test_many_users_get_what_each_gets_alone(pipe: Pipeline) -> None:
    check_recommender(pipe, ASKED)
    for length in range(1, 4):
        check_recommender(pipe[:length], ASKED)


def test_the_whole_way(pipe: Pipeline) -> None:
    assert items(pipe.run(ASKED)) == [[3], [3], [0, 3], [0, 3], [0, 3]]
    assert items(pipe.run(Requests([]))) == []
    assert items(pipe.run(Requests(["ann"], k=1))) == [[3]]
    assert items(pipe[:1].run(Requests(["ann"], k=99))) == [[0, 1, 2, 3]]


def test_the_trace_says_what_each_stage_did(pipe: Pipeline) -> None:
    found, trace = pipe.run(Requests(["bob"]), trace=True)
    assert items(found) == [[3]]
    assert [(s.name, s.before, s.after) for s in trace.stages] == [
        ("merge", 0, 4),
        ("drop", 4, 1),
        ("score", 1, 1),
        ("take", 1, 1),
    ]
    assert trace.stages[1].dropped == {"seen": 2, "not stock > 0": 1}
    assert trace.stages[0].sources == {"retrieve": 4}
    assert trace.milliseconds > 0
    assert "not stock > 0" in str(trace)


def test_check_prints_what_stages_need_and_give(pipe: Pipeline) -> None:
    text = str(pipe.check())
    assert "candidates, stock" in text
    assert "only with the request, else null: device" in text


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ([], "no stages"),
        ([Take(3)], "'take' as the first stage"),
        ([Popular(), Repeats()], "combine sources with Merge"),
        ([Popular(), "take"], "wrap a function"),
        (
            [
                Apply(lambda _r, c, _s: c, "half", (), ("candidates",)),
                Apply(lambda _r, c, _s: c, "x", ("scores",)),
            ],
            "without scores",
        ),
    ],
)
def test_wrong_orders_are_refused(stages: list[Any], words: str, state: State) -> None:
    with pytest.raises(PipelineError, match=words):
        Pipeline(stages, state=state)


def test_columns_that_nobody_gives_are_refused_before_the_first_request(state: State) -> None:
    pipe = Pipeline([Popular(), Drop(unless="stok > 0")], state=state)
    with pytest.raises(PipelineError, match="did you mean 'stock'"):
        pipe.run(Requests([]))
    given = Pipeline([Popular(), Drop(unless="popular_score > 1")], state=state)
    assert items(given.run(Requests(["x"]))) == [[0]]


def test_only_slices_are_pipelines(pipe: Pipeline) -> None:
    assert len(pipe) == 4
    assert [stage.name for stage in pipe[:2].stages] == ["merge", "drop"]
    with pytest.raises(PipelineError, match="write pipe"):
        pipe[0]  # type: ignore[index]
    with pytest.raises(PipelineError, match="as the first stage"):
        pipe[1:]


def test_cuts_are_told_to_the_sources(tower: Any, vectors: Any, flow: Workflow, state: State) -> None:
    asked: list[int] = []

    class Spy:
        keys, dim = vectors.keys, vectors.dim

        def search(self, queries: Any, k: int, *, allowed: Any = None) -> Any:
            asked.append(k)
            return vectors.search(queries, k, allowed=allowed)

    source = Retrieve(tower, Spy(), flow, k=5)
    requests = Requests(["ann"], k=3)
    Pipeline([source], state=state).run(requests)
    Pipeline([source, Take(2)], state=state).run(requests)
    Pipeline([Merge(source, Popular()), Take(4), Take(3)], state=state).run(Requests(["ann"], k=9))
    Pipeline([source, Drop(seen=True), Take(2)], state=state).run(requests)
    excluded = Requests(["ann"], k=3, exclude=_ragged([[10]]))
    assert items(Pipeline([source, Take(2)], state=state).run(excluded)) == [[1, 2]]
    assert asked == [3, 2, 3, 5, 5]


def _ragged(rows: list[list[Any]]) -> Any:
    from shortlist.data import Ragged

    return Ragged.of(rows, dtype=object)


def test_requests_without_candidates_get_the_fallback(state: State) -> None:
    requests = Requests(["ann", "nobody"], k=2)
    found, trace = Pipeline([Repeats()], state=state).run(requests, trace=True)
    assert items(found) == [[1, 0], [0, 1]]
    assert trace.notes == ("popular answers for 1 requests without candidates",)
    assert items(Pipeline([Repeats()], state=state, fallback=None).run(requests)) == [[1, 0], []]


class Broken:
    dim = 6

    def encode_query(self, _batch: Any) -> Any:
        raise RuntimeError("out of order")


class Slow:
    dim = 6

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def encode_query(self, batch: Any) -> Any:
        time.sleep(self.seconds)
        return np.ones((len(batch), 6), np.float32)


def test_a_failing_source_falls_back_when_live_and_is_raised_when_frozen(
    vectors: Any, flow: Workflow, state: State, caplog: pytest.LogCaptureFixture
) -> None:
    for limit in (None, 1000):
        pipe = Pipeline([Retrieve(Broken(), vectors, flow, timeout_ms=limit)], state=state)
        with pytest.raises(RuntimeError, match="out of order"):
            pipe.run(Requests(["ann"]))
        live = pipe.with_state(state.live())
        found, trace = live.run(Requests(["ann"], k=1), trace=True)
        assert items(found) == [[0]]
        assert trace.notes[0] == "retrieve failed: RuntimeError: out of order"
        assert "out of order" in caplog.text


def test_a_late_source_falls_back_when_live(vectors: Any, flow: Workflow, state: State) -> None:
    pipe = Pipeline([Merge(Retrieve(Slow(0.3), vectors, flow, timeout_ms=5), Repeats())], state=state)
    live = pipe.with_state(state.live())
    start = time.perf_counter()
    found, trace = live.run(Requests(["ann", "x"], k=2), trace=True)
    assert time.perf_counter() - start < 0.2
    assert items(found) == [[1, 0], [0, 1]]
    assert trace.notes == (
        "retrieve was later than 5 ms",
        "popular answers for 1 requests without candidates",
    )
    assert len(pipe.run(Requests(["ann"], k=5)).items) == 5
    quick = Pipeline([Retrieve(Slow(0), vectors, flow, timeout_ms=5000)], state=state.live())
    assert len(quick.run(Requests(["ann"], k=5)).items) == 5


def test_late_sources_do_not_pile_up(vectors: Any, flow: Workflow, state: State) -> None:
    live = Pipeline([Retrieve(Slow(0.4), vectors, flow, timeout_ms=0.01)], state=state.live())
    for _ in range(20):
        live.run(Requests(["ann"]))
    assert live._attempts._threads._value == 0
    time.sleep(0.5)
    assert live._attempts._threads._value == 16


def test_recommend_gives_a_frame(pipe: Pipeline) -> None:
    frame = pipe.recommend(["ann", None], k=2, columns=["name", "stock"])
    assert frame.schema == {
        "user": pl.String,
        "rank": pl.Int32,
        "item": pl.Int64,
        "score": pl.Float32,
        "source": pl.String,
        "name": pl.String,
        "stock": pl.Int64,
    }
    assert frame.rows() == [
        ("ann", 1, 40, -4.0, "retrieve", "forty", 4),
        (None, 1, 10, -1.0, "retrieve", "ten", 1),
        (None, 2, 40, -4.0, "retrieve", "forty", 4),
    ]
    assert pipe.recommend([], k=2, columns=["name"]).height == 0


def test_recommend_takes_what_is_known_now(pipe: Pipeline) -> None:
    assert pipe.recommend(["x"], exclude=[[10, "nothing"]])["item"].to_list() == [40]
    assert pipe.recommend(["x"], recent=[[40]])["item"].to_list() == [10]
    assert pipe.recommend(["ann"], time=datetime(1969, 1, 1))["item"].to_list() == [10, 40]
    assert pipe.recommend(["x"], filters=["price > 2"], k=9)["item"].to_list() == [40, 50]
    assert pipe.recommend(["x", "x"], time=[0, 601])["item"].to_list() == [10, 40, 10, 40]


def test_filters_search_within_and_hold_for_every_source(
    tower: Any, vectors: Any, flow: Workflow, state: State
) -> None:
    pipe = Pipeline([Retrieve(tower, vectors, flow, k=1)], state=state)
    assert pipe.recommend(["ann"], filters=["price >= 5"])["item"].to_list() == [50]
    assert Pipeline([Popular()], state=state).recommend(["x"], filters=["price >= 4"])["item"].to_list() == [
        40
    ]
    assert pipe.narrowed([]) is pipe


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"users": "ann"}, "a list of user ids"),
        ({"users": ["ann"], "k": 0}, "an integer >= 1"),
        ({"users": ["ann"], "recent": []}, "one row for each user"),
        ({"users": ["ann"], "columns": ["nam"]}, "did you mean 'name'"),
        ({"users": ["ann"], "filters": ["price"]}, "a column, one of"),
    ],
)
def test_bad_arguments_are_named(pipe: Pipeline, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        pipe.recommend(**arguments)


def test_a_learner_is_a_pipeline(state: State) -> None:
    class Last:
        def scores(self, rows: Any, users: Any = None) -> Any:
            return np.tile(np.arange(rows.shape[1], dtype=np.float32), (rows.shape[0], 1))

    pipe = Pipeline([Learned(Last()), Drop(seen=True), Take(2)], state=state)
    check_recommender(pipe, ASKED)
    assert items(pipe.run(Requests(["x"]))) == [[4, 3]]
