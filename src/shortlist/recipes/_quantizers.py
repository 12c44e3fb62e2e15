"""Ways to store a vector in fewer bytes, each scanned exactly, and the bytes that they take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import faiss as _faiss
import numpy as np
import numpy.typing as npt

from shortlist.data import Ragged
from shortlist.errors import ArgumentError, near
from shortlist.metrics import hits
from shortlist.rng import derive

__all__ = ["QUANTIZERS", "best_of", "bytes_of", "check_quantizer", "milliseconds", "stored"]

faiss: Any = _faiss  # its type hints do not know its Python wrappers

Rows = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]

QUANTIZERS = ("float32", "float16", "sq8", "sq4", "pq2", "pq4", "pq8")
_SCALAR = {"float16": ("QT_fp16", 2.0), "sq8": ("QT_8bit", 1.0), "sq4": ("QT_4bit", 0.5)}
_CENTRES = 256
_ROUNDS = 200
_CELLS = 2**24  # of results held at a time


def check_quantizer(name: str, dim: int, items: int) -> None:
    """Refuse a way to store vectors that there is not, or that does not fit them.

    Raises:
        ArgumentError: it is such.
    """
    if name not in QUANTIZERS:
        raise ArgumentError(
            "size_tradeoff.quantizers", received=name, expected="a known name", remedy=near(name, QUANTIZERS)
        )
    if name.startswith("pq") and (dim % int(name[2:]) != 0 or items < _CENTRES):
        raise ArgumentError(
            "size_tradeoff.quantizers",
            received=f"{name!r} for {items} vectors of width {dim}",
            expected=f"at least {_CENTRES} vectors, of a width that {name[2:]} divides",
            remedy="leave it out, or choose other dims",
        )


def bytes_of(name: str, dim: int, items: int) -> int:
    """Bytes of so many vectors: N times the bytes of one, and the code book.

    ============  ================  =========================================
    name          bytes a vector    code book
    ============  ================  =========================================
    ``float32``   4 D               none
    ``float16``   2 D               none
    ``sq8``       D                 8 D: least value and span of each number
    ``sq4``       D / 2 rounded up  8 D
    ``pqM``       D / M             1024 D: 256 centres, one byte for M numbers
    ============  ================  =========================================

    >>> bytes_of("float32", 64, 1_000_000), bytes_of("pq4", 64, 1_000_000)
    (256000000, 16065536)
    """
    if name == "float32":
        return 4 * dim * items
    if name == "float16":
        return 2 * dim * items
    if name in _SCALAR:
        return -(-dim * (8 if name == "sq8" else 4) // 8) * items + 8 * dim
    return dim // int(name[2:]) * items + _CENTRES * 4 * dim


def stored(vectors: Vectors, name: str, seed: int) -> Any:
    """A FAISS structure that scans all vectors by inner product."""
    dim = vectors.shape[1]
    if name == "float32":
        index = faiss.IndexFlatIP(dim)
    elif name in _SCALAR:
        kind = getattr(faiss.ScalarQuantizer, _SCALAR[name][0])
        index = faiss.IndexScalarQuantizer(dim, kind, faiss.METRIC_INNER_PRODUCT)
    else:
        index = faiss.IndexPQ(dim, dim // int(name[2:]), 8, faiss.METRIC_INNER_PRODUCT)
        index.pq.cp.seed = derive(seed, "centres") % 2**31
        index.pq.cp.min_points_per_centroid = 1
    index.train(vectors)
    index.add(vectors)
    return index


def best_of(index: Any, queries: Vectors, k: int, seen: Ragged) -> Rows:
    """The k best rows of each query ``[Q, k]`` that are not among its seen ones; -1 where there are fewer."""
    wide = min(index.ntotal, k + int(seen.lengths.max(initial=0)))
    parts = []
    step = max(1, _CELLS // max(wide, 1))
    for start in range(0, len(queries), step):
        rows = np.arange(start, min(start + step, len(queries)))
        found = index.search(queries[rows], wide)[1].astype(np.int64)
        own = seen.take(rows)
        barred = hits(found, own.offsets, own.values) | (found < 0)
        order = np.argsort(barred, axis=1, kind="stable")[:, :k]
        kept = np.where(np.take_along_axis(barred, order, 1), -1, np.take_along_axis(found, order, 1))
        parts.append(np.pad(kept, ((0, 0), (0, k - kept.shape[1])), constant_values=-1))
    return np.concatenate(parts)


def milliseconds(index: Any, queries: Vectors, k: int) -> float:
    """Median time of one query by itself, on one thread, of at most 200 after a few to warm up."""
    chosen = queries[np.arange(min(_ROUNDS, max(len(queries), 20))) % len(queries)]
    taken = []
    with _one_thread():
        for place in range(len(chosen)):
            began = time.perf_counter()
            index.search(chosen[place : place + 1], min(k, index.ntotal))
            taken.append(time.perf_counter() - began)
    return 1e3 * float(np.median(taken[10:]))


@contextmanager
def _one_thread() -> Iterator[None]:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
