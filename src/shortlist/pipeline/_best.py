"""The best of a matrix of scores."""

import numpy as np
import numpy.typing as npt

from shortlist.data import Candidates
from shortlist.metrics import BestK

__all__ = ["best"]

_COLUMNS = 8192


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
    width = scores.shape[1]
    with np.errstate(over="ignore"):
        ranked = scores.astype(np.float32, copy=False)
    if 4 * k >= width:
        ranked = np.where(allowed & ~np.isnan(ranked), ranked, -np.inf)
        order = np.argsort(-ranked, axis=1, kind="stable")[:, :k]
        chosen = np.take_along_axis(ranked, order, axis=1)
        return Candidates.of(np.where(np.isneginf(chosen), -1, order), chosen, source)
    kept = BestK(len(ranked), k)
    for start in range(0, width, _COLUMNS):
        block, shown = ranked[:, start : start + _COLUMNS], allowed[start : start + _COLUMNS]
        kept.add(block if shown.all() else np.where(shown, block, np.float32(-np.inf)), start)
    return Candidates.of(*kept.finish(), source)
