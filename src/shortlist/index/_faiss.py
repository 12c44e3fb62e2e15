"""The two ways to search a FAISS structure, and what they rest on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import faiss as _faiss
import numpy as np
import numpy.typing as npt

__all__ = [
    "all_threads",
    "bytes_of",
    "in_order",
    "nearest",
    "nearest_exact",
    "scores_of",
    "using_threads",
    "vectors_of",
]

faiss: Any = _faiss  # its type hints do not know its Python wrappers

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# FAISS hands 20 or more queries to BLAS, whose rounding may swap two almost equally near lists. Fewer at a
# time give every query the same lists, whoever stands beside it.
_BLOCK = 16


def nearest(index: Any, queries: Vectors, k: int, effort: int) -> tuple[Rows, Vectors]:
    """The k nearest that a search of so much effort meets; -1 and -inf where it met fewer."""
    params = None
    if isinstance(index, faiss.IndexHNSW):
        params = faiss.SearchParametersHNSW(efSearch=effort)
    elif isinstance(index, faiss.IndexIVF):
        params = faiss.SearchParametersIVF(nprobe=min(effort, index.nlist))
    blocks = [
        index.search(queries[start : start + _BLOCK], k, params=params)
        for start in range(0, len(queries), _BLOCK)
    ]
    return in_order(np.concatenate([b[1] for b in blocks]), np.concatenate([b[0] for b in blocks]))


def nearest_exact(index: Any, queries: Vectors, k: int, allowed: Mask | None) -> tuple[Rows, Vectors]:
    """The k nearest of all (allowed) vectors, smaller rows first among equals.

    One more than k is asked for: only where it equals the last one kept does the cut fall among equals,
    and these are then looked at whole.
    """
    count = index.ntotal if allowed is None else int(np.count_nonzero(allowed))
    store, params = _whole(index, allowed)
    scores, rows = store.search(queries, min(k + 1, max(count, 1)), params=params)
    rows, scores = in_order(rows, scores)
    if scores.shape[1] <= k:
        return rows, scores
    cut = np.flatnonzero(scores[:, k - 1] == scores[:, k])
    if len(cut) > 0:
        store, params = _whole(index, allowed, ranged=True)
    for query in cut:
        least = float(scores[query, k])
        radius = least - 1e-5 * max(1.0, abs(least))
        _, values, found = store.range_search(queries[query : query + 1], radius, params=params)
        order = np.lexsort((found, -values))[:k]
        rows[query, : len(order)], scores[query, : len(order)] = found[order], values[order]
    return rows[:, :k], scores[:, :k]


def scores_of(flat: Any, queries: Vectors, rows: Rows) -> Vectors:
    """Float32 [Q, K]: inner products with the vectors of these rows of a flat structure; -inf for -1."""
    scores = np.empty(rows.shape, dtype=np.float32)
    known = np.ascontiguousarray(np.maximum(rows, 0), dtype=np.int64)
    asked = np.ascontiguousarray(queries, dtype=np.float32)
    if rows.size > 0:
        pointers = [faiss.swig_ptr(array) for array in (asked, scores, known)]
        flat.compute_distance_subset(len(rows), pointers[0], rows.shape[1], pointers[1], pointers[2])
    scores[rows < 0] = -np.inf
    return scores


def vectors_of(index: Any, rows: Rows) -> Vectors:
    """The vectors of these rows, [N, D], as the structure holds them."""
    if isinstance(index, faiss.IndexIVF) and index.direct_map.no():
        index.make_direct_map()
    return np.asarray(index.reconstruct_batch(rows), dtype=np.float32)


def bytes_of(index: Any) -> int:
    """Bytes of a structure as it is written, which is what it holds in memory to a few per cent."""
    return int(faiss.serialize_index(index).nbytes)


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


def in_order(rows: Rows, scores: Vectors) -> tuple[Rows, Vectors]:
    """Lists that are best first, with smaller rows first among equal scores and -inf for -1."""
    scores[rows < 0] = -np.inf
    if np.any(scores[:, 1:] == scores[:, :-1]):
        order = np.lexsort((rows, -scores), axis=-1)
        rows, scores = np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)
    return rows, scores


def _whole(index: Any, allowed: Mask | None, *, ranged: bool = False) -> tuple[Any, Any]:
    """What to scan, and how, so that every allowed row is seen."""
    chosen = {}
    if allowed is not None and type(index) is faiss.IndexFlatIP and not ranged:
        chosen["sel"] = faiss.IDSelectorArray(np.flatnonzero(allowed))  # visits these rows alone
    elif allowed is not None:
        chosen["sel"] = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
    if isinstance(index, faiss.IndexIVF):
        return index, faiss.SearchParametersIVF(nprobe=index.nlist, **chosen)
    store = faiss.downcast_index(index.storage) if isinstance(index, faiss.IndexHNSW) else index
    return store, faiss.SearchParameters(**chosen) if chosen else None
