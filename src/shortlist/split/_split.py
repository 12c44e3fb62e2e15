"""Data sets cut from one log, and the protocol that made them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
        code: the protocol in a word, as publications abbreviate it: GTS, LOO, RS811/u, VAE-SG, item-cold.
        fold_in: "valid" and "test" -> what is known of users that training does not hold, where it holds out
            whole users: put it in the state that recommends, not in what is learned from.
    """

    train: Dataset
    valid: Dataset | None
    test: Dataset
    protocol: str
    cutoffs: tuple[datetime, ...]
    report: LeakReport
    code: str = ""
    fold_in: Mapping[str, Dataset] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.train, self.valid, self.test))
