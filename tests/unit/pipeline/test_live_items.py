"""Items come and go while a pipeline answers: every source honours it from the next request on."""

from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist import index
from shortlist.data import Requests
from shortlist.errors import ArgumentError, PipelineError
from shortlist.features import Workflow
from shortlist.models.classical import ItemKNN
from shortlist.pipeline import (
    Cache,
    Diversify,
    Drop,
    Learned,
    Listed,
    LiveItems,
    Match,
    Merge,
    Pipeline,
    Popular,
    Repeats,
    Retrieve,
    State,
    Take,
    similar_items,
    similar_to,
)

CODES = {10: 0, 20: 1, 30: 2, 40: 3, 50: 4}


@dataclass
class Priced:
    """Items point to their code's axis (an unknown one to none), and along the last by their price / 10."""

    dim: int = 6
    calls: int = 0

    def encode_query(self, batch: Any) -> Any:
        out = np.zeros((len(batch), self.dim), dtype=np.float32)
        out[:, -1] = 1
        return out

    def encode_item(self, batch: Any) -> Any:
        self.calls += 1
        codes = batch.array("item")
        out = np.zeros((len(codes), self.dim), dtype=np.float32)
        known = np.flatnonzero(codes >= 3)
        out[known, codes[known] - 3] = 1
        out[:, -1] = np.where(np.isnan(prices := batch.array("price")), 0, prices) / 10
        return out


@pytest.fixture
def live(state: State) -> State:
    return state.live(lambda: 1_000_000_000)


@pytest.fixture
def held() -> index.HeldIndex:
    vectors = np.zeros((5, 6), dtype=np.float32)
    vectors[np.arange(5), np.arange(5)] = 1
    vectors[:, -1] = np.arange(1, 6) / 10
    return index.HeldIndex(index.build(vectors, [*CODES]))


@pytest.fixture
def pipe(live: State, held: index.HeldIndex, flow: Workflow) -> Pipeline:
    retrieve = Retrieve(Priced(), held, flow=flow, k=10)
    return Pipeline([retrieve, Match(retrieve.model, held, flow), Take(10)], state=live)


def lists(pipe: Pipeline, *users: Any, k: int = 10, **given: Any) -> list[list[Any]]:
    frame = pipe.recommend(list(users), k, **given)
    return [frame.filter(user=user)["item"].to_list() for user in users]


def test_an_upserted_item_is_found_and_a_deleted_one_never_again(pipe: Pipeline) -> None:
    """The query asks for the dearest: prices are 1, 2, 3, 4, 5 for 10 ... 50."""
    items = LiveItems(pipe)
    assert lists(pipe, "ann") == [[50, 40, 30, 20, 10]]
    items.upsert([(60, {"price": 4.5}), ("70", {"price": 9.0}), (10, {"price": 6.0})])
    assert lists(pipe, "ann", "new") == [[70, 10, 50, 60, 40, 30, 20]] * 2
    assert lists(pipe, "ann", filters=["price > 4"]) == [[70, 10, 50, 60]]
    items.delete([50, 70, "nothing"])
    assert lists(pipe, "ann") == [[10, 60, 40, 30, 20]]
    items.upsert([(70, {})])
    assert lists(pipe, "ann") == [[70, 10, 60, 40, 30, 20]]


def test_stock_changes_at_once(live: State, held: index.HeldIndex, flow: Workflow) -> None:
    pipe = Pipeline([Retrieve(Priced(), held, flow=flow, where="stock > 0")], state=live)
    items = LiveItems(pipe)
    assert lists(pipe, "ann") == [[50, 40, 10]]
    items.upsert([(30, {"stock": 1}), (50, {"stock": 0}), (60, {"price": 8, "stock": 2})])
    assert lists(pipe, "ann") == [[60, 40, 30, 10]]
    items.upsert([(60, {"stock": None})])
    assert lists(pipe, "ann") == [[40, 30, 10]]


def test_no_source_shows_a_deleted_item(live: State, held: index.HeldIndex, flow: Workflow) -> None:
    """Not popularity, not the user's own, not a hand-made list, not a learner, a cache, or a fallback."""
    users, things, _, weights = live.events()
    matrix = np.zeros((3, 5), dtype=np.float32)
    np.add.at(matrix, (users, things), weights)
    learner = ItemKNN(k=5).fit(csr_array(matrix))
    retrieve = Retrieve(Priced(), held, flow=flow, k=10)
    sources = [
        retrieve,
        Popular(),
        Repeats(),
        Listed((10, 20, 60)),
        Learned(learner),
        Cache(Popular(name="kept")),
    ]
    for source in [*sources, Merge(*sources)]:
        pipe = Pipeline([source, Take(10)], state=live, fallback=Popular(name="else"))
        items = LiveItems(Pipeline([retrieve], state=live))
        for pipeline in (pipe, pipe.cached()):
            items.upsert([(10, {}), (60, {"price": 7.0})])
            assert 10 in lists(pipeline, "ann")[0], source
            items.delete([10, 60])
            shown = {*chain.from_iterable(lists(pipeline, "ann", "nobody"))}
            assert not {10, 60} & shown, source


def test_events_of_a_new_item_are_read(live: State, held: index.HeldIndex, flow: Workflow) -> None:
    retrieve = Retrieve(Priced(), held, flow=flow, k=10)
    pipe = Pipeline([retrieve, Diversify(index=held, strength=0.1), Drop(seen=True), Take(10)], state=live)
    items = LiveItems(pipe)
    items.upsert([(60, {"price": 9.0})])
    assert lists(pipe, "ann")[0][0] == 60
    live.store.append_events(["ann", "zoe"], [60, 60], np.array([900, 900]))
    assert 60 not in lists(pipe, "ann")[0]
    assert lists(pipe, "zoe", "max")[0][0] != 60 == lists(pipe, "max")[0][0]
    assert lists(Pipeline([Popular()], state=live), "ann")[0][:2] == [10, 60]
    assert lists(Pipeline([Repeats()], state=live), "zoe") == [[60]]


def test_a_run_sees_one_catalogue(pipe: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is edited between its stages: its lists are those of the moment it began."""
    items, before = LiveItems(pipe), lists(pipe, "ann")
    real = Match.run

    def edited(stage: Match, *arguments: Any) -> Any:
        items.upsert([(60, {"price": 9.0}), (10, {"price": 8.0})])
        items.delete([50])
        pipe.state.store.append_events(["ann"], [60], np.array([1]))
        return real(stage, *arguments)

    monkeypatch.setattr(Match, "run", edited)
    assert lists(pipe, "ann") == before
    monkeypatch.undo()
    assert lists(pipe, "ann") == [[60, 10, 40, 30, 20]]


def test_an_edit_that_cannot_be_leaves_all_as_it_was(pipe: Pipeline) -> None:
    items, before = LiveItems(pipe), lists(pipe, "ann")
    with pytest.raises(ArgumentError, match=r"items\[1\]\.columns\.price: expected a number"):
        items.upsert([(60, {"price": 2}), (70, {"price": "dear"})])
    with pytest.raises(ArgumentError, match="columns of 60 of which the model makes no finite vector"):
        items.upsert([(60, {"price": 1e300})])
    ready = items.prepared([(60, {"price": 9.0})], gone=[10])
    assert lists(pipe, "ann") == before
    items.adopt(ready)
    assert lists(pipe, "ann") == [[60, 50, 40, 30, 20]]


def test_what_cannot_be_edited_is_refused(pipe: Pipeline, held: index.HeldIndex, flow: Workflow) -> None:
    fixed = Pipeline([Retrieve(Priced(), held.current, flow=flow)], state=pipe.state)
    with pytest.raises(PipelineError, match=r"received 'VectorIndex'.*load\(folder, editable=True\)"):
        LiveItems(fixed)

    class Other:
        until = 0

    with pytest.raises(PipelineError, match="expected an EmbeddedStore; received 'Other'"):
        LiveItems(Pipeline([Popular()], state=State(store=Other())))  # type: ignore[arg-type]


def test_similar_items_are_the_nearest_by_angle(pipe: Pipeline) -> None:
    """10 is (1, 0.1), 50 is (1, 0.5) on axes of their own: their cosine is .1 * .5 / sqrt(1.01 * 1.25)."""
    found = similar_items(pipe, [10, "50", 99], k=2, columns=["price"])
    assert found.columns == ["of", "rank", "item", "score", "price"]
    assert found["of"].to_list() == ["10", "10", "50", "50"]
    assert found["item"].to_list() == [50, 40, 40, 30]
    assert found["score"][0] == pytest.approx(0.1 * 0.5 / np.sqrt(1.01 * 1.25))
    items = LiveItems(pipe)
    items.upsert([(60, {"price": 3.0})])
    assert similar_items(pipe, [60], k=9)["item"].to_list() == [50, 40, 30, 20, 10]
    assert similar_items(pipe, [50], k=9)["item"].to_list()[0] == 60
    items.delete([60])
    assert 60 not in similar_items(pipe, [50], k=9)["item"].to_list()
    _, known = similar_to(pipe, [60, 98], Requests([None, None]))
    assert known.tolist() == [True, False]  # what was taken out still has a vector


def test_similar_items_obey_the_pipeline(live: State, held: index.HeldIndex, flow: Workflow) -> None:
    retrieve = Retrieve(Priced(), held, flow=flow, k=10, where="price < 5")
    pipe = Pipeline([retrieve, Drop(seen=True), Drop(unless="stock > 0"), Take(2)], state=live)
    assert similar_items(pipe, [30], k=9)["item"].to_list() == [40, 10]
    assert similar_items(pipe, [30], k=9, users=["ann"])["item"].to_list() == [40]
    assert similar_items(pipe, [30], k=9, filters=["price < 2"])["item"].to_list() == [10]
    assert similar_items(pipe, []).height == 0
    with pytest.raises(PipelineError, match=r"'popular'\], none with an index"):
        similar_items(Pipeline([Popular()], state=live), [30])
    match = Pipeline([Popular(), Match(Priced(), held, flow)], state=live)
    assert similar_items(match, [30], k=1)["item"].to_list() == [50]
    varied = Pipeline([Popular(), Diversify(index=held)], state=live)
    assert similar_items(varied, [30], k=1)["item"].to_list() == [50]


def test_similar_items_look_further_when_rules_leave_few(live: State, flow: Workflow) -> None:
    """A thousand items that are out of stock stand before the one that is not."""
    vectors = np.ones((5, 6), np.float32)
    held = index.HeldIndex(index.build(vectors, [*CODES]))
    pipe = Pipeline([Retrieve(Priced(), held, flow=flow, k=10), Drop(unless="stock > 3")], state=live)
    items = LiveItems(pipe)
    items.upsert(
        [(1000 + n, {"price": 5.0, "stock": 0}) for n in range(300)] + [(5000, {"price": 0.1, "stock": 9})]
    )
    held.upsert([1000 + n for n in range(300)], np.ones((300, 6), np.float32))
    assert similar_items(pipe, [10], k=3)["item"].to_list() == [40, 50, 5000]
