"""What every runtime of exported models must do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Batch, Ragged

__all__ = ["check_batch_law", "check_ranking_law"]

Compute = Callable[[Batch], npt.NDArray[np.float32]]


def check_batch_law(compute: Compute, batch: Batch, tolerance: float = 1e-5) -> None:
    """Rows one by one, together, reversed and none at all give the same vectors or scores.

    Lists of other rows change how far a row is padded, and must not change its result.
    """
    together = compute(batch)
    assert together.dtype == np.float32
    assert len(together) == len(batch)
    for rows in (np.arange(len(batch))[::-1], *(np.array([row]) for row in range(len(batch)))):
        np.testing.assert_allclose(compute(batch.take(rows)), together[rows], rtol=0, atol=tolerance)
    none = compute(batch.take(np.zeros(0, dtype=np.int64)))
    assert none.shape == (0, *together.shape[1:])


def check_ranking_law(score: Compute, batch: Batch, tolerance: float = 1e-5) -> None:
    """Query columns once per query, repeated per candidate, and query by query give the same scores."""
    together = score(batch)
    assert together.shape == (len(batch),)
    np.testing.assert_allclose(score(batch.flat()), together, rtol=0, atol=tolerance)
    assert batch.query_of is not None
    for query in range(batch.queries):
        rows = np.flatnonzero(batch.query_of == query)
        np.testing.assert_allclose(
            score(_one_query(batch, query, rows)), together[rows], rtol=0, atol=tolerance
        )


def _one_query(batch: Batch, query: int, rows: Any) -> Batch:
    def taken(name: str) -> Any:
        column = batch[name]
        wanted = np.array([query]) if name in batch.query else rows
        return column.take(wanted) if isinstance(column, Ragged) else column[wanted]

    columns = {name: taken(name) for name in batch}
    return Batch(columns, rows=len(rows), query=batch.query, query_of=np.zeros(len(rows), dtype=np.int64))
