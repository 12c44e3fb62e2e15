"""Everything that is measured of one version of one bundle."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from functools import cache, partial, reduce
from threading import Lock
from time import monotonic
from typing import final

import numpy as np

from shortlist.data import Candidates, Requests
from shortlist.monitor._answers import AnswerCounts, Answered
from shortlist.monitor._drift import Drift, drifts
from shortlist.monitor._exposition import Row
from shortlist.monitor._fingerprint import Fingerprint
from shortlist.monitor._histogram import Histogram
from shortlist.monitor._observe import Observed, Observer
from shortlist.monitor._options import MonitorOptions
from shortlist.monitor._shown import Shown, popular_items
from shortlist.monitor._stages import StageCounts
from shortlist.monitor._tally import Tally
from shortlist.monitor._window import Recent
from shortlist.pipeline import Pipeline

__all__ = ["LEVELS", "Monitor"]

LEVELS = {"unclear": -1, "steady": 0, "moved": 1, "drifted": 2}
"""Verdict on a feature -> its number in ``shortlist_drift_level``."""


_MOST_WAITING = 4096


@final
class Monitor:
    """Counts of one version of a bundle; threads may use it at once.

    Args:
        pipe: what answers.
        fingerprint: what live requests are compared with, or why there is none.
        options: windows and thresholds.
        clock: seconds that never run backwards.

    Attributes:
        stages: what the stages did.
        fingerprint: as given.
        observer: reads again what the models read.
        looked_at: items of each answer that are compared with the fingerprint; 0 where there is none.
    """

    def __init__(
        self,
        pipe: Pipeline,
        fingerprint: Fingerprint | str,
        options: MonitorOptions | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.stages = StageCounts()
        self.fingerprint = fingerprint
        self.observer = Observer(pipe.stages)
        self.looked_at = fingerprint.k if isinstance(fingerprint, Fingerprint) else 0
        self._options = options or MonitorOptions()
        self._answers = AnswerCounts(pipe)
        self._waiting: list[Answered] = []
        self._lock = Lock()
        self._store = pipe.state.store
        window = self._options.window_s
        # Worked out when first asked; what counts does not hold the monitor, so that both go at once.
        popular = self._popular = cache(partial(popular_items, pipe.state.store))
        self._shown = Recent(lambda: Shown(popular()), window, clock)
        self._tally: Recent[Tally] | None = None
        if isinstance(fingerprint, Fingerprint):
            self._tally = Recent(lambda: Tally(fingerprint), window, clock)
        self._recalls: dict[str, deque[float]] = {}
        self._times = Histogram()
        self._samples: Counter[str] = Counter()

    def answered(self, requests: Requests, found: Candidates) -> None:
        """Keep answers to be counted by `settle`: nothing is counted while somebody waits."""
        told = Answered(requests.users, requests.k, found.items, found.source, found.sources, found.lengths)
        with self._lock:
            self._waiting.append(told)
            late = len(self._waiting) >= _MOST_WAITING
        if late:
            self.settle()

    def settle(self) -> None:
        """Count the answers that wait."""
        _ = self._popular()  # while nobody waits for the lock
        with self._lock:
            waiting, self._waiting = self._waiting, []
            if waiting:
                self._answers.add(waiting, self._shown.now)

    def took(self, seconds: float) -> None:
        """Count the time of an answer, waiting included."""
        with self._lock:
            self._times.add(seconds)

    def sampled(self, outcome: str) -> None:
        """Count a sampled request: ``"done"``, ``"failed"`` or ``"skipped"``."""
        with self._lock:
            self._samples[outcome] += 1

    def observed(self, seen: Observed) -> None:
        """Add what models read of sampled requests."""
        if self._tally is not None:
            with self._lock:
                self._tally.now.add(seen)

    def recalled(self, stage: str, recalls: list[float]) -> None:
        """Add the recall of sampled requests."""
        with self._lock:
            kept = self._recalls.setdefault(stage, deque(maxlen=self._options.recall_queries))
            kept.extend(value for value in recalls if value == value)  # noqa: PLR0124 - not NaN

    def drifts(self) -> list[Drift]:
        """What has changed since the fingerprint; nothing where there is none, or nothing was sampled."""
        with self._lock:
            parts = [] if self._tally is None else list(self._tally.parts())
            tally = reduce(Tally.plus, parts) if parts else None
        return [] if tally is None or tally.requests == 0 else drifts(tally, self._options.drift)

    def rows(self) -> Iterator[Row]:
        """The metrics, without the labels of the bundle."""
        self.settle()
        yield from self.stages.rows()
        rows = self.drifts()
        with self._lock:
            yield Row("shortlist_recommend_duration_seconds", {}, self._times)
            yield from self._answers.rows()
            yield from self._shown_rows()
            yield from self._recall_rows()
            for outcome, count in sorted(self._samples.items()):
                yield Row("shortlist_samples_total", {"outcome": outcome}, count)
        why = "" if isinstance(self.fingerprint, Fingerprint) else self.fingerprint
        yield Row("shortlist_fingerprint_available", {"why": why}, int(not why))
        yield Row("shortlist_drift_requests", {}, rows[0].requests if rows else 0)
        yield from _drift_rows(rows)

    def _shown_rows(self) -> Iterator[Row]:
        parts = list(self._shown.parts())
        listed = int(self._store.listed.sum())
        yield Row("shortlist_catalogue_items", {}, listed)
        if not parts:
            return
        seen = np.zeros(max(len(part.seen) for part in parts), np.bool_)
        for part in parts:
            seen[: len(part.seen)] |= part.seen
        places = sum(part.places for part in parts)
        popular = sum(part.popular_places for part in parts)
        yield Row("shortlist_coverage_ratio", {}, float(seen.sum()) / max(listed, 1))
        if places:
            yield Row("shortlist_popular_share_ratio", {}, popular / places)

    def _recall_rows(self) -> Iterator[Row]:
        for stage, values in self._recalls.items():
            if values:
                yield Row("shortlist_ann_recall_ratio", {"stage": stage}, sum(values) / len(values))
            yield Row("shortlist_ann_recall_queries", {"stage": stage}, len(values))


def _drift_rows(rows: list[Drift]) -> Iterator[Row]:
    for row in rows:
        labels = {"feature": row.name, "kind": row.kind}
        yield Row("shortlist_drift_psi", labels, row.psi)
        yield Row("shortlist_drift_psi_chance", labels, row.limit)
        yield Row("shortlist_drift_level", labels, LEVELS[row.verdict])
        if row.ks == row.ks:
            yield Row("shortlist_drift_ks", labels, row.ks)
        own = {"feature": row.name}
        if row.kind == "vectors":
            yield Row("shortlist_drift_shift", own, row.shift)
        else:
            for when, null, unknown in (
                ("now", row.null, row.unknown),
                ("fingerprint", row.null_before, row.unknown_before),
            ):
                yield Row("shortlist_feature_null_ratio", {**own, "when": when}, null)
                yield Row("shortlist_feature_unknown_ratio", {**own, "when": when}, unknown)
