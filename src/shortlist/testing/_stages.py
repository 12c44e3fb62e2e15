"""What every stage must keep."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Candidates, Ragged, Recommender, Requests, stack
from shortlist.pipeline import PlainStage, Stage, State, Told, is_source, load_stages

__all__ = ["check_recommender", "check_same", "check_saved_stage", "check_stage", "lists_of"]

_CLOSE = 1e-5


def lists_of(found: Candidates) -> list[list[tuple[int, float]]]:
    """Items and scores of every query."""
    pairs = list(zip(found.items.tolist(), found.scores.tolist(), strict=True))
    return [pairs[low:high] for low, high in zip(found.offsets[:-1], found.offsets[1:], strict=True)]


def check_stage(stage: Stage, requests: Requests, candidates: Candidates, state: State) -> None:
    """A stage leaves its input alone, works for no request, and gives each request what it gets alone.

    Requests in another order get the same, the columns of candidates stay with them, and what a stage says
    of itself for the trace is text.
    """
    marks = (7 * candidates.items + candidates.query_of).astype(np.float64)
    candidates = candidates.with_columns({"mark": marks})
    before = lists_of(candidates)
    found = stage.run(requests, candidates, state)
    assert lists_of(candidates) == before
    assert len(found) == len(requests)
    assert all(len({item for item, _ in row}) == len(row) for row in lists_of(found))
    for name in set(stage.gives) - {"candidates", "scores"}:
        assert len(found.columns[name]) == len(found.items)
    for row in range(len(requests)):
        mine = _only(candidates, row)
        check_same(_only(found, row), stage.run(requests.one(row), mine, state))
    if not is_source(stage):
        np.testing.assert_array_equal(found.columns["mark"], 7 * found.items + found.query_of)
    back = np.arange(len(requests))[::-1]
    turned = stage.run(requests.rows(back), _rows(candidates, back), state)
    for row in range(len(requests)):
        check_same(_only(found, row), _only(turned, len(requests) - 1 - row))
    if isinstance(stage, Told):
        assert all(isinstance(note, str) for note in stage.told(candidates, found))
    nobody = Requests([])
    assert len(stage.run(nobody, _like(candidates), state)) == 0


def check_saved_stage(stage: Stage, requests: Requests, candidates: Candidates, state: State) -> None:
    """What a stage is as plain data makes a stage that does the same, and is the same plain data again."""
    parts: dict[str, Any] = {}

    def write_part(_: str, part: Any) -> str:
        parts[str(id(part))] = part
        return str(id(part))

    assert isinstance(stage, PlainStage)
    plain = json.loads(json.dumps(stage.to_plain(write_part)))
    (again,), _ = load_stages({"stages": [plain], "fallback": None}, parts.__getitem__)
    assert isinstance(again, PlainStage)
    assert json.loads(json.dumps(again.to_plain(write_part))) == plain
    assert (again.name, again.needs, again.gives) == (stage.name, stage.needs, stage.gives)
    one, other = (each.run(requests, candidates, state) for each in (stage, again))
    assert lists_of(one) == lists_of(other)
    assert one.columns.keys() == other.columns.keys()


def check_recommender(pipe: Recommender, requests: Requests) -> None:
    """A request for many users gives the lists of as many requests for one; no list is longer than k."""
    found = pipe.run(requests)
    assert len(found) == len(requests)
    assert int(found.lengths.max(initial=0)) <= requests.k
    for row in range(len(requests)):
        check_same(_only(found, row), pipe.run(requests.one(row)))


def check_same(one: Candidates, other: Candidates) -> None:
    """Same items in the same order but between scores closer than 1e-5, and the same sources."""
    (left,), (right,) = lists_of(one), lists_of(other)
    assert len(left) == len(right)
    np.testing.assert_allclose([s for _, s in left], [s for _, s in right], atol=_CLOSE, rtol=0)
    differing = [place for place, (a, b) in enumerate(zip(left, right, strict=True)) if a[0] != b[0]]
    scores = dict(left) | dict(right)
    assert all(abs(scores[left[p][0]] - scores[right[p][0]]) < _CLOSE for p in differing)
    if not differing:
        assert [one.sources[s] for s in one.source] == [other.sources[s] for s in other.source]


def _only(found: Candidates, row: int) -> Candidates:
    kept = found.keep(found.query_of == row)
    bounds = np.array([0, int(found.lengths[row])])
    return Candidates(kept.items, bounds, kept.scores, kept.source, found.sources, kept.columns)


def _rows(found: Candidates, rows: npt.NDArray[np.int64]) -> Candidates:
    return stack([_only(found, int(row)) for row in rows])


def _like(candidates: Candidates) -> Candidates:
    columns = {name: values[:0] for name, values in candidates.columns.items()}
    empty = Candidates.empty(0)
    return Candidates(empty.items, Ragged.empty(0).offsets, empty.scores, empty.source, (), columns)
