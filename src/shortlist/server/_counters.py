"""What the server counts, in the text form that Prometheus reads."""

from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import final

__all__ = ["Counters"]

_BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@final
class Counters:
    """Requests by outcome, latencies, users asked for, answers that fell back, items by source, events.

    >>> counters = Counters()
    >>> counters.answered("/recommend", 200, 3.0)
    >>> 'shortlist_requests_total{path="/recommend",status="200"} 1' in counters.text()
    True
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._latency: Counter[float] = Counter()
        self._latency_sum_ms = 0.0
        self._sources: Counter[str] = Counter()
        self._swaps: Counter[tuple[str, str]] = Counter()
        self._shadows: Counter[tuple[str, str]] = Counter()
        self._overlap: dict[str, float] = {}
        self._edits: Counter[str] = Counter()
        self._users = self._fallback_users = self._events = 0

    def answered(self, path: str, status: int, milliseconds: float) -> None:
        """Count one answer."""
        with self._lock:
            self._requests[path, status] += 1
            if path == "/recommend" and status == 200:
                self._latency_sum_ms += milliseconds
                self._latency[next((b for b in _BOUNDS_MS if milliseconds <= b), float("inf"))] += 1

    def recommended(self, source: str, items: int) -> None:
        """Count items that a source contributed to answers."""
        with self._lock:
            self._sources[source] += items

    def swapped(self, bundle: str, outcome: str) -> None:
        """Count a change of version: ``"done"`` or ``"failed"``."""
        with self._lock:
            self._swaps[bundle, outcome] += 1

    def shadowed(self, bundle: str, overlap: float | None) -> None:
        """Count an answer of a shadow and the share of the shown items that it holds; None was left out."""
        with self._lock:
            self._shadows[bundle, "skipped" if overlap is None else "asked"] += 1
            self._overlap[bundle] = self._overlap.get(bundle, 0.0) + (overlap or 0.0)

    def users(self, asked: int, fallback: int) -> None:
        """Count users asked for, and those among them whose whole list came from the fallback."""
        with self._lock:
            self._users += asked
            self._fallback_users += fallback

    def appended(self, events: int) -> None:
        """Count events that were kept."""
        with self._lock:
            self._events += events

    def edited(self, kind: str, items: int) -> None:
        """Count items that were ``"upserted"`` or ``"deleted"``."""
        with self._lock:
            self._edits[kind] += items

    def text(self) -> str:
        """The exposition text."""
        with self._lock:
            requests = {f'path="{path}",status="{s}"': n for (path, s), n in sorted(self._requests.items())}
            sources = {f'source="{_escaped(name)}"': n for name, n in sorted(self._sources.items())}
            errors = sum(n for (_, status), n in self._requests.items() if status >= 400)
            lines = [
                *_counter("requests", "Answers by path and status", requests),
                *_counter("errors", "Answers with a status of 400 or more", {"": errors}),
                *_counter("users", "Users asked for", {"": self._users}),
                *_counter(
                    "fallback_users", "Users answered by the fallback alone", {"": self._fallback_users}
                ),
                *_counter("items", "Items recommended by source", sources),
                *_counter("events", "Events appended", {"": self._events}),
                *_counter("items_edited", "Items that came or went", _kinds(self._edits)),
                *_counter("swaps", "Changes of version by bundle", _labels(self._swaps)),
                *_counter("shadows", "Answers of shadow bundles", _labels(self._shadows)),
                *_counter(
                    "shadow_overlap",
                    "Sum over these answers of the share of the shown items that they hold",
                    {f'bundle="{_escaped(name)}"': n for name, n in sorted(self._overlap.items())},
                ),
                *self._histogram(),
            ]
        return "\n".join(lines) + "\n"

    def _histogram(self) -> list[str]:
        name, total = "shortlist_recommend_milliseconds", 0
        lines = [f"# HELP {name} Time to answer /recommend", f"# TYPE {name} histogram"]
        for bound in (*_BOUNDS_MS, float("inf")):
            total += self._latency[bound]
            label = "+Inf" if bound == float("inf") else str(bound)
            lines.append(f'{name}_bucket{{le="{label}"}} {total}')
        return [*lines, f"{name}_sum {self._latency_sum_ms:.3f}", f"{name}_count {total}"]


def _labels(counts: Counter[tuple[str, str]]) -> dict[str, float]:
    return {f'bundle="{_escaped(name)}",outcome="{what}"': n for (name, what), n in sorted(counts.items())}


def _kinds(counts: Counter[str]) -> dict[str, float]:
    return {f'kind="{kind}"': n for kind, n in sorted(counts.items())}


def _counter(name: str, about: str, values: Mapping[str, float]) -> list[str]:
    full = f"shortlist_{name}_total"
    rows = [
        f"{full}{{{labels}}} {value}" if labels else f"{full} {value}" for labels, value in values.items()
    ]
    return [f"# HELP {full} {about}", f"# TYPE {full} counter", *rows]


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
