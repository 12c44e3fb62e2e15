"""Diversify: what is chosen is what the formulas say."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from shortlist import index
from shortlist.data import Candidates, Ragged, Requests
from shortlist.errors import ArgumentError
from shortlist.pipeline import Diversify, Pipeline, Popular, State, Take
from shortlist.pipeline._greedy import determinantal, marginal
from shortlist.testing._stages import lists_of

ONE = Requests(["ann"])


def found(items: list[int], scores: list[float], **columns: Any) -> Candidates:
    some = (
        np.array(items),
        np.array([0, len(items)]),
        np.array(scores, np.float32),
        np.zeros(len(items), np.int16),
    )
    return Candidates(*some, ("x",), columns)


def order(candidates: Candidates) -> list[int]:
    return [item for item, _ in lists_of(candidates)[0]]


def test_mmr_by_a_column(state: State) -> None:
    kinds = np.array(["a", "a", "b", "a", None], dtype=object)
    candidates = found([0, 1, 2, 3, 4], [1.0, 0.9, 0.5, 0.2, 0.0], kind=kinds)
    # After item 0: .7 * .9 - .3 = .33 for 1, .7 * .5 = .35 for 2; then .33, .7 * .2 - .3, and 0 for the null.
    assert order(Diversify(by="kind", strength=0.3).run(ONE, candidates, state)) == [0, 2, 1, 4, 3]
    assert order(Diversify(by="kind", strength=0.0).run(ONE, candidates, state)) == [0, 1, 2, 3, 4]
    assert order(Diversify(by="kind", strength=1.0).run(ONE, candidates, state)) == [0, 2, 4, 1, 3]
    assert order(Diversify(by="kind", strength=1.0, places=2).run(ONE, candidates, state)) == [0, 2, 1, 3, 4]
    assert order(Diversify(by="kind", strength=1.0, pool=2).run(ONE, candidates, state)) == [0, 1, 2, 3, 4]


def test_scores_stay_and_their_scale_does_not_matter(state: State) -> None:
    kinds = np.array([1, 1, 2])
    for scale, shift in ((1, 0), (50, -1000)):
        scores = (np.array([1.0, 0.9, 0.8]) * scale + shift).tolist()
        got = Diversify(by="kind", strength=0.5).run(ONE, found([0, 1, 2], scores, kind=kinds), state)
        assert order(got) == [0, 2, 1]
        np.testing.assert_allclose(got.scores, np.array(scores)[[0, 2, 1]], rtol=1e-6)


def test_mmr_by_vectors(state: State) -> None:
    angles = np.array([0.0, 0.1, 1.5, 3.0, 0.2])
    vectors = index.build(
        5 * np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32), [10, 20, 30, 40, 50]
    )
    candidates = found([0, 1, 4, 2], [1.0, 0.99, 0.98, 0.97])
    got = Diversify(index=vectors, strength=0.5).run(ONE, candidates, state)
    assert order(got)[:2] == [0, 2]
    other = index.build(np.eye(2, dtype=np.float32), [10, 777])
    assert order(Diversify(index=other, strength=0.5).run(ONE, candidates, state)) == [0, 1, 4, 2]


def test_lists_are_as_alike_as_what_they_share(state: State) -> None:
    from shortlist.pipeline._diversify import _alike

    genres = Ragged.of([["a", "b"], ["b"], [], ["c", "b", "a"]], dtype=object)
    similar = _alike(genres, np.array([[0, 1, 2, 3]]), np.ones((1, 4), bool))[0]
    expected = [
        [1, 1 / np.sqrt(2), 0, 2 / np.sqrt(6)],
        [1 / np.sqrt(2), 1, 0, 1 / np.sqrt(3)],
        [0, 0, 0, 0],
        [2 / np.sqrt(6), 1 / np.sqrt(3), 0, 1],
    ]
    np.testing.assert_allclose(similar, expected, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_dpp_chooses_what_grows_the_determinant_most(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(8, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    relevance, strength = rng.random(8), 0.6

    def value(chosen: list[int]) -> float:
        part = (vectors @ vectors.T)[np.ix_(chosen, chosen)]
        return 0.4 * relevance[chosen].sum() + 0.6 * float(np.log(max(np.linalg.det(part), 1e-30)))

    expected: list[int] = []
    for _ in range(4):
        rest = [each for each in range(8) if each not in expected]
        expected.append(max(rest, key=lambda each: value([*expected, each])))
    kernel = (vectors @ vectors.T)[None].astype(np.float32)
    got = determinantal(relevance[None].astype(np.float32), kernel, strength, 4)
    assert got[0].tolist() == expected
    best = max(combinations(range(8), 4), key=lambda chosen: value(list(chosen)))
    assert value(expected) > value(list(best)) - 0.5


@pytest.mark.parametrize("choose", [marginal, determinantal])
def test_short_lists_are_filled_as_far_as_they_go(choose: Any) -> None:
    relevance = np.array([[1.0, 0.5, -np.inf], [-np.inf] * 3], dtype=np.float32)
    for strength in (0.0, 0.5, 1.0):
        got = choose(relevance, np.stack([np.eye(3, dtype=np.float32)] * 2), strength, 3)
        assert got.tolist() == [[0, 1, -1], [-1, -1, -1]]


def test_only_what_is_shown_is_worked_out(state: State) -> None:
    stage = Diversify(by="stock", strength=0.5)
    assert stage.limited(3).places == 3
    pipe = Pipeline([Popular(), stage, Take(2)], state=state)
    whole = Pipeline([Popular(), stage], state=state).run(Requests(["ann"], 9))
    assert order(pipe.run(Requests(["ann"], 9))) == order(whole)[:2]
    found_items, trace = pipe.run(Requests(["ann"], 9), trace=True)
    assert len(found_items.items) == 2
    assert trace.stages[1].notes[0].startswith("changed the order of")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "neither by nor index"),
        ({"by": "price", "index": index.build(np.eye(2, dtype=np.float32), [1, 2])}, "both by and index"),
        ({"by": "price", "strength": 1.5}, r"Diversify\.strength"),
        ({"by": "price", "method": "best"}, r"Diversify\.method"),
        ({"by": "price", "pool": 0}, r"Diversify\.pool"),
        ({"by": "price", "places": 0}, r"Diversify\.places"),
    ],
)
def test_options_are_checked(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        Diversify(**options)
