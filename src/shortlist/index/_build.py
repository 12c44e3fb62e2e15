"""Building an index, and choosing its kind."""

from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b
from math import sqrt
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Keys
from shortlist.errors import ArgumentError, near
from shortlist.index._facts import Facts
from shortlist.index._faiss import all_threads, flat, hnsw, ivf, nearest_exact, using_threads
from shortlist.index._options import IndexOptions
from shortlist.index._recall import least_effort, recall_of, sample_queries
from shortlist.index._search import VectorIndex

__all__ = ["build"]

Vectors = npt.NDArray[np.float32]

# Auto looks beyond IVF only where IVF must probe more than this share of its lists.
_IVF_SHARE = 0.2
# Below so many numbers, threads wait for one another longer than they work.
_SMALL = 1_000_000


def build(
    vectors: Vectors,
    ids: Iterable[Any] | Array | Keys,
    *,
    kind: Literal["auto", "exact", "ivf", "hnsw"] = "auto",
    options: IndexOptions | None = None,
    recall_target: float = 0.95,
    queries: Vectors | None = None,
    seed: int = 0,
    fingerprint: str = "",
) -> VectorIndex:
    """Build an index over the vectors of items, tuned to a recall.

    - ``exact`` scans all vectors.
    - ``ivf`` scans the lists around the nearest k-means centres.
    - ``hnsw`` walks a graph of neighbours. It is built by one thread, since its links depend on the order
      of insertion, and takes many times as long as ``ivf``.
    - ``auto`` is exact below ``options.exact_below`` items. Above, it is IVF if that reaches the target with
      a fifth of its lists, else whichever of IVF, HNSW and exact reaches it with the fewest comparisons.

    Recall is measured on sampled queries against exact search and kept in the facts. An index without
    vectors is exact. A large build uses all threads. The same input gives the same index.

    Args:
        vectors: float32 [N, D], finite.
        ids: N distinct raw ids.
        kind: see above.
        options: how to build and measure.
        recall_target: share of the ``options.recall_at`` best items that a search is to find, in (0, 1].
        queries: float32 [Q, D] to measure with; by default sums of two vectors drawn at random.
        seed: of k-means and of the sampled queries.
        fingerprint: of the model that made the vectors; kept in the facts, compared by `load`.

    Raises:
        ArgumentError: an unknown kind, shapes that disagree, a value that is not finite, or a wrong target.
        DataError: an id twice.

    >>> index = build(np.eye(3, dtype=np.float32), ["a", "b", "c"])
    >>> rows, scores = index.search(np.array([[0, 1, 0.5]], dtype=np.float32), k=2)
    >>> index.keys.take(rows[0]).tolist(), scores.tolist()
    (['b', 'c'], [[1.0, 0.5]])
    >>> index
    VectorIndex(exact, 3 x 3, recall@100 1.000)
    """
    vectors, keys = _checked(vectors, ids, kind, recall_target)
    given = None if queries is None else _matrix(queries, "build.queries", vectors.shape[1])
    chosen = IndexOptions() if options is None else options
    facts = Facts(
        "exact",
        dim=vectors.shape[1],
        count=len(vectors),
        recall_at=chosen.recall_at,
        recall_target=recall_target,
        vectors=blake2b(vectors.tobytes(), digest_size=16).hexdigest(),
        model=fingerprint,
    )
    maker = _Maker(vectors, facts, chosen, given, seed)
    with using_threads(all_threads() if vectors.size > _SMALL else 1):
        structure, facts = maker.auto() if kind == "auto" else maker.make(kind)
    return VectorIndex(structure, keys, facts, threads=chosen.threads)


class _Maker:
    """One build under way."""

    def __init__(
        self, vectors: Vectors, facts: Facts, options: IndexOptions, queries: Vectors | None, seed: int
    ) -> None:
        self.vectors, self.facts, self.options, self.seed = vectors, facts, options, seed
        self.exact = flat(vectors)
        self.given = queries
        self.measured: tuple[Vectors, Vectors] | None = None

    def auto(self) -> tuple[Any, Facts]:
        """The cheapest kind that reaches the target."""
        if len(self.vectors) < self.options.exact_below:
            return self.make("exact")
        found = [self.make("ivf")]
        facts = found[0][1]
        if facts.recall < facts.recall_target or facts.effort > _IVF_SHARE * facts.lists:
            found += [self.make("hnsw"), self.make("exact")]
        good = [one for one in found if one[1].recall >= one[1].recall_target]
        return min(good, key=lambda one: self._comparisons(one[1]))

    def make(self, kind: Literal["exact", "ivf", "hnsw"]) -> tuple[Any, Facts]:
        """One kind, tuned."""
        count = len(self.vectors)
        if kind == "exact" or count == 0:
            return self.exact, self.facts
        if kind == "hnsw":
            structure = hnsw(self.vectors, self.options.links, self.options.build_effort)
            return self._tuned(structure, replace(self.facts, kind="hnsw"), most=count)
        lists = min(self.options.lists or max(1, round(4 * sqrt(count))), count)
        structure = ivf(self.vectors, lists, self.seed)
        return self._tuned(structure, replace(self.facts, kind="ivf", lists=lists), most=lists)

    def _tuned(self, structure: Any, facts: Facts, most: int) -> tuple[Any, Facts]:
        queries, best = self._truth()

        def recall(effort: int) -> float:
            return recall_of(structure, queries, best, effort)

        effort = self.options.effort or least_effort(recall, facts.recall_target, most)
        return structure, replace(facts, effort=min(effort, most), recall=recall(effort))

    def _truth(self) -> tuple[Vectors, Vectors]:
        if self.measured is None:
            queries = sample_queries(self.vectors, self.given, self.options.sample, self.seed)
            k = min(self.options.recall_at, len(self.vectors))
            self.measured = queries, nearest_exact(self.exact, queries, k, None)[1]
        return self.measured

    def _comparisons(self, facts: Facts) -> float:
        if facts.kind == "exact":
            return facts.count
        if facts.kind == "ivf":
            return facts.lists + facts.count * facts.effort / facts.lists
        return facts.effort * self.options.links


def _checked(
    vectors: Vectors, ids: Iterable[Any] | Array | Keys, kind: str, target: float
) -> tuple[Vectors, Keys]:
    kinds = ("auto", "exact", "ivf", "hnsw")
    if kind not in kinds:
        raise ArgumentError(
            "build.kind", received=kind, expected="a known kind", remedy=near(str(kind), kinds)
        )
    if not 0.0 < target <= 1.0:
        raise ArgumentError("build.recall_target", received=target, expected="a share in (0, 1]")
    matrix = _matrix(vectors, "build.vectors")
    keys = ids if isinstance(ids, Keys) else Keys(ids if isinstance(ids, np.ndarray) else list(ids))
    if len(keys) != len(matrix):
        raise ArgumentError(
            "build.ids", received=f"{len(keys)} ids", expected=f"one for each of the {len(matrix)} vectors"
        )
    return matrix, keys


def _matrix(vectors: Vectors, where: str, dim: int | None = None) -> Vectors:
    matrix = np.ascontiguousarray(vectors, dtype=np.float32)
    if matrix.ndim != 2 or matrix.shape[1] < 1 or matrix.shape[1] != (dim or matrix.shape[1]):
        raise ArgumentError(
            where,
            received=f"shape {matrix.shape}",
            expected="[N, D] with D >= 1" if dim is None else f"[Q, {dim}]",
            remedy="pass one row for each vector",
        )
    wrong = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if len(wrong) > 0:
        raise ArgumentError(
            where,
            received=f"NaN or infinity in {len(wrong)} rows, the first {wrong[0]}",
            expected="finite numbers",
            remedy="look at the features and the training loss of the model that made them",
        )
    return matrix
