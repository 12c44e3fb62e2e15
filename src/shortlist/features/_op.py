"""The form of an op: columns in, columns out, along two paths that agree."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import polars as pl

from shortlist.data import Array, Ragged
from shortlist.features._branch import Branch, Chosen
from shortlist.features._scalars import Scalar
from shortlist.features._state import State
from shortlist.features._statistics import Statistic
from shortlist.schema import Column, Schema

__all__ = [
    "Arrays",
    "ChecksNames",
    "Elementwise",
    "Exprs",
    "Fits",
    "FitsAgain",
    "Grows",
    "KeepsRows",
    "LooksAside",
    "Made",
    "Op",
    "OutOfFold",
    "Step",
]

Exprs = Mapping[str, pl.Expr]
Arrays = Mapping[str, Array | Ragged]


@dataclass(frozen=True, slots=True)
class Made:
    """The columns an op gives.

    Attributes:
        columns: columns that go on to the next op of the branch, in place of the inputs.
        aside: columns that leave the branch here: later ops do not touch them.
        together: whether the op needs every input at once; if not, it works on those that are there.
    """

    columns: tuple[Column, ...]
    aside: tuple[Column, ...] = ()
    together: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """An op applied to columns: one column, or a whole group of them.

    Attributes:
        op: the op.
        inputs: the columns it is applied to.
        made: what comes out.
        beside: raw columns that an op which `LooksAside` reads offline.
    """

    op: "Op"
    inputs: tuple[Column, ...]
    made: Made
    beside: tuple[Column, ...] = ()

    @property
    def outputs(self) -> tuple[Column, ...]:
        """Every column it gives."""
        return self.made.columns + self.made.aside


class Op(ABC):
    """Options of a change of columns; subclasses are frozen dataclasses.

    An op with statistics is also `Fits`, one that drops rows in training also `KeepsRows`; further protocols
    are for less usual needs.
    ``grouped`` says whether a column group comes as a whole; if not, each column comes by itself.
    Frames hold null for a missing value, arrays hold NaN or None; a missing list is an empty list.
    """

    grouped: ClassVar[bool] = False

    def __rrshift__(self, columns: Chosen) -> Branch:
        """``columns >> op``: the first op of a branch."""
        return Branch.of(columns, self)

    @abstractmethod
    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:
        """The columns that come of these; what only fitting knows is left open while ``state`` is None.

        Raises:
            SchemaError: an input has a type that the op cannot take.
        """

    @abstractmethod
    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:
        """Polars expressions of the outputs, from those of the inputs."""

    @abstractmethod
    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:
        """Arrays of the outputs, from those of the inputs."""


@runtime_checkable
class Fits(Protocol):
    """An op that learns from the data before it transforms."""

    def after(self) -> tuple[str, ...]:
        """Output columns of other branches whose op must be fitted first."""

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:
        """What to count in every partition; may be empty."""

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:
        """The state, from the merged statistics and the states of the columns in `after`."""


@runtime_checkable
class FitsAgain(Protocol):
    """An op that needs more than one round over the data, beside what `Fits` asks."""

    def more(self, step: Step, columns: Exprs, totals: Mapping[str, pl.DataFrame]) -> Mapping[str, Statistic]:
        """What to count in one more pass, given all totals so far; empty when they are enough."""


@runtime_checkable
class Grows(Protocol):
    """An op whose state can take in new values without changing what is known of the old ones."""

    def grown(self, step: Step, state: State, totals: Mapping[str, pl.DataFrame]) -> State:
        """The state with what is new in the statistics of further rows behind what was there."""


@runtime_checkable
class LooksAside(Protocol):
    """An op that reads further raw columns offline: targets, values to sum up. Serving needs none of them."""

    def beside(self, raw: Schema) -> tuple[str, ...]:
        """Their names. ``columns`` holds their expressions in `Fits.statistics` and `OutOfFold.training`."""


@runtime_checkable
class OutOfFold(Protocol):
    """An op that treats the rows it was fitted on apart, so that they do not see their own targets."""

    def training(self, step: Step, state: State, columns: Exprs) -> Exprs:
        """Polars expressions of the outputs for rows that the op was fitted on."""


@runtime_checkable
class KeepsRows(Protocol):
    """A training-only op: rows where its expression is not true are left out; in serving it does nothing."""

    def rows(self, columns: tuple[Column, ...]) -> pl.Expr:
        """An expression over raw columns, given those of the op's branch."""


@runtime_checkable
class Elementwise(Protocol):
    """An op that changes numbers one by one: the request path runs columns with equal arithmetic at once."""

    def scalars(self, step: Step, state: State) -> tuple[Scalar, ...] | None:
        """The arithmetic, first to last; None where this step is more than that."""


@runtime_checkable
class ChecksNames(Protocol):
    """An op with options by column: a name that none of its columns has is a mistake."""

    def check(self, groups: Sequence[tuple[Column, ...]]) -> None:
        """Look at all columns of the branch at once.

        Raises:
            ArgumentError: an option names another column.
        """
