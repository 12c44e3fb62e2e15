"""Three data sets and the protocol that made them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shortlist.io import Dataset
from shortlist.split._leaks import LeakReport

__all__ = ["Split"]


@dataclass(frozen=True, slots=True)
class Split:
    """Training, validation and test data; it unpacks as ``train, valid, test``.

    Attributes:
        train: events to learn from.
        valid: events to choose with; None when there are none by choice.
        test: events to measure on.
        protocol: how they were made, as it stands beside every metric.
        cutoffs: the first moments of the validation and the test window (UTC); empty when not by time.
        report: what may leak; print it.
    """

    train: Dataset
    valid: Dataset | None
    test: Dataset
    protocol: str
    cutoffs: tuple[datetime, ...]
    report: LeakReport

    def __iter__(self) -> Iterator[Any]:
        return iter((self.train, self.valid, self.test))
