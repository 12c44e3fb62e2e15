"""The form of a history op: a column made out of the events before each row's time."""

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Array, EventLog, Ragged
from shortlist.features._branch import Branch
from shortlist.features._key_table import KeyTable
from shortlist.features._op import Op
from shortlist.schema import Column, Schema

__all__ = ["Positions", "Source"]

Positions = npt.NDArray[np.int64]


class Source(ABC):
    """Options of a column that looks back on the event log; subclasses are frozen dataclasses.

    Only events strictly before a row's time are seen; rows of one time do not see each other. The column is
    computed offline by `Workflow.transform`, and from the feature store when serving; where a data set or a
    batch already has it, it is taken as given.
    """

    def __rshift__(self, op: Op) -> Branch:
        """``source >> op``: the first op of a branch."""
        return Branch((), (op,), self)

    @abstractmethod
    def column(self, schema: Schema) -> Column:
        """The column it makes, given the columns of the log.

        Raises:
            SchemaError: the log has no user, item or time column.
        """

    @abstractmethod
    def from_log(self, log: EventLog, users: Positions, items: Positions, times: Positions) -> Array | Ragged:
        """Float64 values, NaN for none, or lists of item positions.

        Args:
            log: events of users and items by position.
            users: int64 [B], -1 for unknown.
            items: int64 [B], -1 for unknown; read by features of items and pairs only.
            times: int64 [B], microseconds since 1970 UTC; [1] for one time for all.
        """

    @abstractmethod
    def series(self, values: Array | Ragged, items: KeyTable) -> pl.Series:
        """What `from_log` gave as a raw column, positions turned to raw item ids."""
