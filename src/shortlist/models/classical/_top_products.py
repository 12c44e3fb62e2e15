"""The largest entries in each row of a scaled product of sparse matrices; the whole is never kept."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from shortlist.models.classical._compiled import compiled, pays
from shortlist.models.classical._threads import spread

__all__ = ["Product", "product", "top_products"]

# Entries of one block of the product where it is made whole: bounds the memory to some hundred MB.
_CELLS = 1 << 23
# What a multiplication takes SciPy, sorting included, in steps of a compiled loop.
_SLOWER = 32
# Columns that are looked at together: most groups hold nothing large enough.
_GROUP = 64


class Product(NamedTuple):
    """``p_ij / (low_i high_j + shrink)`` with ``P = A B``; float32, as the compiled loop wants it.

    Attributes:
        indptr: int64 [R + 1], of A.
        indices: int32, of A.
        data: float32, of A.
        inner: the same three of B [M, N].
        low: float32 [R], > 0.
        high: float32 [N], > 0.
        shrink: float32 >= 0.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    data: npt.NDArray[np.float32]
    inner: tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32]]
    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]
    shrink: np.float32


def product(A: csr_array, B: csr_array, low: Any, high: Any, shrink: float = 0.0) -> Product:
    """A product of canonical CSR matrices with weights >= 0; scales of 0 belong to empty rows and columns."""
    return Product(
        *_parts(A),
        _parts(B),
        np.where(low > 0, low, 1).astype(np.float32),
        np.where(high > 0, high, 1).astype(np.float32),
        np.float32(shrink),
    )


def top_products(one: Product, k: int, threads: int) -> csr_array:
    """The k largest entries above 0 of each row, none on the diagonal; equal ones by the lower column.

    Args:
        one: a square product.
        k: >= 1.
        threads: that work at a time; they change no result.

    Returns:
        float32 [R, N] with sorted indices.
    """
    work = _work(one)
    pieces: dict[int, csr_array] = {}

    def whole(first: int, last: int) -> None:
        pieces[first] = _whole(one, k, first, last)

    def by_row(first: int, last: int) -> None:
        pieces[first] = _by_row(one, k, first, last)

    faster = pays(_SLOWER * work.sum())
    if faster and one.shrink == 0:
        one = _divided(one)
    spread(by_row if faster else whole, work, threads if faster else 1)
    return _stacked([pieces[first] for first in sorted(pieces)], len(one.high))


def _divided(one: Product) -> Product:
    """The same with the scale of the columns taken into B; that of the rows is left for the end."""
    indptr, indices, data = one.inner
    return one._replace(inner=(indptr, indices, data / one.high[indices]))


def _work(one: Product) -> npt.NDArray[np.float64]:
    """Multiplications that each row takes."""
    inner = np.diff(one.inner[0]).astype(np.float64)
    done = np.concatenate([[0], np.cumsum(inner[one.indices])])
    work: npt.NDArray[np.float64] = np.diff(done[one.indptr])
    return work


def _by_row(one: Product, k: int, first: int, last: int) -> csr_array:
    """Rows first .. last - 1 by one accumulator for all columns."""
    columns = len(one.high)
    most = min(k, columns)
    kept = np.empty((last - first, most), dtype=np.uint64)
    counts = np.empty(last - first, dtype=np.int64)
    totals = np.zeros(-(-columns // _GROUP) * _GROUP, dtype=np.float32)
    _kernel()(one, totals, (kept, counts), first, last)
    keys = kept[np.arange(most) < counts[:, None]]
    found = (~keys & np.uint64(0xFFFFFFFF)).astype(np.int32)
    values = (keys >> np.uint64(32)).astype(np.uint32).view(np.float32)
    rows = csr_array((values, found, np.append(0, np.cumsum(counts))), (last - first, columns))
    if one.shrink == 0:
        rows.data /= np.repeat(one.low[first:last], counts)
    rows.sort_indices()
    return rows


@cache
def _kernel() -> Callable[..., None]:
    """The compiled loop over rows."""
    fill, scale, keep, select = (compiled(part) for part in (_fill, _scale, _keep, _select))

    def rows(one: Product, totals: Any, kept: tuple[Any, Any], first: int, last: int) -> None:
        """Accumulate each row, then keep the largest: keys hold a value's bits above, its column below."""
        best, counts = kept
        k = best.shape[1]
        maxima = np.empty(len(totals) // _GROUP, np.float32)
        keys = np.empty(max(5 * k + _GROUP, len(maxima)), np.uint64)
        for row in range(first, last):
            fill(one, row, totals)
            totals[row] = 0
            if one.shrink > 0:
                scale(one, row, totals)
            found = keep(totals, maxima, keys, k, select)
            counts[row - first] = found
            for place in range(found):
                best[row - first, place] = keys[place]

    done: Callable[..., None] = compiled(rows)
    return done


def _fill(one: Product, row: int, totals: npt.NDArray[np.float32]) -> None:
    """Add the row of the product to the totals."""
    indptr, indices, data = one.inner
    for entry in range(one.indptr[row], one.indptr[row + 1]):
        weight, middle = one.data[entry], one.indices[entry]
        for other in range(indptr[middle], indptr[middle + 1]):
            totals[indices[other]] += weight * data[other]


def _scale(one: Product, row: int, totals: npt.NDArray[np.float32]) -> None:
    """Divide the totals by what the product is scaled by."""
    for column in range(len(one.high)):
        totals[column] /= one.low[row] * one.high[column] + one.shrink


def _keep(
    totals: npt.NDArray[np.float32],
    maxima: npt.NDArray[np.float32],
    keys: npt.NDArray[np.uint64],
    k: int,
    select: Callable[..., None],
) -> int:
    """Move the totals to the k largest keys; how many there are."""
    bits = np.empty(1, np.float32)
    word = bits.view(np.uint32)
    for group in range(len(maxima)):
        top = np.float32(0)
        for column in range(group * _GROUP, (group + 1) * _GROUP):
            top = max(top, totals[column])
        maxima[group] = bits[0] = top
        keys[group] = np.uint64(word[0])
    least = np.float32(0)
    if len(maxima) > k:
        # At least k totals are as large as the k-th largest of the groups.
        select(keys, len(maxima), k)
        word[0] = np.uint32(max(keys[k - 1], np.uint64(1)) - np.uint64(1))
        least = bits[0]
    found = 0
    for group in range(len(maxima)):
        if maxima[group] > least:
            for column in range(group * _GROUP, (group + 1) * _GROUP):
                if totals[column] > least:
                    bits[0] = totals[column]
                    keys[found] = np.uint64(word[0]) << np.uint64(32) | np.uint64(0xFFFFFFFF - column)
                    found += 1
            if found >= 5 * k:
                select(keys, found, k)
                found = k
                word[0] = np.uint32(keys[k - 1] >> np.uint64(32))
                least = bits[0]
    totals[:] = 0
    if found > k:
        select(keys, found, k)
    return min(found, k)


def _select(keys: npt.NDArray[np.uint64], found: int, k: int) -> None:
    """Bring the k largest of the first ``found`` keys to the front, the least of them to place k - 1."""
    low, high, target = 0, found - 1, k - 1
    while low < high:
        pivot = keys[(low + high) >> 1]
        left, right = low, high
        while left <= right:
            while keys[left] > pivot:
                left += 1
            while keys[right] < pivot:
                right -= 1
            if left <= right:
                keys[left], keys[right] = keys[right], keys[left]
                left += 1
                right -= 1
        if target <= right:
            high = right
        elif target >= left:
            low = left
        else:
            return


def _whole(one: Product, k: int, first: int, last: int) -> csr_array:
    """Rows first .. last - 1 of the product made by SciPy, block by block."""
    columns = len(one.high)
    shape = len(one.low), len(one.inner[0]) - 1
    A = csr_array((one.data.astype(np.float64), one.indices, one.indptr), shape)
    B = csr_array((one.inner[2].astype(np.float64), *one.inner[1::-1]), (shape[1], columns))
    blocks, step = [], max(1, _CELLS // max(columns, 1))
    for start in range(first, last, step):
        rows = (A[start : min(start + step, last)] @ B).tocsr()
        rows.sort_indices()
        number = start + np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        scale = one.low[number].astype(np.float64) * one.high[rows.indices] + one.shrink
        rows.data = np.where(number == rows.indices, 0, rows.data / scale)
        blocks.append(_largest(rows, k))
    return _stacked(blocks, columns)


def _largest(rows: csr_array, k: int) -> csr_array:
    """The k largest entries above 0 of each row."""
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    order = np.lexsort((rows.indices, -rows.data, row))
    place = np.arange(len(order)) - rows.indptr[row]
    good = order[(place < k) & (rows.data[order] > 0)]
    found = csr_array((rows.data[good].astype(np.float32), (row[good], rows.indices[good])), rows.shape)
    found.sort_indices()
    return found


def _parts(matrix: csr_array) -> tuple[Any, Any, Any]:
    return (
        matrix.indptr.astype(np.int64, copy=False),
        matrix.indices.astype(np.int32, copy=False),
        matrix.data.astype(np.float32, copy=False),
    )


def _stacked(pieces: list[csr_array], columns: int) -> csr_array:
    """Rows under one another."""
    indptr = np.concatenate([[0], *(np.diff(piece.indptr) for piece in pieces)]).cumsum()
    indices = np.concatenate([piece.indices for piece in pieces] or [np.empty(0)]).astype(np.int32)
    data = np.concatenate([piece.data for piece in pieces] or [np.empty(0)]).astype(np.float32)
    return csr_array((data, indices, indptr), (len(indptr) - 1, columns))
