"""The recommenders that stand beside every evaluation."""

import numpy as np
from scipy.sparse import csr_array

from shortlist.errors import DataError
from shortlist.models.classical import EASE, IALS, ItemKNN
from shortlist.pipeline import Drop, Learned, Merge, Pipeline, Popular, Repeats, Stage, State, Take

__all__ = ["baselines"]


def baselines(state: State, k: int, *, drop_seen: bool) -> dict[str, Pipeline]:
    """Popularity (all time, last 30 days), the user's repeats, item-kNN, EASE and iALS over a state's events.

    Repeats are the user's own items by count, then the popular ones of 30 days; they are left out when seen
    items are dropped, since nothing would be left of them. The learners see 1 for every pair that the state
    has seen. EASE is left out of catalogues larger than its limit.

    Args:
        state: the events to learn from and to serve histories from.
        k: how many items a list must hold in the end.
        drop_seen: whether seen items are dropped.

    Raises:
        DataError: the state has no events.
    """
    seen = _seen_matrix(state)
    longest = int(np.diff(seen.indptr).max(initial=0))
    reach = max(1, min(len(state.items), k + longest if drop_seen else k))
    sources: dict[str, Stage] = {
        "popular": Popular(reach),
        "popular, 30 days": Popular(reach, window="30d"),
        "own repeats": Merge(Repeats(reach), Popular(reach, window="30d")),
        "item-kNN": Learned(ItemKNN().fit(seen), k=reach),
    }
    if drop_seen:
        del sources["own repeats"]
    if seen.shape[1] <= EASE().max_items:
        sources["EASE"] = Learned(EASE().fit(seen), k=reach)
    sources["iALS"] = Learned(IALS().fit(seen), k=reach)
    stages = [Drop(seen=True), Take(k)] if drop_seen else [Take(k)]
    return {name: Pipeline([source, *stages], state=state) for name, source in sources.items()}


def _seen_matrix(state: State) -> csr_array:
    """1 for every user and item that the state has seen together."""
    users, items, _, _ = state.events()
    if len(items) == 0:
        raise DataError("baselines", received="a state without events", expected="at least one event")
    shape = (int(users.max()) + 1, len(state.items))
    matrix = csr_array((np.ones(len(items)), (users, items)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix
