"""Exact indexes searched by products find what they find themselves."""

from typing import Any

import numpy as np
import pytest

from shortlist.data import Batch, Keys, Requests
from shortlist.evaluation import _evaluate, evaluate
from shortlist.index import build
from shortlist.io import Dataset
from shortlist.pipeline import Drop, Merge, Pipeline, Popular, Retrieve, State, Take, with_products

VECTORS = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)


class Encoder:
    """A vector for each user, by its number in the request."""

    def encode_query(self, batch: Batch) -> np.ndarray:
        return np.asarray(batch["vector"], dtype=np.float32)


class Flow:
    """Gives random vectors by the length of what it is asked for."""


def pipeline(state: State, kind: str, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    index = build(VECTORS, Keys([1, 2, 3, 4, 5]), kind=kind)  # type: ignore[arg-type]

    def encode(self: State, model: Any, flow: Any, requests: Requests) -> np.ndarray:
        drawn = np.random.default_rng(len(requests)).standard_normal((len(requests), 3)).astype(np.float32)
        drawn[:1] = np.nan
        return drawn

    monkeypatch.setattr(State, "encode_query", encode)
    source = Retrieve(Encoder(), index, Flow(), k=4, where="stock > 0")  # type: ignore[arg-type]
    return Pipeline([Merge(source, Popular(5)), Drop(seen=True), Take(3)], state=state)


def test_the_answers_are_the_same(state: State, test: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = pipeline(state, "exact", monkeypatch)
    quick = with_products(pipe)
    requests = Requests(["a", "b", "c", "d", "e"], k=3)
    assert type(quick.stages[0].sources[0].index) is not type(pipe.stages[0].sources[0].index)  # type: ignore[attr-defined]
    expected, found = pipe.run(requests), quick.run(requests)
    np.testing.assert_array_equal(found.items, expected.items)
    np.testing.assert_array_equal(found.offsets, expected.offsets)
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-5)
    plain = evaluate(pipe, test, metrics=("ndcg@3",), baselines=False)
    monkeypatch.setattr(_evaluate, "_MANY_USERS", 1)
    many = evaluate(pipe, test, metrics=("ndcg@3",), baselines=False)
    np.testing.assert_array_equal(many.values["pipeline"]["ndcg@3"], plain.values["pipeline"]["ndcg@3"])


def test_an_index_that_approximates_is_measured_as_it_is(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = pipeline(state, "hnsw", monkeypatch)
    assert with_products(pipe).stages[0].sources[0] is pipe.stages[0].sources[0]  # type: ignore[attr-defined]


def test_vectors_stay_those_of_the_index(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = with_products(pipeline(state, "exact", monkeypatch)).stages[0].sources[0].index  # type: ignore[attr-defined]
    assert quick.dim == 3
    np.testing.assert_array_equal(
        quick.vectors(np.array([4, -1])), np.stack([VECTORS[4], np.zeros(3, np.float32)])
    )
