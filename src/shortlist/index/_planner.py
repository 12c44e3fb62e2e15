"""How a filtered search is done: by the index, or by a scan of the allowed rows."""

from math import ceil, sqrt

import numpy as np
import numpy.typing as npt

from shortlist.index._comparisons import comparisons
from shortlist.index._facts import LISTED, Facts

__all__ = ["depth_for", "first_allowed", "scans", "scans_all"]

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# Below this share of allowed rows a scan of them is exact and costs no more than a search so deep.
_SCAN_BELOW = 0.2
# A row that is picked out of lists costs so many comparisons, and every row is asked whether it is allowed.
_IN_LISTS = 8


def depth_for(k: int, allowed: int, count: int) -> int:
    """How many of the best rows of all to ask for, so that k of them are allowed.

    The share s of allowed rows leaves k of k / s on average; three standard deviations of that number come on
    top, and 8.

    >>> depth_for(100, allowed=500, count=1000)
    251
    """
    share = allowed / count
    return min(count, ceil(k / share + 3 * sqrt(k * (1 - share)) / share) + 8)


def scans_all(facts: Facts) -> bool:
    """Whether every search compares all vectors as they are held, so that filters cost it nothing."""
    return facts.kind in ("exact", "fp16", "sq8") and facts.refine == 0


def scans(facts: Facts, k: int, allowed: int) -> bool:
    """Whether a search for k of so many allowed rows scans them, instead of asking the index.

    Below a fifth of the rows it does. From there on, it does if the index, asked for as many items as leave
    k allowed ones, would compare more vectors. A scan compares the allowed rows; one through lists asks of
    every row whether it is allowed, and costs more for each that is.

    >>> ivf = Facts("ivf", 64, 100_000, effort=40, lists=1265)
    >>> [scans(ivf, 100, allowed) for allowed in (1_000, 19_000, 30_000, 90_000)]
    [True, True, False, False]
    """
    if scans_all(facts) or allowed < _SCAN_BELOW * facts.count:
        return True
    scan = allowed
    if facts.kind in LISTED and facts.refine == 0:  # the vectors lie in the lists alone
        scan = facts.count + _IN_LISTS * allowed
    return comparisons(facts, depth_for(k, allowed, facts.count)) >= scan


def first_allowed(rows: Rows, scores: Vectors, allowed: Mask, k: int) -> tuple[Rows, Vectors]:
    """The first k allowed rows of each list [Q, depth]; -1 and -inf where there are fewer."""
    good = (rows >= 0) & allowed[rows]
    order = np.argsort(~good, axis=1, kind="stable")[:, :k]
    kept = np.take_along_axis(good, order, 1)
    return (
        np.where(kept, np.take_along_axis(rows, order, 1), -1),
        np.where(kept, np.take_along_axis(scores, order, 1), np.float32(-np.inf)),
    )
