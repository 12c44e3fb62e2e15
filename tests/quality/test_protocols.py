"""MovieLens 100k under four protocols: popularity and EASE must give the figures others got with other code.

Popularity has nothing to tune and nothing drawn: its row checks splits, filters, catalogue and metrics.
Expected are means over seeds; the deviation between seeds (random deals: popularity .0055, EASE .0041) is
the tolerance. Run with ``-rP`` to see the figures.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

import shortlist as sl
from shortlist.data import Candidates, Requests
from shortlist.models.classical import EASE, Popularity

pytestmark = pytest.mark.data

METRICS = ("ndcg@10", "recall@10", "precision@10", "hit_rate@10", "mrr@10")
MANY = 10_000


@pytest.fixture(scope="module")
def ratings() -> sl.Dataset:
    file = os.environ.get("SHORTLIST_ML100K")
    if file is None:
        pytest.fail("SHORTLIST_ML100K must be the path of ml-100k.inter; make test-data sets it")
    return sl.datasets.movielens_100k(Path(file).parent)


def pairs(state: sl.State, part: sl.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the users and items of a part."""
    frame = part.collect()
    users = state.store.user_positions(frame[part.schema.user.name].to_list())
    return users, state.items.positions(frame[part.schema.item.name].to_list())


def measured(
    split: sl.split.Split, l2: float, *, learn_from: sl.Dataset, hidden: sl.Dataset | None = None
) -> sl.Evaluation:
    """Popularity and EASE of some events; further events are hidden from the lists without being learned."""
    state = sl.State(learn_from)
    users, items = pairs(state, learn_from)
    shape = len(state.store.users), len(state.items)
    seen = csr_array((np.ones(len(users)), (users, items)), shape=shape)
    stages: list[sl.Drop] = [sl.Drop(seen=True)]
    if hidden is not None:
        known, taken = pairs(state, hidden)
        keys = known * MANY + taken

        def has(requests: Requests, found: Candidates, state: sl.State) -> np.ndarray:
            return np.isin(state.users(requests)[found.query_of] * MANY + found.items, keys)

        stages.append(sl.Drop(where=has))
    learned = {"popular": Popularity().fit(seen), "EASE": EASE(l2=l2).fit(seen)}
    pipes = {
        name: sl.Pipeline([sl.Learned(model, k=MANY), *stages, sl.Take(10)], state=state, fallback=None)
        for name, model in learned.items()
    }
    found = sl.evaluate(pipes, split.test, metrics=METRICS, seen="drop", baselines=False, split=split)
    print(f"{found}\n")
    return found


def close(found: list[sl.Evaluation], model: str, expected: dict[str, float], tolerance: float) -> None:
    means = {metric: float(np.mean([one.of(model, metric) for one in found])) for metric in expected}
    assert means == pytest.approx(expected, abs=tolerance)


def test_random_per_user(ratings: sl.Dataset) -> None:
    """RS811/u/full/filter, three seeds: learned from training, validation hidden."""
    found = []
    for seed in (2020, 2021, 2022):
        split = sl.split.by_user_random(ratings, seed=seed)
        found.append(measured(split, 300.0, learn_from=split.train, hidden=split.valid))
    assert {one.protocol.word for one in found} == {"RS811/u/full/filter"}
    assert {one.protocol.count for one in found} == {943}
    close(found, "popular", {"ndcg@10": 0.140, "recall@10": 0.124, "precision@10": 0.102}, 0.0055)
    close(found, "popular", {"mrr@10": 0.267, "hit_rate@10": 0.574}, 0.02)
    close(found, "EASE", {"ndcg@10": 0.330, "recall@10": 0.277, "precision@10": 0.222}, 0.0055)
    close(found, "EASE", {"mrr@10": 0.526, "hit_rate@10": 0.804}, 0.015)


def test_stratified(ratings: sl.Dataset) -> None:
    """RS75:25/u/full/filter, two seeds."""
    splits = [sl.split.stratified(ratings, seed=seed) for seed in (0, 1)]
    found = [measured(split, 500.0, learn_from=split.train) for split in splits]
    close(found, "popular", {"ndcg@10": 0.249, "precision@10": 0.224, "recall@10": 0.110}, 0.0055)
    close(found, "EASE", {"ndcg@10": 0.482, "precision@10": 0.420, "recall@10": 0.222}, 0.0055)


def test_last_out(ratings: sl.Dataset) -> None:
    """LOO/full/filter: nothing is drawn, so that popularity is the same to the digit."""
    split = sl.split.last_out(ratings)
    assert split.valid is not None
    found = [measured(split, 100.0, learn_from=sl.concat([split.train, split.valid]))]
    close(found, "popular", {"recall@10": 0.086, "ndcg@10": 0.044}, 0.001)
    close(found, "EASE", {"recall@10": 0.149, "ndcg@10": 0.072}, 0.001)


def test_global_time(ratings: sl.Dataset) -> None:
    """GTS/full/filter, 80:10:10, the 90 of 166 test users who have a history."""
    split = sl.split.by_time(ratings, valid=0.1, test=0.1)
    assert split.valid is not None
    found = measured(split, 300.0, learn_from=sl.concat([split.train, split.valid]))
    warm = ~found.slices["cold user"]
    assert (len(warm), warm.sum()) == (166, 90)
    assert split.report.warnings == ()
    expected = {"popular": {"ndcg@10": 0.151}, "EASE": {"ndcg@10": 0.215, "recall@10": 0.094}}
    for model, values in expected.items():
        got = {metric: found.values[model][metric][warm].mean() for metric in values}
        assert got == pytest.approx(values, abs=0.0015)
