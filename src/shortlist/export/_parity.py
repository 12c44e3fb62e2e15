"""Does the exported model give what the live one gives?"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Batch, Ragged
from shortlist.errors import ExportError
from shortlist.schema import Column, Schema

__all__ = ["TOLERANCE", "check_parity", "random_batch", "random_ranking_batch"]

TOLERANCE = 1e-5
_LONGEST = 50

Scores = npt.NDArray[np.float32]


def check_parity(
    where: str, live: Callable[[Batch], Scores], exported: Callable[[Batch], Scores], batches: Iterable[Batch]
) -> float:
    """Largest difference over some batches, in units of the largest value where that is above 1.

    Raises:
        ExportError: shapes differ, or values by more than 1e-5.
    """
    worst = 0.0
    for batch in batches:
        expected, received = live(batch), exported(batch)
        if expected.shape != received.shape:
            raise ExportError(
                where, received=f"shape {received.shape}", expected=f"{expected.shape} for {batch!r}"
            )
        scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
        difference = float(np.abs(expected - received).max(initial=0.0)) / scale
        if not difference <= TOLERANCE:
            raise ExportError(
                where,
                received=f"values that differ by {difference:.2g} for {batch!r}",
                expected=f"at most {TOLERANCE:g}",
                remedy="look for branches on values or shapes, and for weights that are not finite",
            )
        worst = max(worst, difference)
    return worst


def random_batch(inputs: Schema, rows: int, rng: np.random.Generator) -> Batch:
    """Rows of any codes and numbers, with lists of any length from 0."""
    return Batch({column.name: _random(column, rows, rng) for column in inputs}, rows=rows)


def random_ranking_batch(
    inputs: Mapping[str, Schema], size: tuple[int, int], rng: np.random.Generator
) -> Batch:
    """A ranking batch of (Q, N) queries and candidates, with columns for ``query`` and ``candidate``."""
    queries, rows = size
    query, own = inputs["query"], random_batch(inputs["candidate"], rows, rng)
    query_of = np.sort(rng.integers(0, max(queries, 1), rows))
    columns = {column.name: _random(column, queries, rng) for column in query}
    return Batch({**dict(own.items()), **columns}, rows=rows, query=query.names, query_of=query_of)


def _random(column: Column, rows: int, rng: np.random.Generator) -> Array | Ragged:
    size = 1 if column.domain is None or column.domain.size is None else column.domain.size
    numbers = column.dtype.startswith("float")
    if not column.is_list:
        shape = (rows,) if column.shape.kind == "scalar" else (rows, column.shape.size or 0)
        return rng.standard_normal(shape).astype(np.float32) if numbers else rng.integers(0, size, shape)
    longest = min(column.shape.size or _LONGEST, _LONGEST)
    lengths = rng.integers(0, longest + 1, rows)
    if numbers:
        return Ragged.of([rng.random(length).astype(np.float32) for length in lengths], dtype=np.float32)
    lists = [rng.integers(min(1, size - 1), size, length) for length in lengths]
    return Ragged.of(lists, dtype=np.int64)
