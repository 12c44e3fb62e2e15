"""The items of largest inner product, over a whole catalogue, without the table of all scores."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from shortlist.data import Ragged
from shortlist.errors import ArgumentError
from shortlist.metrics._best_k import BestK
from shortlist.metrics._flat import settled

__all__ = ["top_products"]

Vectors: TypeAlias = npt.NDArray[np.float32]
Items: TypeAlias = npt.NDArray[np.int64]

# Of 256 x 4096 scores a thread (4 MB) most stay in cache between the product and the comparison.
_QUERIES, _ITEMS, _MOST_THREADS = 256, 4096, 8


def top_products(
    queries: Vectors, items: Vectors, k: int, *, seen: Ragged | None = None, threads: int | None = None
) -> tuple[Items, Vectors]:
    """The k items of largest inner product for each query, exactly, at about the price of the product.

    FAISS searches somewhat further than k, some thousand queries at a time. Where that leaves open which of
    equal scores stand in the list, or a query has seen very many items, the product is taken in blocks that
    stay in cache, and each block is sifted by `BestK` before the next one is made. Memory does not grow with
    queries x items. Equal scores stand by position: permute the items where positions know anything of the
    truth.

    Args:
        queries: float32 [Q, D].
        items: float32 [N, D].
        k: length of the lists; k may exceed N.
        seen: Q lists of positions that are left out, in any order.
        threads: how many search or sift at once; by default ``OMP_NUM_THREADS``, or the processors that may
            be used, at most 8. The product in blocks has the threads of NumPy's BLAS.

    Returns:
        Positions int64 [Q, k] and scores float32 [Q, k], best first; -1 and -inf where there are fewer.

    Raises:
        ArgumentError: k < 1 or the shapes disagree.

    >>> items = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]], np.float32)
    >>> top_products(np.array([[1.0, 0.5]], np.float32), items, 2, seen=Ragged.of([np.array([2])]))
    (array([[0, 1]]), array([[1. , 0.5]], dtype=float32))
    """
    _check(queries, items, k, seen)
    found, scores, left = settled(queries, items, k, seen, threads or _threads())
    if len(left) > 0:
        open_ = None if seen is None else seen.take(left)
        found[left], scores[left] = _in_blocks(queries[left], items, k, open_, threads or _threads())
    return found, scores


def _in_blocks(
    queries: Vectors, items: Vectors, k: int, seen: Ragged | None, threads: int
) -> tuple[Items, Vectors]:
    workers = min(threads, max(1, -(-len(queries) // _QUERIES)))
    if workers == 1:
        return _ranked(queries, items, k, seen, (1, map))
    with ThreadPoolExecutor(workers) as pool:
        return _ranked(queries, items, k, seen, (workers, pool.map))


def _ranked(
    queries: Vectors, items: Vectors, k: int, seen: Ragged | None, work: tuple[int, Callable[..., Any]]
) -> tuple[Items, Vectors]:
    """The product block by block; ``work`` is how many sift at once, and what lets them."""
    step, each = _QUERIES * work[0], work[1]
    found = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    room = np.empty(min(step, len(queries)) * _ITEMS, dtype=np.float32)
    for start in range(0, len(queries), step):
        rows = slice(start, min(start + step, len(queries)))
        cuts = [slice(at, min(at + _QUERIES, rows.stop)) for at in range(start, rows.stop, _QUERIES)]
        bests = [BestK(cut.stop - cut.start, k) for cut in cuts]
        hidden = None if seen is None else _by_block(seen, rows, len(items))
        for first in range(0, len(items), _ITEMS):
            part = items[first : first + _ITEMS]
            block = room[: (rows.stop - start) * len(part)].reshape(-1, len(part))
            np.matmul(queries[rows], part.T, out=block)
            if hidden is not None:
                block[next(hidden)] = -np.inf
            shares = [block[cut.start - start : cut.stop - start] for cut in cuts]
            list(each(BestK.add, bests, shares, [first] * len(cuts)))
        for cut, (best, value) in zip(cuts, each(BestK.finish, bests), strict=True):
            found[cut], scores[cut] = best, value
    return found, scores


def _threads() -> int:
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdecimal() and int(said) >= 1:
        return min(int(said), _MOST_THREADS)
    return min(os.cpu_count() or 1, _MOST_THREADS)


def _by_block(seen: Ragged, rows: slice, items: int) -> Iterator[tuple[Items, Items]]:
    """Row and column of the seen cells of each block of items in turn."""
    offsets = seen.offsets[rows.start : rows.stop + 1]
    values = seen.values[offsets[0] : offsets[-1]]
    line = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    order = np.argsort(values, kind="stable")
    line, values = line[order], values[order]
    bounds = np.searchsorted(values, np.arange(0, items + _ITEMS, _ITEMS))
    for place, (low, high) in enumerate(pairwise(bounds.tolist())):
        yield line[low:high], values[low:high] - place * _ITEMS


def _check(queries: Vectors, items: Vectors, k: int, seen: Ragged | None) -> None:
    where = "metrics.top_products"
    if k < 1:
        raise ArgumentError(where, received=k, expected="k >= 1", remedy="pass k=10")
    if queries.ndim != 2 or items.ndim != 2 or queries.shape[1] != items.shape[1]:
        raise ArgumentError(
            where,
            received=f"queries of shape {queries.shape}, items of shape {items.shape}",
            expected="queries [Q, D] and items [N, D]",
        )
    if seen is not None and (
        len(seen) != len(queries)
        or (len(seen.values) > 0 and not 0 <= seen.values.min() <= seen.values.max() < len(items))
    ):
        raise ArgumentError(
            where,
            received=f"{len(seen)} lists of seen items",
            expected=f"{len(queries)} lists of positions in 0 .. {len(items) - 1}",
        )
