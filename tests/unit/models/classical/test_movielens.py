"""Reference quality on MovieLens 100k.

Protocol: all ratings are positives; each user's are drawn 8:1:1, floor(n / 10) each for validation and test.
Fit on the training part. At test time the history is what is known before, training and validation, and those
items are filtered; all other items are ranked, ties decided against the model. Mean over users, then seeds.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from shortlist.metrics import hits_at, ndcg, rank_pessimistic
from shortlist.models.classical import EASE, IALS, ItemKNN, Popularity

pytestmark = pytest.mark.data
SEEDS = (2020, 2021, 2022)


@pytest.fixture(scope="module")
def ratings() -> tuple[np.ndarray, np.ndarray]:
    path = os.environ.get("SHORTLIST_ML100K")
    if path is None or not Path(path).is_file():
        pytest.fail(
            f"set SHORTLIST_ML100K to the path of ml-100k.inter (tab-separated, one header); it is {path!r}"
        )
    pairs = np.loadtxt(path, delimiter="\t", skiprows=1, usecols=(0, 1), dtype=np.int64)
    users, items = (np.unique(column, return_inverse=True)[1] for column in pairs.T)
    assert (users.max() + 1, items.max() + 1, len(users)) == (943, 1682, 100_000)
    return users, items


def _parts(users: np.ndarray, seed: int) -> np.ndarray:
    """0 train, 1 validation, 2 test."""
    rng = np.random.default_rng(seed)
    part = np.zeros(len(users), dtype=np.int64)
    for user in range(users.max() + 1):
        own = rng.permutation(np.flatnonzero(users == user))
        tenth = len(own) // 10
        part[own[:tenth]], part[own[tenth : 2 * tenth]] = 2, 1
    return part


def _ndcg(learner: Any, ratings: tuple[np.ndarray, np.ndarray], seed: int) -> float:
    users, items = ratings
    part = _parts(users, seed)

    def matrix(mask: np.ndarray) -> csr_array:
        return csr_array((np.ones(mask.sum()), (users[mask], items[mask])), shape=(943, 1682))

    known, truth = matrix(part < 2), matrix(part == 2)
    truth.sort_indices()
    scores = learner.fit(matrix(part == 0)).scores(known)
    ranks = rank_pessimistic(scores, truth.indptr, truth.indices, seen=known.toarray() > 0)
    return float(ndcg(hits_at(ranks, truth.indptr, 10), np.diff(truth.indptr), 10).mean())


@pytest.mark.parametrize(
    ("learner", "low", "high"),
    [
        (Popularity(), 0.13, 0.15),
        (ItemKNN(k=400), 0.26, 0.30),
        (IALS(dim=32), 0.318, 0.34),
        (EASE(l2=300.0), 0.325, 0.345),
    ],
    ids=["Popularity", "ItemKNN", "IALS", "EASE"],
)
def test_ndcg_at_10(learner: Any, low: float, high: float, ratings: tuple[np.ndarray, np.ndarray]) -> None:
    values = [_ndcg(learner, ratings, seed) for seed in SEEDS]
    assert low <= np.mean(values) <= high, values
