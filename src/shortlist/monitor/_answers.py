"""Who was answered with what."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt

from shortlist.monitor._exposition import Row
from shortlist.monitor._shown import Shown
from shortlist.pipeline import Pipeline

__all__ = ["AnswerCounts", "Answered"]


class Answered(NamedTuple):
    """One batch of answers.

    Attributes:
        users: raw ids, None for anonymous.
        k: items that each asked for.
        items: int64 [N], positions.
        source: int16 [N], place in ``sources``.
        sources: names.
        lengths: int64 [Q], items of each.
    """

    users: Sequence[Any]
    k: int
    items: npt.NDArray[np.int64]
    source: npt.NDArray[np.int16]
    sources: tuple[str, ...]
    lengths: npt.NDArray[np.int64]


@final
class AnswerCounts:
    """Users by what is known of them, items by source, short lists. Not guarded against threads.

    Args:
        pipe: what answers.
    """

    def __init__(self, pipe: Pipeline) -> None:
        self._store = pipe.state.store
        self._fallback = None if pipe.fallback is None else pipe.fallback.name
        self._users: Counter[str] = Counter(known=0, unknown=0, anonymous=0)
        self._sources: Counter[str] = Counter()
        self._alone = self._short = 0

    def add(self, answers: Sequence[Answered], shown: Shown) -> None:
        """Count answers, many at a time; ``shown`` gets their items."""
        users = [user for one in answers for user in one.users]
        unknown = int((self._store.user_positions(users) < 0).sum())
        anonymous = sum(user is None for user in users)
        more = {"known": len(users) - unknown, "unknown": unknown - anonymous, "anonymous": anonymous}
        self._users.update(more)
        self._short += sum(int((one.lengths < one.k).sum()) for one in answers)
        shown.add(np.concatenate([one.items for one in answers]))
        for sources, group in groupby(answers, attrgetter("sources")):
            self._of_sources(sources, list(group))

    def rows(self) -> Iterator[Row]:
        """The metrics, without the labels of the bundle."""
        for kind, count in sorted(self._users.items()):
            yield Row("shortlist_users_total", {"user": kind}, count)
        yield Row("shortlist_fallback_users_total", {}, self._alone)
        yield Row("shortlist_short_lists_total", {}, self._short)
        for source, count in sorted(self._sources.items()):
            yield Row("shortlist_items_total", {"source": source}, count)

    def _of_sources(self, sources: tuple[str, ...], answers: list[Answered]) -> None:
        """Answers whose sources are the same."""
        source = np.concatenate([one.source for one in answers])
        counts = np.bincount(source, minlength=len(sources)).tolist()
        for name, count in zip(sources, counts, strict=True):
            self._sources[name] += count
        if self._fallback in sources:
            lengths = np.concatenate([one.lengths for one in answers])
            query_of = np.repeat(np.arange(len(lengths)), lengths)
            other = source != sources.index(self._fallback)
            personal = np.bincount(query_of[other], minlength=len(lengths)) > 0
            # Users whose whole list came from the fallback.
            self._alone += int((~personal & (lengths > 0)).sum())
