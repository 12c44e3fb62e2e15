"""A log of which only what is not too old is seen."""

from collections.abc import Mapping
from typing import final

import numpy as np
import numpy.typing as npt

from shortlist.data import EventLog, Of, Ragged

__all__ = ["LogSince"]

Positions = npt.NDArray[np.int64]
Columns = Mapping[str, Positions]

_NOTHING: Columns = {}


@final
class LogSince:
    """An `EventLog` without the events before a time.

    Args:
        log: all the events.
        time: of the first that is seen, microseconds since 1970.
    """

    def __init__(self, log: EventLog, time: int) -> None:
        self._log = log
        self._time = time

    def history(
        self, users: Positions, before: Positions, limit: int, names: tuple[str, ...] = ()
    ) -> tuple[Ragged, ...]:
        """The last ``limit`` items of each user before a time, oldest first, their times, further columns."""
        found = self._log.history(users, before, limit, names)
        return _kept(found, found[1].values >= self._time)

    def recent(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        before: Positions,
        limit: int,
        *,
        names: tuple[str, ...],
        columns: Columns = _NOTHING,
    ) -> tuple[Ragged, ...]:
        """Columns of the last ``limit`` events, positive or not, of each before a time, oldest first."""
        asked = (*names, "time")
        found = self._log.recent(of, users, items, before, limit, names=asked, columns=columns)
        return _kept(found[:-1], found[-1].values >= self._time)

    def counts(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        columns: Columns = _NOTHING,
    ) -> Positions:
        """How many positive events each entity had in [since, before)."""
        return self._log.counts(of, users, items, self._later(since), before, columns=columns)

    def first(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        columns: Columns = _NOTHING,
    ) -> Positions:
        """Time of the first positive event of each entity in [since, before), -1 for none."""
        return self._log.first(of, users, items, self._later(since), before, columns=columns)

    def last(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        columns: Columns = _NOTHING,
    ) -> Positions:
        """Time of the last positive event of each entity in [since, before), -1 for none."""
        return self._log.last(of, users, items, self._later(since), before, columns=columns)

    def totals(
        self,
        of: Of,
        users: Positions,
        items: Positions,
        since: Positions,
        before: Positions,
        *,
        name: str,
        columns: Columns = _NOTHING,
    ) -> tuple[Positions, npt.NDArray[np.float64]]:
        """How many numbers the events of each entity in [since, before) have in a column, and their sum."""
        return self._log.totals(of, users, items, self._later(since), before, name=name, columns=columns)

    def popularity(self, since: int, before: int) -> npt.NDArray[np.float64]:
        """Weighted number of positive events of every item in [since, before)."""
        return self._log.popularity(max(since, self._time), before)

    def _later(self, since: Positions) -> Positions:
        return np.maximum(since, self._time)


def _kept(columns: tuple[Ragged, ...], mask: npt.NDArray[np.bool_]) -> tuple[Ragged, ...]:
    return columns if mask.all() else tuple(column.keep(mask) for column in columns)
