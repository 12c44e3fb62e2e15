"""The FAISS structures, and the two ways to search them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import faiss as _faiss
import numpy as np
import numpy.typing as npt

__all__ = ["all_threads", "flat", "hnsw", "ivf", "nearest", "nearest_exact", "using_threads", "vectors_of"]

faiss: Any = _faiss  # its type hints do not know its Python wrappers

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# FAISS hands 20 or more queries to BLAS, whose rounding may swap two almost equally near lists. Fewer at a
# time give every query the same lists, whoever stands beside it.
_BLOCK = 16


def flat(vectors: Vectors) -> Any:
    """All vectors as they are."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


def ivf(vectors: Vectors, lists: int, seed: int) -> Any:
    """Vectors in lists around k-means centres."""
    dim = vectors.shape[1]
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed = seed % 2**31
    index.cp.min_points_per_centroid = 1
    index.train(vectors)
    index.add(vectors)
    return index


def hnsw(vectors: Vectors, links: int, build_effort: int) -> Any:
    """Vectors in a navigable graph; built by one thread, since threads would race for the links."""
    index = faiss.IndexHNSWFlat(vectors.shape[1], links, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = build_effort
    with using_threads(1):
        index.add(vectors)
    return index


def nearest(index: Any, queries: Vectors, k: int, effort: int) -> tuple[Rows, Vectors]:
    """The k nearest that a search of so much effort meets; -1 and -inf where it met fewer."""
    if isinstance(index, faiss.IndexHNSW):
        scores, rows = index.search(queries, k, params=faiss.SearchParametersHNSW(efSearch=effort))
        return _in_order(rows, scores)
    params = faiss.SearchParametersIVF(nprobe=min(effort, index.nlist))
    blocks = [
        index.search(queries[start : start + _BLOCK], k, params=params)
        for start in range(0, len(queries), _BLOCK)
    ]
    return _in_order(np.concatenate([b[1] for b in blocks]), np.concatenate([b[0] for b in blocks]))


def nearest_exact(index: Any, queries: Vectors, k: int, allowed: Mask | None) -> tuple[Rows, Vectors]:
    """The k nearest of all (allowed) vectors, smaller rows first among equals.

    One more than k is asked for: only where it equals the last one kept does the cut fall among equals,
    and these are then looked at whole.
    """
    store, params = _whole(index, allowed)
    count = index.ntotal if allowed is None else int(np.count_nonzero(allowed))
    scores, rows = store.search(queries, min(k + 1, max(count, 1)), params=params)
    rows, scores = _in_order(rows, scores)
    if scores.shape[1] <= k:
        return rows, scores
    for query in np.flatnonzero(scores[:, k - 1] == scores[:, k]):
        least = float(scores[query, k])
        radius = least - 1e-5 * max(1.0, abs(least))
        _, values, found = store.range_search(queries[query : query + 1], radius, params=params)
        order = np.lexsort((found, -values))[:k]
        rows[query, : len(order)], scores[query, : len(order)] = found[order], values[order]
    return rows[:, :k], scores[:, :k]


def vectors_of(index: Any, rows: Rows) -> Vectors:
    """The vectors of these rows, [N, D]."""
    if isinstance(index, faiss.IndexIVF) and index.direct_map.no():
        index.make_direct_map()
    return np.asarray(index.reconstruct_batch(rows), dtype=np.float32)


def all_threads() -> int:
    """As many threads as FAISS may use."""
    return int(faiss.omp_get_max_threads())


@contextmanager
def using_threads(count: int) -> Iterator[None]:
    """Let FAISS use so many threads in calls from this thread."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _whole(index: Any, allowed: Mask | None) -> tuple[Any, Any]:
    bits = None if allowed is None else np.packbits(allowed, bitorder="little")
    chosen = {} if bits is None else {"sel": faiss.IDSelectorBitmap(bits)}
    if isinstance(index, faiss.IndexIVF):
        return index, faiss.SearchParametersIVF(nprobe=index.nlist, **chosen)
    store = faiss.downcast_index(index.storage) if isinstance(index, faiss.IndexHNSW) else index
    return store, faiss.SearchParameters(**chosen) if chosen else None


def _in_order(rows: Rows, scores: Vectors) -> tuple[Rows, Vectors]:
    scores[rows < 0] = -np.inf
    if np.any(scores[:, 1:] == scores[:, :-1]):
        order = np.lexsort((rows, -scores), axis=-1)
        rows, scores = np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)
    return rows, scores
