"""The best of a matrix of scores."""

import numpy as np
import numpy.typing as npt

from shortlist.data import Candidates

__all__ = ["best"]


def best(scores: npt.NDArray[np.floating], k: int, allowed: npt.NDArray[np.bool_], source: str) -> Candidates:
    """The ``k`` best allowed items of each row, equal scores by position; -inf and NaN are no candidates.

    Args:
        scores: [Q, items].
        k: most candidates of a row.
        allowed: bool [items].
        source: name of the source.

    >>> best(np.array([[1.0, 3.0, 3.0]]), 2, np.ones(3, bool), "x").items.tolist()
    [1, 2]
    """
    ranked = np.where(allowed & ~np.isnan(scores), scores, -np.inf)
    items = ranked.shape[1]
    if 0 < k < items:
        least = np.partition(ranked, items - k, axis=1)[:, items - k, None]
        good = (ranked >= least) & (ranked > -np.inf)
    else:
        good = ranked > -np.inf
    rows, columns = np.nonzero(good)
    offsets = np.zeros(len(ranked) + 1, dtype=np.int64)
    np.cumsum(good.sum(axis=1), out=offsets[1:])
    found = Candidates(
        columns.astype(np.int64),
        offsets,
        ranked[rows, columns].astype(np.float32),
        np.zeros(len(rows), dtype=np.int16),
        (source,),
    )
    return found.ordered().first(k)
