"""What each stage did."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from shortlist.data import Candidates
from shortlist.pipeline._stage import Told
from shortlist.pipeline._step import Step
from shortlist.report import Table

__all__ = ["StageTrace", "Trace", "trace_of"]


@dataclass(frozen=True, slots=True)
class StageTrace:
    """One stage of one run, all requests together.

    Attributes:
        name: the stage.
        milliseconds: how long it took.
        before: candidates before it.
        after: candidates after it.
        dropped: reason -> how many it took out.
        sources: source -> how many of the candidates after it came from there.
        notes: failures, lateness and fallbacks, in words.
    """

    name: str
    milliseconds: float
    before: int
    after: int
    dropped: dict[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """What each stage of a pipeline did for a batch of requests; printable.

    Attributes:
        requests: how many there were.
        stages: in the order they ran.
    """

    requests: int
    stages: tuple[StageTrace, ...]

    @property
    def milliseconds(self) -> float:
        """Time of all stages together."""
        return sum(stage.milliseconds for stage in self.stages)

    @property
    def notes(self) -> tuple[str, ...]:
        """Every note, in order."""
        return tuple(note for stage in self.stages for note in stage.notes)

    def __str__(self) -> str:
        columns = ("stage", "ms", "before", "after", "dropped", "sources", "notes")
        rows = [
            (
                stage.name,
                round(stage.milliseconds, 3),
                stage.before,
                stage.after,
                _counts(stage.dropped),
                _counts(stage.sources),
                "; ".join(stage.notes),
            )
            for stage in self.stages
        ]
        title = f"{self.requests} requests, {self.milliseconds:.3f} ms"
        return str(Table(columns, rows, title=title, digits=3))


def trace_of(requests: int, steps: Sequence[Step]) -> Trace:
    """Count what each stage did."""
    return Trace(requests, tuple(_stage_trace(step, is_first=step is steps[0]) for step in steps))


def _stage_trace(step: Step, *, is_first: bool) -> StageTrace:
    found = [(step.after.sources[place], int(n)) for place, n in _tally(step.after)]
    told = step.stage.told(step.before, step.after) if isinstance(step.stage, Told) and not is_first else ()
    return StageTrace(
        step.stage.name,
        step.seconds * 1e3,
        len(step.before.items),
        len(step.after.items),
        step.dropped(),
        dict(found),
        (*map(str, step.notes), *told),
    )


def _tally(found: Candidates) -> list[tuple[int, int]]:
    return sorted(Counter(found.source.tolist()).items())


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
