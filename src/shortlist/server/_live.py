"""Events that arrive while serving: on disk once, and in the store of every version that answers."""

from pathlib import Path
from threading import Lock
from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Store
from shortlist.store import Journal

__all__ = ["LiveEvents"]

Times = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32]


@final
class LiveEvents:
    """One journal of raw events for all the versions of a bundle, present and future.

    An event is in the journal before it is acknowledged, and then in every attached store. A store that is
    attached later, that of a new version, first gets what the journal holds: all that was appended while this
    very version answered, and of the rest what is newer than the version's own log. So a swap of versions
    loses no event, and counts none twice. Stores that keep events for several processes need no file: an
    event is given to one of them, and the others read it there.

    Args:
        path: the file; None where the stores keep events.
    """

    def __init__(self, path: Path | None) -> None:
        self._journal = None if path is None else Journal(path)
        self._stores: dict[str, Store] = {}
        self._lock = Lock()

    def open(self) -> None:
        """Take hold of the file.

        Raises:
            DataError: it is damaged, or held by another process.
        """
        if self._journal is not None:
            self._journal.open()

    def attach(self, version: str, store: Store) -> None:
        """Give a store what was appended, and from now on what is."""
        if self._journal is None:
            with self._lock:
                self._stores[version] = store
            return
        until = store.until
        records, place = self._journal.records()
        _replay(records, version, until, store)
        with self._lock:
            late, _ = self._journal.records(place)
            _replay(late, version, until, store)
            self._stores[version] = store

    def detach(self, version: str) -> None:
        """Give a store nothing more."""
        with self._lock:
            self._stores.pop(version, None)

    def append(self, users: list[Any], items: list[Any], times: Times, weights: Weights) -> int:
        """Keep events: on disk, then in every attached store. Gives how many were kept: all.

        Raises:
            DataError: the file could not be written, or the store did not answer; nothing was kept.
        """
        if not users:
            return 0
        if self._journal is None:
            with self._lock:
                keeper = next(iter(self._stores.values()))
            return keeper.append_events(users, items, times, weights)
        with self._lock:
            stores = dict(self._stores)
            record = {"u": users, "i": items, "t": times.tolist(), "w": weights.tolist()}
            self._journal.append({**record, "v": sorted(stores)})
            for store in stores.values():
                store.append_events(users, items, times, weights)
        return len(users)

    def close(self) -> None:
        """Let go of the file."""
        if self._journal is not None:
            self._journal.close()


def _replay(records: list[Any], version: str, until: int, store: Store) -> None:
    """Give a store the events that its version has answered with, and those its log is too old for."""
    kept = [
        (user, item, time, weight)
        for record in records
        for user, item, time, weight in zip(record["u"], record["i"], record["t"], record["w"], strict=True)
        if time >= until or version in record["v"]
    ]
    if kept:
        users, items, times, weights = zip(*kept, strict=True)
        store.append_events(
            list(users), list(items), np.array(times, dtype=np.int64), np.array(weights, dtype=np.float32)
        )
