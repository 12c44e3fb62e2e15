"""The recommenders that stand beside every evaluation."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array

from shortlist.data import Candidates, Requests
from shortlist.errors import DataError
from shortlist.io import Dataset
from shortlist.models.classical import EASE, IALS, ItemKNN
from shortlist.pipeline import Drop, Learned, Merge, Pipeline, Popular, Repeats, Stage, State, Take

__all__ = ["baselines", "listing", "reach", "seen_matrix"]


def baselines(
    state: State, k: int, *, drop_seen: bool, learn_from: Dataset | None = None
) -> dict[str, Pipeline]:
    """Popularity (all time, last 30 days), the user's repeats, item-kNN, EASE and iALS over a state's events.

    Repeats are the user's own items by count, then the popular ones of 30 days; they are left out when seen
    items are dropped, since nothing would be left of them. The learners see 1 for every pair that the state
    has seen; who has no history gets the popular items, since they would say nothing. EASE is left out of
    catalogues larger than its limit.

    Args:
        state: the events to learn from and to serve histories from.
        k: how many items a list must hold in the end.
        drop_seen: whether seen items are dropped.
        learn_from: learn from the state's events of these users alone; None for all.

    Raises:
        DataError: the state has no events.
    """
    seen = seen_matrix(state, learn_from)
    span = reach(state, seen, k, drop_seen=drop_seen)
    sources: dict[str, Stage] = {
        "popular": Popular(span),
        "popular, 30 days": Popular(span, window="30d"),
        "own repeats": Merge(Repeats(span), Popular(span, window="30d")),
        "item-kNN": Learned(ItemKNN().fit(seen), k=span),
    }
    if drop_seen:
        del sources["own repeats"]
    if seen.shape[1] <= EASE().max_items:
        sources["EASE"] = Learned(EASE().fit(seen), k=span)
    sources["iALS"] = Learned(IALS().fit(seen), k=span)
    return {name: listing(source, state, k, drop_seen=drop_seen) for name, source in sources.items()}


def listing(source: Stage, state: State, k: int, *, drop_seen: bool) -> Pipeline:
    """A source whose lists hold k items in the end; a learner answers users with a history only."""
    first = _ForKnown(source) if isinstance(source, Learned) else source
    stages = [first, Drop(seen=True), Take(k)] if drop_seen else [first, Take(k)]
    return Pipeline(stages, state=state, fallback=Popular(max(k, 1)))


@dataclass(frozen=True)
class _ForKnown:
    """A learner that leaves users without a history to the fallback."""

    learner: Learned
    needs: ClassVar[tuple[str, ...]] = ()

    @property
    def name(self) -> str:
        """That of the learner."""
        return self.learner.name

    @property
    def gives(self) -> tuple[str, ...]:
        """What the learner gives."""
        return self.learner.gives

    def limited(self, k: int) -> "_ForKnown":
        """The same with at most ``k`` candidates a request."""
        return _ForKnown(self.learner.limited(k))

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        """Ask the learner, and keep its answers for those it knows something of."""
        found = self.learner.run(requests, candidates, state)
        return found.keep((state.histories(requests).lengths > 0)[found.query_of])


def reach(state: State, seen: csr_array, k: int, *, drop_seen: bool) -> int:
    """How many items a source must give so that k are left of the longest history."""
    users, items, _, _ = state.events()
    longest = int(np.diff(seen.indptr).max(initial=0))
    if drop_seen and len(users) > 0:
        pairs = np.unique(users * len(state.items) + items)
        longest = max(longest, int(np.bincount(pairs // len(state.items)).max()))
    return max(1, min(len(state.items), k + longest if drop_seen else k))


def seen_matrix(state: State, learn_from: Dataset | None = None) -> csr_array:
    """1 for every user and item that the state has seen together; of some users only, if told so.

    Raises:
        DataError: there are no such events.
    """
    users, items, _, _ = state.events()
    if learn_from is not None:
        ids = learn_from.frame().select(learn_from.schema.user.name).unique().collect().to_series()
        known = state.store.user_positions(ids.to_list())
        chosen = np.isin(users, known[known >= 0])
        users, items = users[chosen], items[chosen]
    if len(items) == 0:
        raise DataError("baselines", received="a state without events", expected="at least one event")
    shape = (int(users.max()) + 1, len(state.items))
    matrix = csr_array((np.ones(len(items)), (users, items)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix
