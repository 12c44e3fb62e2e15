"""Looking again at sampled requests, off the request path."""

import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import Condition, Event, Lock, Thread
from time import monotonic, thread_time
from typing import NamedTuple, final

import numpy as np

from shortlist.data import Candidates, Requests
from shortlist.index import VectorIndex
from shortlist.monitor._monitor import Monitor
from shortlist.monitor._options import MonitorOptions
from shortlist.monitor._recall import live_recall
from shortlist.pipeline import Pipeline, Retrieve, State, leaves, planned
from shortlist.rng import generator

__all__ = ["Probe", "Sampled"]

_LOG = logging.getLogger("shortlist.monitor")
_WAITING = 64
_TOGETHER = 16
_PATIENCE_S = 5.0
_LOOK_S = 0.1


class Sampled(NamedTuple):
    """One request that is looked at again.

    Attributes:
        monitor: where the findings go.
        pipe: what answered.
        requests: the one request.
        found: its answer.
        state: as it was then.
    """

    monitor: Monitor
    pipe: Pipeline
    requests: Requests
    found: Candidates
    state: State


@final
class Probe:
    """A thread that looks again at sampled requests: the recall of indexes, the features that models read.

    It works in small pieces and rests after each, so that it takes ``cpu_share`` of a core. A few requests
    may wait for it; further ones are skipped, and counted. It never makes a request wait.

    Args:
        options: how many requests, and at what cost.
        seed: chooses the requests.
        on_start: called in the thread as it starts.
    """

    def __init__(
        self, options: MonitorOptions, seed: int = 0, on_start: Callable[[], None] = lambda: None
    ) -> None:
        self._options, self._rng, self._lock = options, generator(seed, "probe"), Lock()
        self._until_next = self._drawn() if options.sample > 0 else -1
        self._waiting = deque[Sampled]()
        self._at_work, self._hurry = 0, False
        self._changed = Condition()
        self._closed, self._on_start = Event(), on_start
        self._thread: Thread | None = None
        self._cpu_s = self._rested_at_s = 0.0

    @property
    def cpu_seconds(self) -> float:
        """Time of a processor that it has taken."""
        return self._cpu_s

    def open(self) -> None:
        """Start the thread."""
        if self._until_next >= 0 and self._thread is None:
            self._thread = Thread(target=self._work, name="shortlist-probe", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread; what waits is left."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def offer(self, monitor: Monitor, pipe: Pipeline, requests: Requests, found: Candidates) -> None:
        """Take some of these requests, by chance, and look at them later."""
        if self._until_next < 0 or self._thread is None:
            return
        for place in self._chosen(len(requests)):
            one = found.keep(found.query_of == place)
            row = Candidates(
                one.items,
                np.array([0, len(one.items)], np.int64),
                one.scores,
                one.source,
                one.sources,
                one.columns,
            )
            sample = Sampled(monitor, pipe, requests.one(place), row, pipe.state.for_run())
            with self._changed:
                room = len(self._waiting) < _WAITING
                if room:
                    self._waiting.append(sample)
                    self._changed.notify_all()
            if not room:
                monitor.sampled("skipped")

    def forget(self, monitor: Monitor) -> None:
        """Leave what waits of a version that answers no more: it would keep the whole bundle in memory."""
        with self._changed:
            self._waiting = deque(one for one in self._waiting if one.monitor is not monitor)
            self._changed.notify_all()

    def settle(self) -> None:
        """Work off what waits, and wait for it."""
        with self._changed:
            self._hurry = True
            self._changed.wait_for(lambda: not self._waiting and self._at_work == 0)
            self._hurry = False

    def _chosen(self, count: int) -> list[int]:
        """Places of sampled requests among the next ones."""
        with self._lock:
            places = []
            at = self._until_next
            while at < count:
                places.append(at)
                at += 1 + self._drawn()
            self._until_next = at - count
            return places

    def _drawn(self) -> int:
        """Requests to pass over before the next sampled one."""
        return int(self._rng.geometric(self._options.sample)) - 1

    def _work(self) -> None:
        self._on_start()
        self._rested_at_s = thread_time()
        while not self._closed.is_set():
            self._look_at(self._gathered())
            with self._changed:
                self._at_work = 0
                self._changed.notify_all()

    def _look_at(self, samples: list[Sampled]) -> None:
        for sample in samples:
            self._attempt(sample.monitor, partial(self._observe, sample))
        for same in _alike(samples):
            self._attempt(None, partial(self._recall, same))

    def _gathered(self) -> list[Sampled]:
        """So many samples, or those that came within a while."""
        until = monotonic() + _PATIENCE_S
        with self._changed:
            while len(self._waiting) < _TOGETHER and not self._closed.is_set():
                if (self._hurry and self._waiting) or monotonic() >= until:
                    break
                self._changed.wait(_LOOK_S)
            samples = [self._waiting.popleft() for _ in range(min(len(self._waiting), _TOGETHER))]
            self._at_work = len(samples)
            return samples

    def _attempt(self, monitor: Monitor | None, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            _LOG.exception("a sampled request could not be looked at again")
            outcome = "failed"
        else:
            outcome = "done"
        if monitor is not None:
            monitor.sampled(outcome)
        self._rest()

    def _rest(self) -> None:
        """Wait as long as keeps this thread at its share of a core."""
        used = thread_time() - self._rested_at_s
        self._cpu_s += used
        self._closed.wait(used * (1 / self._options.cpu_share - 1))
        self._rested_at_s = thread_time()

    def _observe(self, sample: Sampled) -> None:
        monitor = sample.monitor
        if monitor.looked_at:
            found = sample.found.first(monitor.looked_at)
            monitor.observed(monitor.observer.observe(sample.requests, found, sample.state))

    def _recall(self, samples: list[Sampled]) -> None:
        """The recall of samples of one pipeline."""
        first = samples[0]
        source = planned(first.pipe.stages, first.requests.k)[0]
        for stage in (part for part in leaves(source) if isinstance(part, Retrieve)):
            index = first.state.index_now(stage.index)
            if not isinstance(index, VectorIndex):
                continue
            vectors = [one.state.encode_query(stage.model, stage.flow, one.requests) for one in samples]
            allowed = first.state.allowed_rows(index.keys, stage.rules)
            recalls = live_recall(index, np.concatenate(vectors), stage.k, allowed, self._rest)
            first.monitor.recalled(stage.name, recalls.tolist())


def _alike(samples: list[Sampled]) -> list[list[Sampled]]:
    """Samples by what their recall depends on."""
    groups: dict[tuple[int, int, int], list[Sampled]] = {}
    for sample in samples:
        key = (id(sample.monitor), id(sample.pipe.stages), sample.requests.k)
        groups.setdefault(key, []).append(sample)
    return list(groups.values())
