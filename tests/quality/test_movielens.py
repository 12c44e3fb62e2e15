"""MovieLens 100k dealt out at random, 8:1:1 per user: full catalogue, seen items filtered, one query a user.

What is learned comes from the training part; the validation part chooses the epoch and counts as seen.
Run with ``-rP`` to see the figures.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

import shortlist as sl
from shortlist import metrics, ops, tags
from shortlist.samplers import Population, Rows
from shortlist.train import FitReport

pytestmark = pytest.mark.data

SEEDS = (2020, 2021, 2022)
NDCG = "ndcg@10"


class WrongSign(sl.InBatch):
    """In-batch negatives whose probabilities are turned upside down."""

    def expected(self, population: Population, codes: np.ndarray, rows: Rows) -> np.ndarray:
        return 1.0 / super().expected(population, codes, rows)


@dataclass
class Deal:
    """One random deal of the ratings; ``past`` is what counts as seen: training and validation."""

    seed: int
    train: sl.Dataset
    valid: sl.Dataset
    test: sl.Dataset
    past: sl.State

    def towers(
        self, objective: sl.SampledSoftmax | sl.FullSoftmax, *, patience: int
    ) -> tuple[dict[str, sl.Pipeline], FitReport]:
        """Two towers of ids alone, stopped by their validation."""
        flow = sl.Workflow([tags.any("id") >> ops.Categorify()]).fit(self.train)
        model = sl.TwoTower(flow.schema, dim=64, seed=self.seed)
        options = sl.FitOptions(epochs=60, batch_size=1024, lr=3e-3, patience=patience, seed=self.seed)
        report = sl.fit(
            model, flow.transform(self.train), objective, valid=flow.transform(self.valid), options=options
        )
        index = sl.build_index(model, flow, self.past, kind="exact")
        retrieve = sl.Retrieve(model, index, flow=flow)
        return {"two-tower": sl.Pipeline([retrieve, sl.Take(10)], state=self.past)}, report

    def evaluated(self, pipes: dict[str, sl.Pipeline], *, baselines: bool = False) -> sl.Evaluation:
        split = f"random per user 8:1:1, seed {self.seed}"
        return sl.evaluate(pipes, self.test, seen="drop", baselines=baselines, split=split)

    def pairs(self, part: sl.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Positions of users and items; -1 for what only the test knows."""
        frame, schema = part.collect(), part.schema
        users = self.past.store.user_positions(frame[schema.user.name].to_list())
        return users, self.past.items.positions(frame[schema.item.name].to_list())


@pytest.fixture(scope="module")
def ratings() -> sl.Dataset:
    file = os.environ.get("SHORTLIST_ML100K")
    if file is None:
        pytest.fail("SHORTLIST_ML100K must be the path of ml-100k.inter; make test-data sets it")
    return sl.datasets.movielens_100k(Path(file).parent)


def deal(ratings: sl.Dataset, seed: int) -> Deal:
    train, valid, test = sl.split.by_user_random(ratings, seed=seed)
    past = sl.Dataset.of([train.collect(), valid.collect()], train.schema)
    return Deal(seed, train, valid, test, sl.State(past))


def test_towers_of_ids_reach_the_linear_models(ratings: sl.Dataset) -> None:
    found = []
    for seed in SEEDS:
        one, started = deal(ratings, seed), time.perf_counter()
        pipes, report = one.towers(sl.SampledSoftmax(temperature=0.2), patience=6)
        seconds = time.perf_counter() - started
        evaluation = one.evaluated(pipes, baselines=seed == SEEDS[0])
        found.append(evaluation.of("two-tower", NDCG))
        print(f"{evaluation}\nepoch {report.best} of {len(report.epochs)}, {seconds:.1f} s\n")
    print(f"two-tower {NDCG} {np.mean(found):.4f} +- {np.std(found, ddof=1):.4f}")
    assert np.mean(found) >= 0.325


def test_ease_reaches_its_published_figure(ratings: sl.Dataset) -> None:
    found = [ease_ndcg(deal(ratings, seed)) for seed in SEEDS]
    print(f"EASE {NDCG} {np.mean(found):.4f} +- {np.std(found, ddof=1):.4f}: {np.round(found, 4)}")
    assert np.mean(found) >= 0.325


def ease_ndcg(one: Deal) -> float:
    """EASE that knows the training part alone, as a learner and in the histories it scores."""
    users, items = one.pairs(one.train)
    shape = len(one.past.store.users), len(one.past.items)
    matrix = csr_array((np.ones(len(users), np.float32), (users, items)), shape=shape)
    scores = sl.EASE(l2=300.0).fit(matrix).scores(matrix)
    for part in (one.train, one.valid):
        scores[one.pairs(part)] = -np.inf
    users, items = one.pairs(one.test)
    # Items that the past lacks count, and cannot be found: positions past the end of the catalogue.
    items = np.where(items < 0, shape[1] + np.arange(len(items)), items)
    order = np.lexsort((items, users))
    offsets = np.searchsorted(users[order], np.arange(shape[0] + 1))
    best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    found = metrics.hits(best, offsets, items[order])
    return float(metrics.ndcg(found, np.diff(offsets), 10).mean())


@pytest.mark.filterwarnings("ignore:fit. nothing was learned")  # which is what the first two are to show
def test_each_correction_of_in_batch_negatives_earns_its_place(ratings: sl.Dataset) -> None:
    one = deal(ratings, SEEDS[0])
    objectives = {
        "wrong sign": sl.SampledSoftmax(0.1, WrongSign(), mask_known=False),
        "none": sl.SampledSoftmax(0.1, logq=False, mask_known=False),
        "logQ": sl.SampledSoftmax(0.1, mask_known=False),
        "logQ, positive exact": sl.SampledSoftmax(0.1, mask_known=False, correct_positive=False),
        "logQ, known masked": sl.SampledSoftmax(0.1),
        "catalogue": sl.FullSoftmax(0.1, mask_known=False),
        "catalogue, known masked": sl.FullSoftmax(0.1),
        "logQ, known masked, 0.2": sl.SampledSoftmax(0.2),
        "catalogue, known masked, 0.2": sl.FullSoftmax(0.2),
    }
    found = {}
    for name, objective in objectives.items():
        pipes, _ = one.towers(objective, patience=6)
        found[name] = one.evaluated(pipes).of("two-tower", NDCG)
        print(f"{name:30s} {found[name]:.4f}")
    assert found["wrong sign"] < 0.03
    assert found["none"] < 0.1
    assert found["logQ"] > 0.22
    assert found["logQ, known masked"] > found["logQ"] + 0.01
    assert found["logQ, known masked, 0.2"] > found["logQ, known masked"] + 0.01
    # What is sampled estimates the softmax over the whole catalogue.
    assert abs(found["logQ, positive exact"] - found["catalogue"]) < 0.04
    assert abs(found["logQ, known masked, 0.2"] - found["catalogue, known masked, 0.2"]) < 0.03
    assert found["catalogue, known masked"] > found["catalogue"] + 0.01
    assert found["catalogue, known masked, 0.2"] > 0.30
