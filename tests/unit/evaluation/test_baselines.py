from functools import partial

import numpy as np
import pytest

from shortlist.data import Requests
from shortlist.errors import DataError
from shortlist.evaluation import _baselines, baselines, evaluate
from shortlist.io import Dataset
from shortlist.models.classical import EASE
from shortlist.pipeline import Pipeline, State

ALL = ("popular", "popular, 30 days", "own repeats", "item-kNN", "EASE", "iALS")


def test_all_of_them_stand_beside_a_pipeline(popular: Pipeline, test: Dataset) -> None:
    kept = evaluate(popular, test, metrics=("recall@3",))
    assert kept.models == ("pipeline", *ALL)
    assert kept.values["popular"]["recall@3"].tolist() == kept.values["pipeline"]["recall@3"].tolist()
    # Own items first, the latest of them first, then the popular ones: 2 1 3, 3 1 2, 2 1 3, 1 2 3.
    assert kept.values["own repeats"]["recall@3"].tolist() == [1.0, 1.0, 1.0, 0.5]
    dropped = evaluate(popular, test, metrics=("recall@3",), seen="drop")
    assert dropped.models == ("pipeline", *(name for name in ALL if name != "own repeats"))


def test_they_serve_from_the_same_state(state: State) -> None:
    for drop_seen in (False, True):
        pipes = baselines(state, 2, drop_seen=drop_seen)
        assert all(pipe.state is state for pipe in pipes.values())
        lists = {name: pipe.run(Requests(["a"], k=2)).matrix(2)[0].tolist() for name, pipe in pipes.items()}
        # Positions of the items 1, 2, 3 are 0, 1, 2; a has seen the first two.
        assert lists["popular"] == ([2, -1] if drop_seen else [0, 1])
        if drop_seen:
            assert not {0, 1} & {item for found in lists.values() for item in found}


def test_a_pair_seen_often_counts_once(state: State) -> None:
    seen = _baselines.seen_matrix(state)
    assert seen.toarray().tolist() == [[1, 1, 0, 0, 0], [1, 0, 1, 0, 0], [1, 1, 0, 0, 0]]
    grown = State(store=state.store)
    grown.store.append_events(["a"], [1], np.array([7]))
    assert _baselines.seen_matrix(grown).toarray().tolist() == seen.toarray().tolist()


def test_ease_is_left_out_of_large_catalogues(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, there in ((5, True), (4, False)):
        monkeypatch.setattr(_baselines, "EASE", partial(EASE, max_items=limit))
        assert ("EASE" in baselines(state, 3, drop_seen=False)) is there


def test_they_need_events(state: State) -> None:
    with pytest.raises(DataError, match="a state without events"):
        baselines(State(store=state.store, now=0), 3, drop_seen=False)


def test_who_has_no_history_gets_the_popular_items(state: State) -> None:
    pipes = baselines(state, 2, drop_seen=False)
    for name in ("item-kNN", "EASE", "iALS"):
        lists = pipes[name].run(Requests(["nobody", "a", None], k=2)).matrix(2)
        # Items 1 and 2 are the most popular; a gets what the learner says.
        assert lists[[0, 2]].tolist() == [[0, 1], [0, 1]]
        source = pipes[name].stages[0]
        assert source.name == "learned"
        assert source.run(Requests(["nobody", "a"], k=2), None, state).lengths.tolist()[0] == 0  # type: ignore[arg-type]
