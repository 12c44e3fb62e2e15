"""Building an index, and choosing its kind."""

from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Keys
from shortlist.errors import ArgumentError, near
from shortlist.index._checks import matrix
from shortlist.index._facts import KINDS, Facts, Kind
from shortlist.index._faiss import all_threads, using_threads
from shortlist.index._maker import Maker
from shortlist.index._options import IndexOptions
from shortlist.index._search import VectorIndex

__all__ = ["build", "rebuild"]

Vectors = npt.NDArray[np.float32]

# Below so many numbers, threads wait for one another longer than they work.
_SMALL = 1_000_000


def build(
    vectors: Vectors,
    ids: Iterable[Any] | Array | Keys,
    *,
    kind: Kind | Literal["auto"] = "auto",
    options: IndexOptions | None = None,
    recall_target: float = 0.95,
    queries: Vectors | None = None,
    seed: int = 0,
    fingerprint: str = "",
) -> VectorIndex:
    """Build an index over the vectors of items, tuned to a recall.

    The kinds stand in the docstring of `shortlist.index`. ``auto`` is exact below ``options.exact_below``
    items. Above, it is IVF if that reaches the target with a fifth of its lists, else whichever of ``ivf``,
    ``pq`` and ``exact`` reaches it with the fewest comparisons. `tune_index` measures all by the clock.

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
    _check(kind, recall_target)
    vectors = matrix(vectors, "build.vectors")
    keys = ids if isinstance(ids, Keys) else Keys(ids if isinstance(ids, np.ndarray) else list(ids))
    if len(keys) != len(vectors):
        raise ArgumentError(
            "build.ids", received=f"{len(keys)} ids", expected=f"one for each of the {len(vectors)} vectors"
        )
    given = None if queries is None else matrix(queries, "build.queries", vectors.shape[1])
    chosen = IndexOptions() if options is None else options
    facts = replace(_facts(vectors, chosen), recall_target=recall_target, model=fingerprint)
    maker = Maker(vectors, facts, chosen, given, seed)
    with using_threads(all_threads() if vectors.size > _SMALL else 1):
        structure, facts = maker.auto() if kind == "auto" else maker.make(kind)
    return VectorIndex(structure, keys, facts, threads=chosen.threads)


def rebuild(
    index: VectorIndex,
    *,
    kind: Kind | Literal["auto"] | None = None,
    options: IndexOptions | None = None,
    seed: int = 0,
) -> VectorIndex:
    """Build an index again from the vectors that it holds: edits become part of the structure.

    Recall target and fingerprint stay. Vectors that are only held as codes (fp16, sq8 and ivf_sq8 without
    ``refine``) are those that the codes stand for; build from the model's vectors to be exact.

    Args:
        index: the index.
        kind: see `build`; None for that of the index.
        options: how to build and measure; by default as of `build`, at the same ``recall_at``.
        seed: see `build`.

    >>> index = build(np.eye(2, dtype=np.float32), ["a", "b"]).without(["a"])
    >>> index, rebuild(index)
    (VectorIndex(exact, 1 x 2, recall@100 1.000, 1 edits), VectorIndex(exact, 1 x 2, recall@100 1.000))
    """
    facts = index.facts
    return build(
        index.vectors(np.arange(len(index))),
        index.keys,
        kind=kind or facts.kind,
        options=options or replace(IndexOptions(), recall_at=facts.recall_at, threads=index.threads),
        recall_target=facts.recall_target,
        seed=seed,
        fingerprint=facts.model,
    )


def _facts(vectors: Vectors, options: IndexOptions) -> Facts:
    """Those of an exact index."""
    digest = blake2b(vectors.tobytes(), digest_size=16).hexdigest()
    count, dim = vectors.shape
    return Facts("exact", dim=dim, count=count, recall_at=options.recall_at, vectors=digest)


def _check(kind: str, target: float) -> None:
    kinds = ("auto", *KINDS)
    if kind not in kinds:
        raise ArgumentError(
            "build.kind", received=kind, expected="a known kind", remedy=near(str(kind), kinds)
        )
    if not 0.0 < target <= 1.0:
        raise ArgumentError("build.recall_target", received=target, expected="a share in (0, 1]")
