"""The items of largest inner product by FAISS flat search, as far as that settles them."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import faiss as _faiss
import numpy as np
import numpy.typing as npt

from shortlist.data import Ragged

__all__ = ["Settled", "settled"]

Vectors: TypeAlias = npt.NDArray[np.float32]
Items: TypeAlias = npt.NDArray[np.int64]

faiss: Any = _faiss  # its stubs lack what SWIG adds
_QUERIES = 2048  # searched at a time by each thread, if there are as many
_FEWEST = 128_000  # queries times width: FAISS multiplies one by one below, which takes several times as long
_MOST_SEEN = 512  # longer lists are searched in vain for too many items
_CELLS = 2**23  # bytes of the table of what is seen


class Settled(NamedTuple):
    """Positions int64 [Q, k], scores float32 [Q, k], and the numbers of queries that are still open."""

    items: Items
    scores: Vectors
    left: Items


def settled(queries: Vectors, items: Vectors, k: int, seen: Ragged | None, threads: int) -> Settled:
    """The k items of largest inner product, for all queries of which a search for some more says for certain.

    A search for k, one more, and as many as the query has seen holds the k best that were not seen. If the
    last of all is below the k-th of these, no other item is level with it: then equal scores can be put in
    order of position. Queries where that is not so, or that have seen very many, are left.

    Args:
        queries: float32 [Q, D].
        items: float32 [N, D].
        k: length of the lists.
        seen: Q lists of positions that are left out; None for none.
        threads: how many search at once.
    """
    result = Settled(
        np.full((len(queries), k), -1, dtype=np.int64),
        np.full((len(queries), k), -np.inf, dtype=np.float32),
        np.arange(len(queries)),
    )
    lengths = np.zeros(len(queries), dtype=np.int64) if seen is None else seen.lengths
    # Queries that have seen as much as each other are searched equally far.
    order = np.argsort(lengths, kind="stable")
    few = order[: np.searchsorted(lengths[order], _MOST_SEEN, side="right")]
    most = len(few) * queries.shape[1] // _FEWEST
    if most < 1 or len(items) == 0:
        return result
    count = min(most, max(threads, len(few) // _QUERIES))
    bounds = np.linspace(0, len(few), count + 1).astype(np.int64)
    parts = [few[low:high] for low, high in pairwise(bounds)]
    search = partial(_search, result, queries, items, seen)
    # FAISS has one thread in each of these, which is a third faster than its own threads in one.
    with ThreadPoolExecutor(threads, initializer=faiss.omp_set_num_threads, initargs=(1,)) as pool:
        left = list(pool.map(search, parts))
    return result._replace(left=np.sort(np.concatenate([*left, order[len(few) :]])))


def _search(result: Settled, queries: Vectors, items: Vectors, seen: Ragged | None, rows: Items) -> Items:
    """Write what is certain of these queries; the numbers of the others."""
    total, k = len(items), result.items.shape[1]
    hidden = None if seen is None else seen.take(rows)
    most = 0 if hidden is None else int(hidden.lengths.max())
    wide = min(k + 1 + most, total)
    scores, found = faiss.knn(queries[rows], items, wide, metric=faiss.METRIC_INNER_PRODUCT)
    scores[found < 0] = -np.inf
    _by_position(scores, found)
    last, whole = scores[:, -1:].copy(), (found[:, -1:] < 0) | (wide == total)
    if hidden is not None and most > 0:
        _unseen_first(scores, found, hidden, total)
    kept = min(k, wide)
    sure = (whole | (scores[:, kept - 1 : kept] > last))[:, 0]
    result.items[rows[sure], :kept], result.scores[rows[sure], :kept] = (
        found[sure, :kept],
        scores[sure, :kept],
    )
    left: Items = rows[~sure]
    return left


def _by_position(scores: Vectors, items: Items) -> None:
    """Put equal scores of a row in order of position, in place."""
    rows = np.flatnonzero((scores[:, 1:] == scores[:, :-1]).any(axis=1))
    order = np.lexsort((items[rows], -scores[rows]), axis=1)
    items[rows] = np.take_along_axis(items[rows], order, axis=1)


def _unseen_first(scores: Vectors, items: Items, hidden: Ragged, total: int) -> None:
    """Drop what was seen and close up, in place; the rows end in -1 and minus infinity."""
    step = max(1, _CELLS // total)
    table = np.zeros((step, total), dtype=np.bool_)
    for start in range(0, len(items), step):
        part = slice(start, min(start + step, len(items)))
        own = hidden.take(np.arange(part.start, part.stop))
        table[own.row_of, own.values] = True
        seen = table[np.arange(part.stop - start)[:, None], items[part]] | (items[part] < 0)
        table[own.row_of, own.values] = False
        scores[part][seen], items[part][seen] = -np.inf, -1
        order = np.argsort(seen, axis=1, kind="stable")
        scores[part] = np.take_along_axis(scores[part], order, axis=1)
        items[part] = np.take_along_axis(items[part], order, axis=1)
