"""What the server counts, in the text form that Prometheus reads."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import final

from shortlist.monitor import BATCHES, Histogram, Monitor, Row, exposition

__all__ = ["Counters"]

_VERSIONS = 4


@final
class Counters:
    """Requests by outcome, waiting, batches, events, changes of version, and the monitors of the bundles.

    Attributes:
        gauges: name of a gauge -> what tells its value.
        stores: version -> how often its store did not answer, by reason.

    >>> counters = Counters()
    >>> counters.answered("/recommend", 200, 3.0)
    >>> 'shortlist_requests_total{path="/recommend",status="200"} 1' in counters.text()
    True
    """

    def __init__(self) -> None:
        self.gauges: dict[str, Callable[[], float]] = {}
        self.stores: dict[str, Callable[[], Mapping[str, int]]] = {}
        self._lock = Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._durations: dict[str, Histogram] = {}
        self._waits, self._batches, self._users = Histogram(), Histogram(BATCHES), Histogram(BATCHES)
        self._swaps: Counter[tuple[str, str]] = Counter()
        self._shadows: Counter[tuple[str, str]] = Counter()
        self._overlap: dict[str, float] = {}
        self._edits: Counter[str] = Counter()
        self._events: Counter[str] = Counter()
        self._monitors: dict[tuple[str, str], Monitor] = {}

    def answered(self, path: str, status: int, milliseconds: float) -> None:
        """Count one answer."""
        with self._lock:
            self._requests[path, status] += 1
            if status == 200:
                if path not in self._durations:
                    self._durations[path] = Histogram()
                self._durations[path].add(milliseconds / 1e3)

    def gathered(self, waits_s: Sequence[float], users: int) -> None:
        """Count requests that are run together: how long each waited, and their users."""
        with self._lock:
            for seconds in waits_s:
                self._waits.add(seconds)
            self._batches.add(len(waits_s))
            self._users.add(users)

    def swapped(self, bundle: str, outcome: str) -> None:
        """Count a change of version: ``"done"`` or ``"failed"``."""
        with self._lock:
            self._swaps[bundle, outcome] += 1

    def shadowed(self, bundle: str, overlap: float | None) -> None:
        """Count an answer of a shadow and the share of the shown items that it holds; None was left out."""
        with self._lock:
            self._shadows[bundle, "skipped" if overlap is None else "asked"] += 1
            self._overlap[bundle] = self._overlap.get(bundle, 0.0) + (overlap or 0.0)

    def appended(self, events: int, known: int) -> None:
        """Count events that were kept, and those among them whose item is known."""
        with self._lock:
            self._events["known"] += known
            self._events["unknown"] += events - known

    def attach(self, bundle: str, version: str, monitor: Monitor) -> None:
        """Expose what is measured of a version; of older versions of a bundle only the last few."""
        with self._lock:
            self._monitors.pop((bundle, version), None)
            self._monitors[bundle, version] = monitor
            own = [key for key in self._monitors if key[0] == bundle]
            for key in own[:-_VERSIONS]:
                del self._monitors[key]

    def edited(self, kind: str, items: int) -> None:
        """Count items that were ``"upserted"`` or ``"deleted"``."""
        with self._lock:
            self._edits[kind] += items

    def text(self) -> str:
        """The exposition text."""
        with self._lock:
            monitors = dict(self._monitors)
        measured = [
            Row(row.name, {"bundle": bundle, "version": version, **row.labels}, row.value)
            for (bundle, version), monitor in monitors.items()
            for row in monitor.rows()
        ]
        with self._lock:
            return exposition([*self._rows(), *measured])

    def _rows(self) -> Iterator[Row]:
        for (path, status), count in sorted(self._requests.items()):
            yield Row("shortlist_requests_total", {"path": path, "status": str(status)}, count)
        errors = sum(count for (_, status), count in self._requests.items() if status >= 400)
        yield Row("shortlist_errors_total", {}, errors)
        for path, durations in self._durations.items():
            yield Row("shortlist_request_duration_seconds", {"path": path}, durations)
        yield Row("shortlist_queue_duration_seconds", {}, self._waits)
        yield Row("shortlist_batch_requests", {}, self._batches)
        yield Row("shortlist_batch_users", {}, self._users)
        for name, value in self.gauges.items():
            yield Row(name, {}, value())
        for item in ("known", "unknown"):
            yield Row("shortlist_events_total", {"item": item}, self._events[item])
        for kind in ("deleted", "upserted"):
            yield Row("shortlist_items_edited_total", {"kind": kind}, self._edits[kind])
        yield from _by_outcome("shortlist_swaps_total", self._swaps)
        yield from _by_outcome("shortlist_shadows_total", self._shadows)
        for bundle, overlap in sorted(self._overlap.items()):
            yield Row("shortlist_shadow_overlap_total", {"bundle": bundle}, overlap)
        for version, failures in list(self.stores.items()):
            for reason, count in sorted(failures().items()):
                yield Row("shortlist_store_failures_total", {"version": version, "reason": reason}, count)


def _by_outcome(metric: str, counts: Mapping[tuple[str, str], int]) -> Iterator[Row]:
    for (bundle, outcome), count in sorted(counts.items()):
        yield Row(metric, {"bundle": bundle, "outcome": outcome}, count)
