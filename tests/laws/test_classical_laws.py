"""Laws of classical learners in a pipeline: saved and served without torch they answer the same."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

import shortlist as sl
from shortlist.models import classical
from shortlist.scorers import recommend
from shortlist.testing._stages import check_recommender

USERS, ITEMS = 30, 20
LEARNERS: dict[str, Any] = {
    "popular": classical.Popularity(),
    "own": classical.Repeats(),
    "item_knn": classical.ItemKNN(k=5),
    "tf_idf": classical.ItemKNN(k=5, weighting=classical.TFIDF()),
    "rp3beta": classical.RP3beta(k=5),
    "slim": classical.SLIM(l1=0.1, l2=1.0),
    "ease": classical.EASE(l2=1.0),
    "pure_svd": classical.PureSVD(dim=3),
    "ials": classical.IALS(dim=4, epochs=3),
    "ials_hu": classical.IALS(dim=4, epochs=3, alpha0=1.0, nu=0.0, alpha=5.0),
    "bpr_mf": classical.BPRMF(dim=4, epochs=5),
}


def _state() -> sl.State:
    rng = np.random.default_rng(0)
    rows = {
        "user": rng.integers(0, USERS, 300),
        "item": (rng.random(300) ** 2 * ITEMS).astype(int),
        "time": np.arange(300),
    }
    frame = pl.DataFrame(rows).with_columns(pl.col("time").cast(pl.Datetime("us")))
    schema = sl.Schema(
        [
            sl.Column("user", "int64", ("user", "id", "categorical")),
            sl.Column("item", "int64", ("item", "id", "categorical")),
            sl.Column("time", "datetime", ("time",)),
        ]
    )
    return sl.State(sl.Dataset.of(frame, schema))


@pytest.fixture(scope="module")
def state() -> sl.State:
    return _state()


@pytest.fixture(scope="module")
def models(state: sl.State) -> dict[str, Any]:
    users, items, times, _ = state.events()
    shape = len(state.store.users), len(state.items)
    events = classical.Events(users, items, times, np.ones(len(items)), shape)
    fitted = {name: learner.fit(events.matrix()) for name, learner in LEARNERS.items()}
    fitted["recent"] = classical.RecentPopularity(window=100).fit_events(events)
    fitted["own_timed"] = classical.Repeats().fit_events(events)
    return fitted


_FRESH = """
import json, sys
from shortlist.pipeline import load
frame = load(sys.argv[1]).recommend([*range(35), None], k=200)
print(json.dumps([frame[name].to_list() for name in ("user", "item", "score", "source")]))
found = [name for name in sys.modules if name.startswith(("torch", "numba", "onnx.", "shortlist.models"))]
print(found)
"""


def test_every_learner_is_saved_and_loaded_as_it_is(
    state: sl.State, models: dict[str, Any], tmp_path: Path
) -> None:
    for name, model in models.items():
        pipe = sl.Pipeline([sl.Learned(model, k=15, name=name), sl.Take(5)], state=state)
        sl.save(pipe, tmp_path / name)
    for name, model in models.items():
        again = sl.load(tmp_path / name)
        kept = again.stages[0].learner
        assert type(kept) is type(model)
        for array, other in zip(model.arrays().values(), kept.arrays().values(), strict=True):
            np.testing.assert_array_equal(array, other)


def test_a_fresh_process_answers_the_same_without_torch(
    state: sl.State, models: dict[str, Any], tmp_path: Path
) -> None:
    """All learners side by side in one pipeline, asked by a process that has only the bundle."""
    sources = [sl.Learned(model, k=ITEMS, name=name) for name, model in models.items()]
    pipe = sl.Pipeline([sl.Merge(*sources), sl.Take(200)], state=state)
    sl.save(pipe, tmp_path / "bundle")
    command = [sys.executable, "-c", _FRESH, str(tmp_path / "bundle")]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    answer, modules = run.stdout.splitlines()
    here = pipe.recommend([*range(35), None], k=200)
    users, items, scores, sources_of = json.loads(answer)
    assert users == here["user"].to_list()
    assert items == here["item"].to_list()
    assert sources_of == here["source"].to_list()
    np.testing.assert_allclose(scores, here["score"].to_list(), atol=1e-5)
    assert modules == "[]"


def test_a_loaded_bundle_is_saved_again(state: sl.State, models: dict[str, Any], tmp_path: Path) -> None:
    pipe = sl.Pipeline([sl.Learned(models["ials"], trained_until=5), sl.Take(3)], state=state)
    sl.save(pipe, tmp_path / "one")
    sl.save(sl.load(tmp_path / "one"), tmp_path / "two")
    twice = sl.load(tmp_path / "two")
    assert twice.stages[0].trained_until == 5
    assert twice.recommend([1, 2, None]).equals(pipe.recommend([1, 2, None]))


@pytest.mark.parametrize("name", [*LEARNERS, "recent", "own_timed"])
def test_one_user_is_many_users(name: str, state: sl.State, models: dict[str, Any]) -> None:
    pipe = sl.Pipeline([sl.Learned(models[name], k=15), sl.Drop(seen=True), sl.Take(5)], state=state)
    check_recommender(pipe, sl.Requests([*range(0, 35, 5), None, "nobody"], 5))


HISTORIES = st.lists(st.lists(st.integers(0, ITEMS - 1), max_size=6), max_size=5)


@settings(deadline=None, max_examples=20)
@given(histories=HISTORIES, k=st.integers(1, ITEMS + 3))
def test_recommend_is_recommend_all(histories: list[list[int]], k: int) -> None:
    models = _models_by_history()
    row = np.repeat(np.arange(len(histories)), [len(one) for one in histories])
    column = np.array([item for one in histories for item in one], dtype=int)
    rows = csr_array((np.ones(len(row)), (row, column)), shape=(len(histories), ITEMS))
    for model in models:
        items, scores = recommend(model, rows, k)
        full = model.scores(rows)
        for query, own in enumerate(histories):
            one = recommend(model, rows[[query]], k)
            np.testing.assert_allclose(one[1][0], scores[query], rtol=1e-4, atol=1e-5)
            found = items[query][items[query] >= 0]
            assert len(found) == min(k, ITEMS - len(set(own)))
            assert not set(found.tolist()) & set(own)
            left = np.setdiff1d(np.arange(ITEMS), [*found, *own])
            assert full[query, left].max(initial=-np.inf) <= full[query, found].min(initial=np.inf) + 1e-5


def _models_by_history(cache: list[Any] = []) -> list[Any]:  # noqa: B006 - fitted once
    if not cache:
        users, items, times, _ = _state().events()
        events = classical.Events(users, items, times, np.ones(len(items)), (USERS, ITEMS))
        cache += [learner.fit(events.matrix()) for name, learner in LEARNERS.items() if name != "own"]
    return cache
