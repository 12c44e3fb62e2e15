"""Sources of sources, limits of time, and what is remembered."""

import time
from dataclasses import dataclass, field
from threading import Barrier, Event
from typing import Any

import numpy as np
import pytest

from shortlist.data import Candidates, Requests
from shortlist.errors import ArgumentError, PipelineError
from shortlist.pipeline import (
    Apply,
    Cache,
    Cap,
    Drop,
    Fallback,
    Limit,
    Listed,
    Merge,
    Pipeline,
    Popular,
    Repeats,
    Sample,
    State,
    Take,
    leaves,
)
from shortlist.store import EmbeddedStore
from shortlist.testing._stages import lists_of


@dataclass
class Probe:
    """A source of one item that counts its questions."""

    item: int = 0
    name: str = "probe"
    wait: Any = None
    timeout_ms: float | None = None
    asked: list[list[Any]] = field(default_factory=list)
    needs: tuple[str, ...] = ()
    gives: tuple[str, ...] = ("candidates", "scores", "probe_score")

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        self.asked.append(list(requests.users))
        if self.wait is not None:
            self.wait()
        ones = np.ones((len(requests), 1), np.float32)
        found = Candidates.of(np.full(ones.shape, self.item), ones, self.name)
        return found.with_columns({"probe_score": found.scores})


def live(state: State, moments: list[int] | None = None) -> State:
    times = [601] if moments is None else moments
    return state.live(clock=lambda: times[-1])


def items(candidates: Candidates) -> list[list[int]]:
    return [[item for item, _ in row] for row in lists_of(candidates)]


def broken(*_: Any) -> Candidates:
    raise RuntimeError("disk on fire")


BROKEN = Apply(broken, "broken", (), ("candidates", "scores", "broken_score"))


def test_the_next_source_is_asked_only_for_those_who_need_it(state: State) -> None:
    probe = Probe(4)
    stage = Fallback(Repeats(k=2), probe, at_least=2)
    got = stage.run(Requests(["ann", "nobody", "eve"]), Candidates.empty(3), state)
    assert items(got) == [[1, 0], [4], [3, 4]]
    assert probe.asked == [["nobody", "eve"]]
    assert [got.sources[s] for s in got.source] == ["repeats", "repeats", "probe", "repeats", "probe"]
    quiet = Fallback(Listed((10,)), probe).run(Requests(["ann"]), Candidates.empty(1), state)
    assert np.isnan(quiet.columns["probe_score"]).all()
    assert len(probe.asked) == 1
    assert stage.limited(1).parts[0].k == 2  # type: ignore[attr-defined]


def test_a_failing_source_falls_back_when_live_and_raises_when_frozen(state: State) -> None:
    pipe = Pipeline([Fallback(BROKEN, Listed((50,)), name="either"), Take(3)], state=state)
    with pytest.raises(RuntimeError, match="disk on fire"):
        pipe.run(Requests(["ann"]))
    found, trace = pipe.with_state(live(state)).run(Requests(["ann"]), trace=True)
    assert items(found) == [[4]]
    assert trace.notes == ("broken failed: RuntimeError: disk on fire",)
    assert np.isnan(found.columns["broken_score"]).all()


@pytest.mark.parametrize("parts", [(), (Popular(),), (Popular(), Popular()), (Popular(), Take(3))])
def test_a_fallback_wants_two_sources(parts: tuple[Any, ...]) -> None:
    with pytest.raises(PipelineError, match="two or more sources with different names"):
        Fallback(*parts)


def test_branches_with_limits_work_at_the_same_time(state: State) -> None:
    both = Barrier(2)
    one, other = (Probe(n, f"p{n}", wait=lambda: both.wait(5), timeout_ms=5000) for n in (0, 1))
    found = Pipeline([Merge(one, other)], state=live(state)).run(Requests(["ann"]))
    assert items(found) == [[0, 1]]


def test_a_late_branch_is_left_out_and_traced(state: State) -> None:
    end = Event()
    late = Limit(Probe(0, "late", wait=lambda: end.wait(30)), timeout_ms=20)
    pipe = Pipeline([Merge(late, Listed((50,)))], state=live(state))
    start = time.monotonic()
    found, trace = pipe.run(Requests(["ann"]), trace=True)
    assert time.monotonic() - start < 10
    end.set()
    assert items(found) == [[4]]
    assert trace.notes == ("late was later than 20 ms",)
    assert items(Pipeline([Merge(late, Listed((50,)))], state=state).run(Requests(["ann"]))) == [[0, 4]]


def test_a_late_stage_leaves_the_candidates_as_they_were(state: State) -> None:
    end = Event()

    def slow(_r: Requests, candidates: Candidates, _s: State) -> Candidates:
        end.wait(30)
        return candidates.with_scores(-candidates.scores).with_columns({"mine": candidates.scores})

    stage = Apply(slow, "slow", ("candidates",), ("mine",))
    limited = Limit(stage, timeout_ms=20)
    pipe = Pipeline([Listed((50, 10)), limited, Drop(where="mine > 99")], state=live(state))
    found, trace = pipe.run(Requests(["ann"]), trace=True)
    end.set()
    assert items(found) == [[4, 0]]
    assert np.isnan(found.columns["mine"]).all()
    assert trace.stages[1].notes == ("slow was later than 20 ms",)
    assert items(pipe.with_state(state).run(Requests(["ann"]))) == [[0, 4]]
    assert limited.limited(3) is limited
    failing = Pipeline([Listed((50,)), Limit(Apply(broken, "bad"), timeout_ms=9000)], state=live(state))
    assert failing.run(Requests(["ann"]), trace=True)[1].notes == ("bad failed: RuntimeError: disk on fire",)


def test_limits_are_above_zero() -> None:
    with pytest.raises(ArgumentError, match=r"Limit\.timeout_ms"):
        Limit(Popular(), timeout_ms=0)


def test_leaves_are_found_through_all_groups() -> None:
    nested = Merge(Limit(Fallback(Popular(), Listed((1,))), timeout_ms=9), Cache(Repeats()))
    assert [leaf.name for leaf in leaves(nested)] == ["popular", "listed", "repeats"]


def test_a_cached_source_is_asked_once_for_each_user(state: State) -> None:
    probe, moments = Probe(), [1000]
    pipe = Pipeline([Cache(probe, size=2, seconds=1)], state=live(state, moments))
    for users in (["ann", "bob"], ["bob", "ann"], ["ann", "eve", "ann"]):
        assert items(pipe.run(Requests(users))) == [[0]] * len(users)
    assert probe.asked == [["ann", "bob"], ["eve"]]
    pipe.run(Requests(["bob"]))  # was the oldest of three
    assert probe.asked[-1] == ["bob"]
    moments.append(2_001_001)
    pipe.run(Requests(["bob"]))
    assert len(probe.asked) == 4


def test_what_is_asked_differs_by_all_that_matters(state: State) -> None:
    probe = Probe()
    pipe = Pipeline([Cache(probe)], state=live(state), fallback=None)
    from shortlist.data import Ragged

    one = [
        Requests(["ann"]),
        Requests(["ann"], k=3),
        Requests(["ann"], times=np.array([5])),
        Requests(["ann"], context={"device": ["web"]}),
        Requests(["ann"], context={"device": ["app"]}),
        Requests(["ann"], recent=Ragged.of([[10]], dtype=object)),
        Requests(["ann"], exclude=Ragged.of([[10]], dtype=object)),
        Requests([None]),
    ]
    for _ in range(2):
        for requests in one:
            pipe.run(requests)
    assert len(probe.asked) == len(one)
    pipe.run(Requests(["ann"], ids=["r1"]))
    assert len(probe.asked) == len(one)


def test_a_cut_before_the_end_is_remembered_apart(state: State) -> None:
    pipe = Pipeline([Cache(Listed((10, 20, 30, 40, 50))), Cap("stock"), Take(3)], state=live(state))
    short = pipe[:1]
    assert items(short.run(Requests(["ann"], 1))) == [[0]]
    assert items(pipe.run(Requests(["ann"], 1))) == [[0]]
    assert len(pipe.run(Requests(["ann"], 3)).items) == 3


def test_an_event_of_the_user_ends_an_answer(store: EmbeddedStore) -> None:
    pipe = Pipeline([Repeats()], state=live(State(store=store), [10_000])).cached()
    assert items(pipe.run(Requests(["ann", "bob"]))) == [[1, 0], [0, 2]]
    store.append_events(["ann"], [50], np.array([700]))
    assert items(pipe.run(Requests(["ann", "bob"]))) == [[4, 1, 0], [0, 2]]
    store.append_events(["new"], [50], np.array([700]))
    assert items(pipe.run(Requests(["new"]))) == [[4]]


def test_whole_answers_are_remembered(state: State) -> None:
    probe = Probe()
    pipe = Pipeline([probe, Drop(unless="price < 3"), Take(2)], state=live(state)).cached(size=10)
    plain = Pipeline([Probe(), Drop(unless="price < 3"), Take(2)], state=live(state))
    for users in (["ann"], ["bob", "ann"], [None, "bob"], []):
        assert lists_of(pipe.run(Requests(users))) == lists_of(plain.run(Requests(users)))
    assert probe.asked == [["ann"], ["bob"], [None]]
    pipe.run(Requests(["ann"]), trace=True)
    pipe.narrowed(["price > 0"]).run(Requests(["ann"]))
    pipe[:1].run(Requests(["ann"]))
    pipe.with_state(state).run(Requests(["ann"]))
    assert len(probe.asked) == 7


def test_failures_are_not_remembered(state: State) -> None:
    for pipe in (
        Pipeline([Cache(BROKEN)], state=live(state)),
        Pipeline([Merge(BROKEN, Listed((50,)))], state=live(state)).cached(),
        Pipeline([Listed((50,)), Limit(Apply(broken, "bad"), timeout_ms=9000)], state=live(state)).cached(),
    ):
        notes: list[Any] = []
        for _ in range(2):
            pipe.run(Requests(["ann"]))
            notes.append(pipe.run(Requests(["ann"]), trace=True)[1].notes)
        assert all(any("disk on fire" in note for note in each) for each in notes)
    kept = Pipeline([Merge(BROKEN, Listed((50,)))], state=live(state)).cached()
    kept.run(Requests(["ann"]))
    assert kept._answers is not None
    assert not kept._answers._kept


def test_draws_are_remembered_by_request(state: State) -> None:
    pipe = Pipeline([Listed((10, 20, 30, 40, 50)), Sample(temperature=100)], state=live(state)).cached()
    orders = {tuple(pipe.run(Requests(["ann"], ids=[f"r{n}"])).items.tolist()) for n in range(20)}
    assert len(orders) > 5


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Cache(Popular(), size=0), r"Cache\.size"),
        (lambda: Cache(Popular(), seconds=0), r"Cache\.seconds"),
        (lambda: Pipeline([Popular()], state=State).cached(size=0), r"cached\.size"),  # type: ignore[arg-type]
        (lambda: Pipeline([Popular()], state=State).cached(seconds=-1), r"cached\.seconds"),  # type: ignore[arg-type]
    ],
)
def test_numbers_are_checked(make: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        make()


def test_only_sources_are_cached_as_stages() -> None:
    with pytest.raises(PipelineError, match="which finds no candidates"):
        Cache(Take(3))
