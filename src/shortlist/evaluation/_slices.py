"""Slices of the queries: by the user's activity, the popularity of what is to be found, and cold start."""

import numpy as np
import numpy.typing as npt

from shortlist.evaluation._truth import Truth
from shortlist.pipeline import State

__all__ = ["slices_of"]

_EVER = np.iinfo(np.int64).min


def slices_of(truth: Truth, state: State) -> dict[str, npt.NDArray[np.bool_]]:
    """Masks over queries.

    - ``cold user``: no event before the present; ``light``, ``medium``, ``heavy``: thirds of the others;
    - ``head`` / ``tail``: the items to be found are (on average) inside / outside the most popular items that
      make half of all events; ``cold item``: some item to be found has no event yet.
    """
    activity = _activity(truth, state)
    known = activity > 0
    low, high = np.quantile(activity[known], [1 / 3, 2 / 3]) if known.any() else (0.0, 0.0)
    share, cold = _item_shares(truth, state)
    return {
        "cold user": ~known,
        "light": known & (activity <= low),
        "medium": (activity > low) & (activity <= high),
        "heavy": known & (activity > high),
        "head": share >= 0.5,
        "tail": share < 0.5,
        "cold item": cold,
    }


def _activity(truth: Truth, state: State) -> npt.NDArray[np.int64]:
    positions = state.store.user_positions(truth.users)
    nothing = np.full(len(positions), -1)
    since, before = np.full(len(positions), _EVER), np.full(len(positions), state.now)
    return state.store.counts("user", positions, nothing, since, before)[truth.query_user]


def _item_shares(truth: Truth, state: State) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    counts = state.store.popularity(_EVER, state.now)
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    head = np.zeros(len(counts), dtype=np.bool_)
    head[order] = before < counts.sum() / 2
    wanted = truth.items.values
    real = np.minimum(wanted, max(len(counts) - 1, 0))
    known = wanted < len(counts)
    in_head = known & head[real] if len(counts) else known
    cold = ~known | (counts[real] == 0) if len(counts) else ~known
    query = truth.items.row_of
    size = np.maximum(truth.items.lengths, 1)
    share = np.bincount(query, in_head, minlength=len(truth.items)) / size
    return share, np.bincount(query, cold, minlength=len(truth.items)) > 0
