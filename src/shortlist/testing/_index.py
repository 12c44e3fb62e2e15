"""What every index must do, as checks that take a way to build one."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from shortlist.data import Index

__all__ = [
    "INDEX_CHECKS",
    "check_fresh_process",
    "clustered_vectors",
    "planted_vectors",
    "recall_against",
    "same_answers",
]

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Answers = tuple[Rows, Vectors]


class Build(Protocol):
    """Vectors [N, D] and N raw ids to an index."""

    def __call__(self, vectors: Vectors, ids: Sequence[Any], /) -> Index:
        """Build it."""


def planted_vectors(count: int = 600, dim: int = 16, seed: int = 0) -> Vectors:
    """Random vectors of length 1: nothing is nearer to one of them than itself."""
    vectors = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def same_answers(one: Answers, other: Answers, tolerance: float = 1e-5) -> bool:
    """Equal scores, and equal rows except between scores closer than the tolerance.

    The last place of a list may be taken by another row of that score, which is not in the list.
    """
    (rows, scores), (other_rows, other_scores) = one, other
    if rows.shape != other_rows.shape or not np.allclose(scores, other_scores, rtol=0, atol=tolerance):
        return False
    gaps = np.full((len(rows), rows.shape[1] + 1), np.inf)
    gaps[:, 1:-1] = scores[:, :-1] - scores[:, 1:] if scores.size else 0.0
    gaps[:, -1] = 0.0
    alone = (np.nan_to_num(gaps[:, :-1], nan=0) > tolerance) & (np.nan_to_num(gaps[:, 1:], nan=0) > tolerance)
    return bool((rows == other_rows)[alone].all())


def check_fresh_process(
    indexes: Mapping[str, Any], folder: Path, loader: str = "shortlist.index:load"
) -> None:
    """Saved, and loaded by another process, they give the same answers; the process has no torch.

    Args:
        indexes: name -> an index with ``save(folder)``; all of one width.
        folder: where to write.
        loader: module and function that read one.
    """
    queries = planted_vectors(5, next(iter(indexes.values())).dim, seed=9)
    np.save(folder / "queries.npy", queries)
    for name, index in indexes.items():
        index.save(folder / name)
    module, function = loader.split(":")
    code = f"""
import sys, numpy as np
from {module} import {function} as load
root, *names = sys.argv[1:]
for name in names:
    index = load(f"{{root}}/{{name}}")
    rows, scores = index.search(np.load(root + "/queries.npy"), 7)
    np.savez(f"{{root}}/{{name}}.npz", rows=rows, scores=scores, ids=index.keys.values.astype(str))
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code, str(folder), *indexes], check=True)  # noqa: S603 - ours
    for name, index in indexes.items():
        with np.load(folder / f"{name}.npz") as answers:
            rows, scores = index.search(queries, 7)
            np.testing.assert_array_equal(answers["rows"], rows)
            np.testing.assert_array_equal(answers["scores"], scores)
            np.testing.assert_array_equal(answers["ids"], index.keys.values.astype(str))


def clustered_vectors(count: int = 2000, dim: int = 16, clusters: int = 40, seed: int = 0) -> Vectors:
    """Vectors around the centres of clusters, as those of items are; as much noise as there is centre."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, dim))
    noise = rng.standard_normal((count, dim))
    return np.asarray(centres[rng.integers(0, clusters, count)] + noise, dtype=np.float32)


def recall_against(found: Answers, scores: Vectors, k: int) -> float:
    """Mean share of the k best, by all scores [Q, N], that were found; those as good as the k-th count."""
    least = -np.sort(-scores, axis=1)[:, k - 1 : k] - 1e-5
    rows = found[0]
    hits = (rows >= 0) & (np.take_along_axis(scores, np.maximum(rows, 0), 1) >= least)
    return float(hits.sum(axis=1).mean() / k)


def _finds_the_planted_answer(build: Build) -> None:
    vectors = planted_vectors()
    index = build(vectors, range(len(vectors)))
    rows, _ = index.search(3 * vectors, 1)
    assert (rows[:, 0] == np.arange(len(vectors))).mean() >= 0.95
    assert index.dim == vectors.shape[1]


def _holds_the_vectors(build: Build) -> None:
    vectors = planted_vectors()
    held = build(vectors, range(len(vectors))).vectors(np.array([5, -1, 0, 599]))
    np.testing.assert_allclose(held, vectors[[5, 0, 0, 599]] * [[1], [0], [1], [1]], atol=0.01)


def _finds_most_of_the_best(build: Build) -> None:
    for vectors, queries in (
        (planted_vectors(2000), planted_vectors(50, seed=1)),
        (clustered_vectors(2000), clustered_vectors(50, seed=0)),
    ):
        index = build(vectors, range(2000))
        rows, scores = index.search(queries, 20)
        assert recall_against((rows, scores), queries @ vectors.T, 20) >= 0.9
        held = np.stack([index.vectors(row) for row in rows])
        np.testing.assert_allclose(scores, np.einsum("qd,qkd->qk", queries, held), rtol=1e-5, atol=1e-4)
        assert (np.diff(scores, axis=1) <= 0).all()
        assert all(len(set(row)) == 20 for row in rows.tolist())


def _loses_no_item_to_a_filter(build: Build) -> None:
    vectors, queries = clustered_vectors(3000), clustered_vectors(30, seed=0)
    index = build(vectors, range(3000))
    rng = np.random.default_rng(2)
    scores = queries @ index.vectors(np.arange(3000)).T
    far, near = scores[0] < np.median(scores[0]), scores[0] > np.quantile(scores[0], 0.4)
    for allowed in (*(rng.random(3000) < share for share in (0.95, 0.5, 0.1, 0.01)), far, near):
        found = index.search(queries, 20, allowed=allowed)
        kept = np.where(allowed, scores, -np.inf)
        assert allowed[found[0]].all()
        assert recall_against(found, kept, 20) >= 0.9
        if allowed.mean() < 0.2:
            best = np.argsort(-kept, axis=1, kind="stable")[:, :20]
            assert same_answers(found, (best, np.take_along_axis(kept, best, 1)), tolerance=1e-4)


def _pads_what_is_not_there(build: Build) -> None:
    vectors = planted_vectors(6, 4)
    index = build(vectors, list("abcdef"))
    rows, scores = index.search(vectors[:2], 9)
    assert sorted(rows[0, :6].tolist()) == [0, 1, 2, 3, 4, 5]
    assert (rows[:, 6:] == -1).all()
    assert (scores[:, 6:] == -np.inf).all()
    assert index.search(vectors[:0], 3)[0].shape == (0, 3)
    none = np.zeros(6, dtype=np.bool_)
    assert (index.search(vectors, 2, allowed=none)[0] == -1).all()
    none[4] = True
    assert index.search(vectors[:1], 2, allowed=none)[0].tolist() == [[4, -1]]
    rows, scores = build(vectors[:0], []).search(vectors, 2)
    assert (rows == -1).all()
    assert (scores == -np.inf).all()


def _puts_equal_scores_in_order(build: Build) -> None:
    vectors = np.tile(np.eye(3, dtype=np.float32), (40, 1))
    index = build(vectors, range(120))
    rows = index.search(np.array([[1, 0.5, 0]], dtype=np.float32), 120)[0]
    assert rows[0].tolist() == [*range(0, 120, 3), *range(1, 120, 3), *range(2, 120, 3)]
    cut = index.search(np.eye(3, dtype=np.float32), 7, allowed=np.ones(120, dtype=np.bool_))[0]
    assert cut.tolist() == [[*range(start, 21, 3)] for start in range(3)]


def _answers_many_like_one(build: Build) -> None:
    vectors, queries = planted_vectors(1500), planted_vectors(256, seed=3)
    index = build(vectors, range(1500))
    mask = np.arange(1500) % 3 > 0
    for allowed in (None, mask):
        together = index.search(queries, 25, allowed=allowed)
        alone = [index.search(query[None], 25, allowed=allowed) for query in queries]
        rows, scores = (np.concatenate(parts) for parts in zip(*alone, strict=True))
        assert same_answers(together, (rows, scores))


def _answers_a_broken_query_empty(build: Build) -> None:
    vectors = planted_vectors(50, 4)
    index = build(vectors, range(50))
    queries = np.array([[1, 0, 0, 0], [np.nan, 0, 0, 0], [0, np.inf, 0, 0]], dtype=np.float32)
    rows, scores = index.search(queries, 3)
    np.testing.assert_array_equal(rows[:1], index.search(queries[:1], 3)[0])
    assert (rows[1:] == -1).all()
    assert (scores[1:] == -np.inf).all()


def _keeps_raw_ids(build: Build) -> None:
    vectors = planted_vectors(20, 4)
    ids = [f"item {place}" for place in range(20)]
    index = build(vectors, ids)
    assert index.keys.take(np.arange(20)).tolist() == ids
    assert index.keys.positions(["item 7", "item 99"]).tolist() == [7, -1]


INDEX_CHECKS: tuple[Callable[[Build], None], ...] = (
    _finds_the_planted_answer,
    _holds_the_vectors,
    _finds_most_of_the_best,
    _loses_no_item_to_a_filter,
    _pads_what_is_not_there,
    _puts_equal_scores_in_order,
    _answers_many_like_one,
    _answers_a_broken_query_empty,
    _keeps_raw_ids,
)
"""Checks of every index: call each with a way to build one."""
