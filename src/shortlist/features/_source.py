"""The form of a history op: a column made out of the events before each row's time."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, EventLog, Ragged
from shortlist.features._branch import Branch
from shortlist.features._op import Op
from shortlist.schema import Column, Schema

__all__ = ["NOTHING", "Given", "Needs", "Positions", "Source", "as_named", "sources_of"]

Positions = npt.NDArray[np.int64]
Given = Mapping[str, Array]

NOTHING: Given = {}


@dataclass(frozen=True, slots=True)
class Needs:
    """What a history op reads.

    Attributes:
        row: what it is asked with: "user", "item", and columns of the row itself.
        events: columns of the events.
        positive: whether it reads positive events only.
        codes: the column whose codes it finds: "item", or one of text; None when it finds plain values.
    """

    row: tuple[str, ...] = ("user",)
    events: tuple[str, ...] = ()
    positive: bool = True
    codes: str | None = None


class Source(ABC):
    """Options of a column that looks back on the event log; subclasses are frozen dataclasses.

    Only events strictly before a row's time are seen; rows of one time do not see each other. The column is
    computed offline by `Workflow.transform`, and from the feature store when serving; where a data set or a
    batch already has it, it is taken as given.
    """

    def __rshift__(self, op: Op) -> Branch:
        """``source >> op``: the first op of a branch."""
        return Branch((), (op,), self)

    @property
    @abstractmethod
    def needs(self) -> Needs:
        """What it reads of the row and of the events."""

    @abstractmethod
    def column(self, schema: Schema) -> Column:
        """The column it makes, given the columns of the log.

        Raises:
            SchemaError: the log lacks a column that is needed, or one is of a type that it cannot take.
        """

    @abstractmethod
    def from_log(
        self, log: EventLog, users: Positions, items: Positions, times: Positions, columns: Given = NOTHING
    ) -> Array | Ragged:
        """The values, or lists of values: floats with NaN for none, integers or codes with `NULL`.

        Args:
            log: events of users and items by position.
            users: int64 [B], -1 for unknown.
            items: int64 [B], -1 for unknown; read by features of items and pairs only.
            times: int64 [B], microseconds since 1970 UTC; [1] for one time for all.
            columns: the columns of the row that it is asked with, as the log has them.
        """


@runtime_checkable
class Several(Protocol):
    """A history op that stands for several, one a column."""

    def each(self) -> tuple[Source, ...]:
        """The ops, each of one column."""


@runtime_checkable
class NamesIds(Protocol):
    """A history op that names the column of item ids, which a log calls "item"."""

    def named(self, items: Collection[str]) -> Source:
        """The same op in the words of the log, given what the column of item ids is called."""


def sources_of(source: Source) -> tuple[Source, ...]:
    """The ops of one column that a history op stands for: itself, or several."""
    return source.each() if isinstance(source, Several) else (source,)


def as_named(source: Source, items: Collection[str]) -> Source:
    """A history op in the words of a log whose item ids are in columns of these names."""
    return source.named(items) if isinstance(source, NamesIds) else source
