"""What a watcher of a pipeline is told."""

from collections.abc import Sequence

import numpy as np
import pytest

from shortlist.data import Candidates, Requests
from shortlist.pipeline import (
    Apply,
    Drop,
    Fallback,
    Limit,
    Merge,
    Note,
    Pipeline,
    Popular,
    Repeats,
    State,
    Step,
    Take,
    Trace,
)
from shortlist.testing._bundles import tiny_pipeline

Seen = list[tuple[int, list[Step]]]


def watched(pipe: Pipeline) -> tuple[Pipeline, Seen]:
    seen: Seen = []

    def watch(requests: int, steps: Sequence[Step]) -> None:
        seen.append((requests, list(steps)))

    return pipe.watched(watch), seen


def failing(requests: Requests, found: Candidates, state: State) -> Candidates:
    raise RuntimeError("the tower fell")


def test_every_run_is_told_stage_by_stage() -> None:
    pipe, seen = watched(tiny_pipeline())
    found = pipe.run(Requests(["u1", "u2"], k=2))
    ((requests, steps),) = seen
    assert requests == 2
    assert [step.stage.name for step in steps] == ["repeats", "drop", "take"]
    assert [len(step.after.items) for step in steps] == [4, 3, 3]
    assert steps[1].dropped() == {"not stock > 0": 1}
    assert steps[0].dropped() == {}
    assert all(step.seconds > 0 for step in steps)
    assert found.items.tolist() == steps[-1].after.first(2).items.tolist()


def test_a_watched_pipeline_answers_alike_traced_or_not_narrowed_or_cut() -> None:
    plain = tiny_pipeline()
    pipe, seen = watched(plain)
    requests = Requests(["u1", None], k=3)
    found, trace = pipe.run(requests, trace=True)
    assert np.array_equal(found.items, plain.run(requests).items)
    assert isinstance(trace, Trace)
    assert [stage.name for stage in trace.stages] == [step.stage.name for step in seen[0][1]]
    pipe.narrowed(["price < 2"]).run(requests)
    pipe[:2].run(requests)
    assert [len(steps) for _, steps in seen] == [3, 4, 2]


def test_a_fallback_is_told_with_its_reason() -> None:
    pipe, seen = watched(tiny_pipeline())
    pipe.run(Requests(["stranger", "u1", None]))
    (note,) = seen[0][1][0].notes
    assert (note.stage, note.reason, note.requests) == ("popular", "empty", 2)
    assert note == "popular answers for 2 requests without candidates"


@pytest.mark.filterwarnings("ignore")
def test_a_source_that_fails_is_told_with_its_reason() -> None:
    broken = Apply(failing, "towers", needs=(), gives=("candidates", "scores"))
    state = tiny_pipeline().state.live()
    pipe, seen = watched(Pipeline([Fallback(broken, Popular()), Drop(seen=True), Take(2)], state=state))
    pipe.run(Requests(["u1", "u2"]))
    notes = seen[0][1][0].notes
    assert [(note.stage, note.reason, note.requests) for note in notes] == [("towers", "failed", 2)]
    assert "the tower fell" in notes[0]


def test_sources_within_others_are_timed_each() -> None:
    state = tiny_pipeline().state.live()
    inner = Fallback(Repeats(k=2), Popular(k=3, name="second"))
    pipe, seen = watched(Pipeline([Merge(inner, Limit(Popular(), timeout_ms=60_000))], state=state))
    pipe.run(Requests(["u1", None]))
    told = seen[0][1][0].parts
    assert [name for name, _ in told] == ["fallback", "repeats", "second", "popular"]
    parts = dict(told)
    assert all(0 < seconds < 60 for seconds in parts.values())
    assert parts["fallback"] >= parts["repeats"] + parts["second"]


def test_a_note_is_text() -> None:
    note = Note.of("popular is late", "popular", "late", 3)
    assert note == "popular is late"
    assert type(str(note)) is str
