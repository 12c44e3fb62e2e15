"""Signals: which events say that a user wants an item, and which take it back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from shortlist.errors import ArgumentError, SchemaError, near

__all__ = ["CANCEL", "NEGATIVE", "POSITIVE", "Signals"]

POSITIVE, NEGATIVE, CANCEL = "positive", "negative", "cancellation"


@dataclass(frozen=True, slots=True)
class Signals:
    """What the events of a log say. Without options every event is a positive of weight 1.

    The column ``weight`` (float32) is above 0 for positives and below 0 for explicit negatives; rows that
    are neither are left out and counted.

    Attributes:
        positives: event type -> weight, above 0; empty means that every type that is not named elsewhere is
            a positive of weight 1.
        negatives: event types that say the user does not want the item (weight -1).
        cancels: event type -> the type of event it takes back, for example ``{"return": "purchase"}``.
        negative_value_cancels: a row whose value is below 0 takes back earlier positives of the same user
            and item, as many units as its value says; a value of 0 is no signal.
        min_value: a row is a positive only if its value is at least this, for example ratings from 4.
        weight_by_value: multiply the weight of positives by their value; values not above 0 are no signal.

    A cancellation takes back the newest earlier positives of the same user and item first: as many units as
    its value says where there is a value column, otherwise one event. Positives wholly taken back are left
    out; a positive taken back in part keeps the rest as its value. At the same time, the positive is first.

    >>> Signals(positives={"purchase": 1.0, "view": 0.2}, cancels={"return": "purchase"}).types
    ('purchase', 'view', 'return')
    """

    positives: Mapping[str, float] = field(default_factory=dict)
    negatives: tuple[str, ...] = ()
    cancels: Mapping[str, str] = field(default_factory=dict)
    negative_value_cancels: bool = False
    min_value: float | None = None
    weight_by_value: bool = False

    def __post_init__(self) -> None:
        for name, weight in self.positives.items():
            if not weight > 0:
                raise ArgumentError(
                    "Signals.positives",
                    received=f"{weight} for {name!r}",
                    expected="weights above 0",
                    remedy="name events that say no in negatives",
                )
        if len(set(self.types)) < len(self.types):
            raise ArgumentError(
                "Signals", received=f"event types {self.types}", expected="each type in one place"
            )
        for name in self.cancels.values():
            if self.positives and name not in self.positives:
                raise ArgumentError(
                    "Signals.cancels",
                    received=name,
                    expected="an event type that is a positive",
                    remedy=near(name, self.positives),
                )

    @property
    def types(self) -> tuple[str, ...]:
        """Every event type that is named as a positive, a negative or a cancellation."""
        return (*self.positives, *self.negatives, *self.cancels)

    @property
    def cancelling(self) -> bool:
        """Whether some rows can take back others."""
        return self.negative_value_cancels or bool(self.cancels)

    @property
    def counts_units(self) -> bool:
        """Whether a row needs a value to count."""
        return self.min_value is not None or self.weight_by_value

    def check(self, roles: Mapping[str, str]) -> None:
        """Check that the roles that the options read are there.

        Raises:
            SchemaError: there is no event or no value column.
        """
        if self.types and "event" not in roles:
            raise SchemaError(
                "Signals",
                received="event types, but no event column",
                expected="the role event",
                remedy='add "event" to the roles',
            )
        if (self.counts_units or self.negative_value_cancels) and "value" not in roles:
            raise SchemaError(
                "Signals",
                received="options about values, but no value column",
                expected="the role value",
                remedy='add "value" to the roles',
            )

    def check_types(self, seen: list[str]) -> tuple[str, ...]:
        """Compare the named event types with those that occur; give those that do not.

        Raises:
            ArgumentError: events occur, but none of the positives.
        """
        if seen and self.positives and not set(self.positives) & set(seen):
            name = next(iter(self.positives))
            raise ArgumentError(
                "Signals.positives",
                received=list(self.positives),
                expected="event types of the log",
                remedy=near(name, seen),
            )
        return tuple(name for name in self.types if seen and name not in seen)

    def kind(self, event: str | None, value: str | None) -> pl.Expr:
        """What a row is: positive, negative, cancellation, or null for no signal.

        Args:
            event: name of the event column (text).
            value: name of the value column (float, null where missing).
        """
        kind = self._kind_of_event(event)
        if value is None:
            return kind
        amount, positive = pl.col(value), kind == POSITIVE
        if self.negative_value_cancels:
            kind = pl.when(positive & (amount < 0)).then(pl.lit(CANCEL)).otherwise(kind)
            kind = pl.when(~(positive & (amount == 0)).fill_null(value=False)).then(kind)
        lowest = pl.lit(value=True)
        if self.min_value is not None:
            lowest = lowest & (amount >= self.min_value)
        if self.weight_by_value:
            lowest = lowest & (amount > 0)
        return pl.when((kind != POSITIVE) | lowest).then(kind)

    def weight(self, event: str | None, value: str | None) -> pl.Expr:
        """Weight of the rows that are positives or negatives (float32)."""
        weight = pl.lit(1.0)
        if event is not None and self.positives:
            table = list(self.positives), list(self.positives.values())
            weight = pl.col(event).replace_strict(*table, default=1.0, return_dtype=pl.Float64)
        if value is not None and self.weight_by_value:
            weight = weight * pl.col(value)
        if event is not None and self.negatives:
            weight = pl.when(pl.col(event).is_in(self.negatives)).then(-1.0).otherwise(weight)
        return weight.cast(pl.Float32)

    def _kind_of_event(self, event: str | None) -> pl.Expr:
        if event is None:
            return pl.lit(POSITIVE)
        column, positive = pl.col(event), pl.lit(POSITIVE)
        kind = pl.when(column.is_in(list(self.positives))).then(positive) if self.positives else positive
        kind = pl.when(column.is_in(self.negatives)).then(pl.lit(NEGATIVE)).otherwise(kind)
        return pl.when(column.is_in(list(self.cancels))).then(pl.lit(CANCEL)).otherwise(kind)
