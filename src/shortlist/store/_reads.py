"""What was read of a source for one batch of requests."""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.data import EventLog
from shortlist.store._log_since import LogSince
from shortlist.store._source import EventRow, Row, Source

__all__ = ["Reads"]

Positions = npt.NDArray[np.int64]
MakeLog = Callable[[Positions, Positions, Sequence[EventRow]], EventLog]


@final
class Reads:
    """Users and items by position, each read once and together; once a read failed, nothing is read.

    Args:
        source: where they are.
        ids: raw ids of positions of users and of items, None for none.
        make_log: a log of the positions of some users, and of events, each with the number of its user.
        since: events before it are left out.
    """

    def __init__(
        self,
        source: Source,
        ids: Mapping[str, Callable[[list[int]], Sequence[Any]]],
        make_log: MakeLog,
        since: int,
    ) -> None:
        self.failed = False
        self._source, self._ids, self._make_log, self._since = source, ids, make_log, since
        self._rows: dict[str, dict[int, Row]] = {"users": {}, "items": {}}
        self._log: tuple[int, EventLog, dict[int, int]] | None = None
        self._lock = Lock()

    def rows(self, side: str, positions: Positions) -> list[Row] | None:
        """The row of each position of "users" or "items", empty for -1; None when they cannot be read."""
        known = self._rows[side]
        wanted = positions.tolist()
        with self._lock:
            missing = [place for place in dict.fromkeys(wanted) if place >= 0 and place not in known]
            if missing and not self._read(side, missing):
                return None
        return [known.get(place, _EMPTY) for place in wanted]

    def log(self, users: Positions) -> tuple[EventLog, Positions] | None:
        """A log of the events of these users and of those read before, and their positions in it."""
        distinct, back = np.unique(users, return_inverse=True)
        if self.rows("users", distinct) is None:
            return None
        with self._lock:
            known = self._rows["users"]
            if self._log is None or self._log[0] != len(known):
                self._log = (len(known), *self._logged(known))
            _, log, numbers = self._log
        places = np.array([numbers.get(place, -1) for place in distinct.tolist()], dtype=np.int64)
        return log, places[back]

    def _read(self, side: str, places: list[int]) -> bool:
        """Read what is not known; whether it could be."""
        if self.failed:
            return False
        ids = self._ids[side](places)
        there = [row for row, each in enumerate(ids) if each is not None]
        raw = [ids[row] for row in there]
        found = self._source.read(raw, []) if side == "users" else self._source.read([], raw)
        if found is None:
            self.failed = True
            return False
        known = self._rows[side]
        known.update(dict.fromkeys(places, _EMPTY))
        known.update(zip((places[row] for row in there), getattr(found, side), strict=True))
        return True

    def _logged(self, known: dict[int, Row]) -> tuple[EventLog, dict[int, int]]:
        numbers = {place: number for number, place in enumerate(known)}
        events = [event for row in known.values() for event in row.events]
        users = np.repeat(np.arange(len(known)), [len(row.events) for row in known.values()])
        positions = np.array(list(known), dtype=np.int64)
        return LogSince(self._make_log(positions, users, events), self._since), numbers


_EMPTY = Row()
