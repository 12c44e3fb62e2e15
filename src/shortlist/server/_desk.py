"""A loaded bundle that answers asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, final

import numpy as np

from shortlist.bundle import Reader
from shortlist.data import Candidates, Requests
from shortlist.errors import ArgumentError, near
from shortlist.monitor import Monitor, Probe, known_fingerprint
from shortlist.pipeline import AnswerLog, OutcomeLog, Pipeline, StageTrace, load
from shortlist.schema import Column
from shortlist.server._ask import Ask, together
from shortlist.server._clock import live_state
from shortlist.server._context import check_context, context_columns
from shortlist.server._live import LiveEvents
from shortlist.server._messages import Event, Kept, UserItems
from shortlist.server._moments import moment_of
from shortlist.server._options import ServerOptions
from shortlist.server._results import results_of

__all__ = ["Answered", "Desk"]

_AHEAD_US = 3_600_000_000
Answered = tuple[list[UserItems], list[StageTrace] | None]


@final
@dataclass(frozen=True, slots=True)
class Desk:
    """Answers asks from a pipeline whose state is live.

    Attributes:
        pipe: the pipeline.
        version: of the bundle.
        answers: where answers are logged; None logs nothing.
        outcomes: where events are logged with their request ids; None logs nothing.
        monitor: what is measured of the answers.
        probe: looks again at some of the requests; None looks at none.
        context: columns that models read, by name.
    """

    pipe: Pipeline
    version: str
    monitor: Monitor
    answers: AnswerLog | None = None
    probe: Probe | None = None
    context: Mapping[str, Column] = field(default_factory=dict)
    outcomes: OutcomeLog | None = None

    @classmethod
    def open(cls, bundle: Path, options: ServerOptions, probe: Probe | None = None) -> Self:
        """Load a bundle, check every file, and let its present move with the clock.

        Raises:
            BundleError: the folder is not a sound bundle.
            PipelineError: the stages lack a column.
        """
        reader = Reader(bundle).open(verify=False)
        version = reader.version
        pipe = load(bundle, store=options.store, editable=True)
        pipe.check()
        log = None if options.answers is None else AnswerLog(options.answers, bundle=version)
        outcomes = None if options.events is None else OutcomeLog(options.events)
        live = pipe.with_state(live_state(pipe.state, options))
        live.run(Requests([None]))
        monitor = Monitor(live, known_fingerprint(reader), options.monitor)
        live = live.watched(monitor.stages)
        return cls(live, version, monitor, log, probe, context_columns(pipe.stages), outcomes)

    def run(self, asks: Sequence[Ask]) -> list[Answered | Exception]:
        """Answer asks of one kind in one run; if it fails, each by itself: none fails for another."""
        try:
            return list(self._run(asks))
        except Exception as error:
            return [error] if len(asks) == 1 else [self.run([ask])[0] for ask in asks]

    def append(self, events: Sequence[Event], live: LiveEvents) -> Kept:
        """Append events at their times, or now.

        Raises:
            ArgumentError: a time cannot be read, or lies more than an hour ahead.
            DataError: the file of live events could not be written; nothing was kept.
        """
        state = self.pipe.state
        now = state.now
        times = [
            now if event.time is None else _past(event.time, now, f"events[{place}].time")
            for place, event in enumerate(events)
        ]
        users, items = [event.user for event in events], [event.item for event in events]
        weights = np.array([event.weight for event in events], dtype=np.float32)
        kept = live.append(users, items, np.array(times, dtype=np.int64), weights)
        if self.outcomes is not None:
            ids = [event.request_id for event in events]
            self.outcomes.add(ids, users, items, times, weights.tolist())
        return Kept(kept, int((state.items.positions(items) >= 0).sum()))

    def flush(self) -> None:
        """Write logged answers and events to disk, count what was answered."""
        self.monitor.settle()
        for log in (self.answers, self.outcomes):
            if log is not None:
                log.flush()

    def close(self) -> None:
        """Write what is left and let go of the files."""
        if self.probe is not None:
            self.probe.forget(self.monitor)
        self.flush()
        close = getattr(self.pipe.state.store, "close", None)
        if close is not None:
            close()

    def _run(self, asks: Sequence[Ask]) -> list[Answered]:
        for ask in asks:
            self.check_columns(ask.columns)
            check_context(ask.context, self.context)
        requests, pipe = together(asks), self.pipe.narrowed(asks[0].conditions)
        trace = None
        if asks[0].trace:
            found, steps = pipe.run(requests, trace=True)
            trace = list(steps.stages)
        else:
            found = pipe.run(requests)
        if self.answers is not None:
            self.answers.add(requests, found, pipe.state)
        self._measure(pipe, requests, found)
        return [(lists, trace) for lists in results_of(asks, found, pipe.state)]

    def check_columns(self, columns: tuple[str, ...]) -> None:
        """Refuse columns that the item table lacks.

        Raises:
            ArgumentError: it lacks one.
        """
        known = self.pipe.state.store.item_schema.names
        for name in columns:
            if name not in known:
                raise ArgumentError(
                    "columns", received=name, expected="columns of the item table", remedy=near(name, known)
                )

    def _measure(self, pipe: Pipeline, requests: Requests, found: Candidates) -> None:
        self.monitor.answered(requests, found)
        if self.probe is not None:
            self.probe.offer(self.monitor, pipe, requests, found)


def _past(value: str | float, now: int, where: str) -> int:
    time = moment_of(value, where)
    if time > now + _AHEAD_US:
        raise ArgumentError(
            where,
            received=value,
            expected="a time not more than an hour ahead",
            remedy="numbers are seconds since 1970, not milliseconds",
        )
    return time
