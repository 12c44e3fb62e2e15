import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shortlist import export, index, pipeline
from shortlist.data import Candidates, Ragged, Requests
from shortlist.errors import PipelineError
from shortlist.features import Workflow
from shortlist.io import Dataset
from shortlist.pipeline import (
    Match,
    Merge,
    Pipeline,
    Popular,
    Retrieve,
    State,
    load_stages,
    ranking_examples,
    save_stages,
)
from shortlist.testing._stages import check_stage

# Row i of the index is 0.01 everywhere and 1.01 at i; dot products follow.
SELF = 1.01**2 + 5 * 0.01**2
OTHER = 2 * 1.01 * 0.01 + 4 * 0.01**2


@pytest.fixture
def match(tower: Any, vectors: index.VectorIndex, flow: Workflow) -> Match:
    return Match(tower, vectors, flow)


def found(match: Match, requests: Requests, state: State) -> Candidates:
    return match.run(requests, Popular().run(requests, Candidates.empty(len(requests)), state), state)


def test_columns_are_inner_products(match: Match, state: State) -> None:
    got = found(match, Requests(["ann"]), state)
    assert state.items.take(got.items).tolist() == [10, 20, 30, 40]
    # The query of ann is 1 at the places of 10 and 20, which she took, and 0.3, her age, in the last.
    near, far = 1.01 + 0.01 + 0.3 * 0.01, 2 * 0.01 + 0.3 * 0.01
    np.testing.assert_allclose(got.columns["match_score"], [near, near, far, far], rtol=1e-6)
    # Her recent taste is the mean of the vectors of 10 and 20.
    own = (SELF + OTHER) / 2
    np.testing.assert_allclose(got.columns["match_recent"], [own, own, OTHER, OTHER], rtol=1e-6)


def test_scores_and_order_stay(match: Match, state: State) -> None:
    got = found(match, Requests(["ann", "bob"]), state)
    before = Popular().run(Requests(["ann", "bob"]), Candidates.empty(2), state)
    assert got.items.tolist() == before.items.tolist()
    assert got.scores.tolist() == before.scores.tolist()
    assert set(got.columns) == {*before.columns, "match_score", "match_recent"}


def test_recent_says_how_far_back_to_look(match: Match, state: State) -> None:
    latest = replace(match, recent=1, name="last")
    assert latest.gives == ("last_score", "last_recent")
    got = found(latest, Requests(["ann"]), state)
    np.testing.assert_allclose(got.columns["last_recent"], [OTHER, SELF, OTHER, OTHER], rtol=1e-5)
    shown = Requests(["ann"], recent=Ragged.of([[30, "unknown"]], dtype=object))
    np.testing.assert_allclose(
        found(latest, shown, state).columns["last_recent"], [OTHER, OTHER, SELF, OTHER], rtol=1e-5
    )


def test_the_past_is_that_of_the_request(match: Match, state: State) -> None:
    asked = Requests(["ann"], times=np.array([150]))
    candidates = Candidates.of(np.array([[0, 1]]), np.array([[2.0, 1.0]], np.float32), "given")
    got = match.run(asked, candidates, state)
    np.testing.assert_allclose(got.columns["match_recent"], [SELF, OTHER], rtol=1e-5)


def test_nobody_and_items_outside_the_index_have_nothing(tower: Any, flow: Workflow, state: State) -> None:
    few = index.build(np.eye(6, dtype=np.float32)[:2], [20, 10])
    match = Match(tower, few, flow)
    got = found(match, Requests(["bob", None]), state)
    # The towers' vectors of 20 and 10 are the first and the second unit vector here; bob took 10, 30, 10.
    score, recent = (got.columns[name].reshape(2, 4) for name in match.gives)
    assert score[0].tolist() == [0.0, 2.0, 0.0, 0.0]
    np.testing.assert_allclose(recent[0], [2 / 3, 0, 0, 0], rtol=1e-6)
    assert recent[1].tolist() == [0.0] * 4


def test_one_user_is_many_users(match: Match, state: State) -> None:
    requests = Requests(["ann", None, "bob", "stranger"], times=np.array([150, 400, 450, 700]))
    candidates = Popular().run(requests, Candidates.empty(4), state)
    check_stage(match, requests, candidates, state)


def test_it_is_saved_and_loaded(match: Match, state: State) -> None:
    parts: dict[str, Any] = {}

    def write(kind: str, part: Any) -> str:
        parts[kind] = part
        return kind

    told = replace(match, recent=3, name="near", trained_until=601)
    plain = json.loads(json.dumps(save_stages(Pipeline([Popular(), told], state=state), write)))
    assert load_stages(plain, parts.__getitem__)[0] == (Popular(), told)


def test_it_needs_candidates(match: Match, state: State) -> None:
    with pytest.raises(PipelineError, match="candidates"):
        Pipeline([match], state=state)


def test_a_bundle_shares_its_parts_with_retrieval(shop: Any, tmp_path: Path) -> None:
    before = pipeline.load(shop.bundle)[:2]
    after = pipeline.load(export.save(before, tmp_path / "bundle"))
    merged, match = after.stages
    assert isinstance(merged, Merge)
    assert isinstance(match, Match)
    retrieve = merged.sources[0]
    assert isinstance(retrieve, Retrieve)
    assert (match.model, match.index, match.flow) == (retrieve.model, retrieve.index, retrieve.flow)
    requests = Requests([*range(5), None], k=20)
    one, other = before.run(requests), after.run(requests)
    assert one.items.tolist() == other.items.tolist()
    for name in ("match_score", "match_recent"):
        np.testing.assert_allclose(one.columns[name], other.columns[name], atol=1e-6)


def test_it_may_not_have_learned_from_the_ranker_s_window(match: Match, state: State, make_log: Any) -> None:
    later: Dataset = make_log([("ann", 40, 700, "app")])
    with pytest.raises(PipelineError, match="no trained_until"):
        ranking_examples(Pipeline([Popular(), match], state=state), later)
    leaking = Pipeline([Popular(), replace(match, trained_until=701)], state=state)
    with pytest.raises(PipelineError, match=r"stage 'match'.*trained until 701"):
        ranking_examples(leaking, later)
    honest = Pipeline([Popular(), replace(match, trained_until=700)], state=state)
    rows = ranking_examples(honest, later).collect()
    assert rows.filter(item=40)["label"].to_list() == [1]
    assert {"match_score", "match_recent"} <= set(rows.columns)
