"""Values that change over a run of training: a schedule is a small frozen value that says its course."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from shortlist.errors import ArgumentError

__all__ = ["Linear", "Schedule", "Scheduled", "value_at"]


@runtime_checkable
class Schedule(Protocol):
    """Anything that knows its value at each point of a run."""

    def at(self, progress: float) -> float:
        """The value when this share of the run's steps is done, in [0, 1]."""


Scheduled: TypeAlias = float | Schedule


@dataclass(frozen=True, slots=True)
class Linear:
    """``start`` for a while, then in a straight line to ``end``, then ``end``.

    ``value = start + (end - start) * clip((progress - after) / share, 0, 1)``

    >>> course = Linear(0.0, 0.5, share=0.4, after=0.2)
    >>> [round(course.at(progress), 3) for progress in (0.0, 0.2, 0.4, 0.6, 1.0)]
    [0.0, 0.0, 0.25, 0.5, 0.5]
    """

    start: float
    """Value of the first step."""
    end: float
    """Value once the way is done."""
    share: float = 1.0
    """Share of all steps that the way from ``start`` to ``end`` takes, in (0, 1]."""
    after: float = 0.0
    """Share of all steps for which ``start`` is kept first, in [0, 1)."""

    def __post_init__(self) -> None:
        if not 0.0 < self.share <= 1.0:
            raise ArgumentError(
                "Linear.share", received=self.share, expected="a share of the steps in (0, 1]"
            )
        if not 0.0 <= self.after < 1.0:
            raise ArgumentError(
                "Linear.after", received=self.after, expected="a share of the steps in [0, 1)"
            )

    def at(self, progress: float) -> float:
        """The value when this share of the run's steps is done."""
        done = min(max((progress - self.after) / self.share, 0.0), 1.0)
        return self.start + (self.end - self.start) * done


def value_at(value: Scheduled, progress: float) -> float:
    """A number as it is, or a schedule's value at this point of the run.

    >>> value_at(0.1, 0.5), value_at(Linear(0.0, 1.0), 0.5)
    (0.1, 0.5)
    """
    return value.at(progress) if isinstance(value, Schedule) else float(value)
