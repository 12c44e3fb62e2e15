"""One trial of a tuning, under way and when it is over."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, Protocol

from shortlist.errors import ArgumentError

__all__ = ["EpochLike", "Trial", "TrialRecord"]


class EpochLike(Protocol):
    """For type-checking only: what `Trial.after_epoch` reads of an epoch of training."""

    @property
    def epoch(self) -> int:
        """Counted from 1."""

    @property
    def metric(self) -> float | None:
        """The validation metric, if there is one."""


class Trial(Mapping[str, Any]):
    """The values to try, by name; it is a mapping, so ``EASE(**trial)`` works.

    Made by `tune`, which passes it to the function that is tuned.

    Args:
        number: of the trial, from 0.
        values: to try.
        report: takes a step and a value and says whether the trial is to be given up.
    """

    def __init__(self, number: int, values: Mapping[str, Any], report: Callable[[int, float], bool]) -> None:
        self.number = number
        self.reports: list[tuple[int, float]] = []
        self.pruned = False
        self._values, self._report = dict(values), report

    def report(self, step: int, value: float) -> bool:
        """Tell how good the trial is by now.

        Args:
            step: how far it has come, rising; the same scale in every trial.
            value: as the score: its last report is the score of a trial that is given up.

        Returns:
            Whether to stop, because the median of the other trials was better at this step. Return any
            score then: it is not read.

        Raises:
            ArgumentError: ``value`` is not finite, or ``step`` does not rise.
        """
        if not isfinite(value) or step < 0 or (self.reports and step <= self.reports[-1][0]):
            raise ArgumentError(
                "Trial.report",
                received=f"step {step}, value {value}",
                expected="a finite value, and steps that rise",
            )
        self.reports.append((step, float(value)))
        self.pruned = self._report(step, float(value)) or self.pruned
        return self.pruned

    def after_epoch(self, epoch: EpochLike) -> bool:
        """Report the metric of an epoch: ``FitOptions(callbacks=(trial.after_epoch,))``.

        Raises:
            ArgumentError: the epoch has no metric.
        """
        if epoch.metric is None:
            raise ArgumentError(
                "Trial.after_epoch",
                received="an epoch without a metric",
                expected="a metric on validation data",
                remedy="pass valid= to sl.fit",
            )
        return self.report(epoch.epoch, epoch.metric)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Trial({self.number}, {self._values})"


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One trial that is over."""

    number: int
    """In the order they ran, from 0."""
    values: Mapping[str, Any]
    """What was tried."""
    score: float | None
    """What the function returned; the last report of a pruned trial; None of one that failed."""
    state: Literal["done", "pruned", "failed"]
    """Whether it ran to its end."""
    reports: tuple[tuple[int, float], ...]
    """Steps and values it reported."""
    seconds: float
    """Wall time; 0 for values that had been tried before."""
    error: str | None = None
    """Why it failed."""
