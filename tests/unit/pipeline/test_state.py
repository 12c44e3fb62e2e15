from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from shortlist.data import Batch, Candidates, Ragged, Requests
from shortlist.errors import ArgumentError, PipelineError
from shortlist.features import Workflow
from shortlist.io import Dataset
from shortlist.pipeline import Rule, State
from shortlist.pipeline._values import id_column
from shortlist.store import EmbeddedStore


def test_one_of_events_and_store_is_needed(store: EmbeddedStore, make_log: Callable[..., Dataset]) -> None:
    with pytest.raises(ArgumentError, match="neither train nor store"):
        State()
    with pytest.raises(ArgumentError, match="both train and store"):
        State(make_log([]), store=store)


def test_the_store_is_built_at_first_use(make_log: Callable[..., Dataset]) -> None:
    state = State(make_log([("ann", 10, 5, "web")]))
    assert repr(state) == "State(built at first use)"
    assert state.now == 6
    assert state.items.values.tolist() == [10]
    assert repr(state) == "State(6)"


def test_the_present_of_a_state(store: EmbeddedStore) -> None:
    assert State(store=store).now == 601
    assert State(store=store, now=7).pinned == 7
    assert State(store=store, now=datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)).now == 1_000_000
    live = State(store=store).live(clock=iter([5, 6]).__next__)
    assert live.is_live
    assert (live.now, live.now) == (5, 6)
    assert State(store=store).live().now > 1_600_000_000_000_000


def test_events_before_the_present(store: EmbeddedStore) -> None:
    users, items, times, weights = State(store=store, now=300).events()
    assert (users.tolist(), items.tolist(), times.tolist(), weights.tolist()) == (
        [0, 0],
        [0, 1],
        [100, 200],
        [1.0, 1.0],
    )


def test_histories_end_with_what_was_just_seen(state: State) -> None:
    recent = Ragged.of([[50, 999], [], [20]], dtype=object)
    requests = Requests(["ann", "bob", None], recent=recent, times=np.array([200, 601, 601]))
    assert state.histories(requests).to_lists() == [[0, 4], [0, 2, 0], [1]]
    assert state.histories(requests, limit=1).to_lists() == [[4], [0], [1]]


def test_the_query_side_of_a_request(state: State, flow: Workflow) -> None:
    requests = Requests(["ann", "bob", "new", None], context={"device": ["app", None, "web", "fridge"]})
    batch = state.query_batch(flow, requests)
    assert batch["item_history"].to_lists() == [[3, 4], [3, 5, 3], [], []]
    assert batch["age"].tolist() == [30.0, 0.0, 0.0, 0.0]
    assert flow.decode("user", batch["user"]) == ["ann", "bob", None, None]
    assert batch["user"].tolist()[2:] == [2, 1]
    assert flow.decode("device", batch["device"]) == ["app", None, "web", None]
    assert batch["user_count"].tolist() == [2.0, 3.0, 0.0, 0.0]
    assert "price" not in batch


def test_context_takes_the_place_of_the_user_table(state: State, flow: Workflow) -> None:
    batch = state.query_batch(flow, Requests(["ann"], context={"age": [77]}))
    assert batch["age"].tolist() == [77.0]
    assert batch["device"].tolist() == [1]


def test_the_item_side(state: State, flow: Workflow) -> None:
    batch = state.item_batch(flow)
    assert flow.decode("item", batch["item"]) == [10, 20, 30, 40, 50]
    assert batch["price"].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    day = 86_400_000_000
    np.testing.assert_allclose(
        batch["item_days_since"], [101 / day, 401 / day, 201 / day, 1 / day, np.nan], rtol=1e-6
    )
    assert state.item_batch(flow, np.array([3]))["price"].tolist() == [4.0]
    assert len(state.item_batch(flow, np.zeros(0, np.int64))) == 0


def test_ranking_batches_have_each_side_once(state: State, flow: Workflow) -> None:
    found = Candidates.of(np.array([[0, 2, -1], [4, 0, 1]]), np.zeros((2, 3), np.float32), "x")
    batch = state.ranking_batch(flow, Requests(["bob", "zed"], times=np.array([500, 601])), found)
    assert batch.queries == 2
    assert batch["user_count"].tolist() == [2.0, 0.0]
    assert batch["item_history"].to_lists() == [[3, 5], []]
    assert batch["price"].tolist() == [1.0, 3.0, 5.0, 1.0, 2.0]
    assert batch["pair_count"].tolist() == [1.0, 1.0, 0.0, 0.0, 0.0]
    assert batch.query_of is not None
    assert batch.query_of.tolist() == [0, 0, 1, 1, 1]


def test_no_requests_give_empty_batches(state: State, flow: Workflow) -> None:
    assert len(state.query_batch(flow, Requests([]))) == 0
    batch = state.ranking_batch(flow, Requests([]), Candidates.empty(0))
    assert (len(batch), batch.queries) == (0, 0)


def test_rules_are_asked_of_the_item_table(state: State) -> None:
    assert state.allowed((Rule.parse("stock > 0"),)).tolist() == [True, False, False, True, True]
    with pytest.raises(PipelineError, match="did you mean 'stock'"):
        state.allowed((Rule.parse("stok > 0"),))


def test_lists_are_no_rule_column(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def lists(items: Any, names: tuple[str, ...]) -> dict[str, Ragged]:
        return {name: Ragged.empty(len(items)) for name in names}

    state = State(store=store)
    monkeypatch.setattr(store, "item_columns", lists)
    with pytest.raises(PipelineError, match="lists in 'price'"):
        state.item_column("price")


@pytest.mark.parametrize(("ids", "codes"), [([10, "20", "x", None], [3, 4, 2, 1])])
def test_foreign_ids_are_unknown_not_errors(
    state: State, flow: Workflow, ids: list[Any], codes: list[int]
) -> None:
    column = id_column(ids, state.items)
    assert flow.transform_batch(Batch({"item": column}))["item"].tolist() == codes


def test_a_store_that_wraps_another_is_read_as_it_says(state: State) -> None:
    """What it does not have itself it hands on, but not that it may be edited."""

    class Fewer:
        listed = np.array([True, False, True, True, True])

        def __getattr__(self, name: str) -> Any:
            return getattr(state.store, name)

    fewer: Any = Fewer()
    assert State(store=fewer).for_run().allowed().tolist() == [True, False, True, True, True]
    assert State(store=fewer).for_run().store is fewer
