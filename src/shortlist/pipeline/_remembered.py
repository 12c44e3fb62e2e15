"""Answers to requests, kept for as long as they hold."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, final

import numpy as np

from shortlist.data import Candidates, Ragged, Requests, stack
from shortlist.pipeline._state import EVER, State

__all__ = ["Remembered"]

_LATER = 2**62


@final
class Remembered:
    """The last ``size`` answers, each to one request.

    An answer holds for as long as the user's own events are as many as when it was given, and for ``seconds``
    of the state's present. Requests are the same when user, k, context, recent and excluded items are (and
    the time, where the request says one). Threads may ask at once.

    Args:
        size: answers to keep; the one not used for longest goes first.
        seconds: how long an answer holds at most, whatever others do.
        by_id: whether requests with different ids differ: where something is drawn by chance.
    """

    def __init__(self, size: int, seconds: float, *, by_id: bool = False) -> None:
        self._size, self._seconds, self._by_id = size, seconds, by_id
        self._lock = Lock()
        self._store: object = None
        self._kept: OrderedDict[Hashable, tuple[int, Candidates]] = OrderedDict()

    def answer(
        self,
        requests: Requests,
        state: State,
        find: Callable[[Requests], tuple[Candidates, bool]],
        also: Hashable = None,
    ) -> tuple[Candidates, int]:
        """The candidates of all requests, and how many of the answers were known.

        Args:
            requests: Q requests.
            state: what they are asked of; answers of another store are forgotten.
            find: works out the answers to some of the requests, and says whether they may be kept.
            also: what answers depend on besides.
        """
        now = state.now
        keys = self._keys(requests, state, also)
        known = self._known(keys, now, state)
        missing = np.array([place for place, one in enumerate(known) if one is None], dtype=np.int64)
        if len(missing) == 0:
            return stack([one for one in known if one is not None]), len(known)
        found, whole = find(requests if len(missing) == len(requests) else requests.rows(missing))
        fresh = _one_by_one(found)
        if whole:
            self._keep([keys[place] for place in missing], fresh, now)
        if len(missing) == len(known):
            return found, 0
        rest = iter(fresh)
        return stack([next(rest) if one is None else one for one in known]), len(known) - len(missing)

    def _known(self, keys: list[Hashable], now: int, state: State) -> list[Candidates | None]:
        oldest = now - int(self._seconds * 1e6)
        with self._lock:
            if self._store is not state.origin:
                self._store = state.origin
                self._kept.clear()
            found: list[Candidates | None] = []
            for key in keys:
                since, one = self._kept.get(key, (-_LATER, None))
                found.append(one if oldest < since <= now else None)
                if found[-1] is not None:
                    self._kept.move_to_end(key)
        return found

    def _keep(self, keys: list[Hashable], answers: list[Candidates], now: int) -> None:
        with self._lock:
            for key, one in zip(keys, answers, strict=True):
                self._kept[key] = now, one
                self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)

    def _keys(self, requests: Requests, state: State, also: Hashable) -> list[Hashable]:
        users = state.users(requests)
        span = np.array([EVER]), np.array([_LATER])
        own = state.store.counts("user", users, np.full(len(users), -1), *span).tolist()
        times = [None] * len(users) if requests.times is None else requests.times.tolist()
        context = [(name, _plain(values)) for name, values in sorted(requests.context.items())]
        ids = requests.ids if self._by_id and len(requests.ids) else [None] * len(users)
        recent, exclude = _rows(requests.recent, len(users)), _rows(requests.exclude, len(users))
        return [
            (
                also,
                requests.k,
                _text(requests.users[place]),
                own[place],
                times[place],
                tuple((name, repr(values[place])) for name, values in context),
                recent[place],
                exclude[place],
                ids[place],
            )
            for place in range(len(users))
        ]


def _one_by_one(found: Candidates) -> list[Candidates]:
    """The candidates of each query as a batch of one."""
    out = []
    for low, high in zip(found.offsets[:-1].tolist(), found.offsets[1:].tolist(), strict=True):
        part = slice(low, high)
        columns = {name: values[part].copy() for name, values in found.columns.items()}
        offsets = np.array([0, high - low], dtype=np.int64)
        out.append(
            Candidates(
                found.items[part].copy(),
                offsets,
                found.scores[part].copy(),
                found.source[part].copy(),
                found.sources,
                columns,
            )
        )
    return out


def _plain(values: Any) -> list[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _rows(lists: Ragged | None, rows: int) -> list[Hashable]:
    if lists is None:
        return [None] * rows
    return [tuple(map(_text, row)) for row in lists.to_lists()]


def _text(value: Any) -> Hashable:
    """Ids as text: JSON and CSV blur 7 and "7"."""
    return None if value is None else str(value)
