"""Hour, weekday, month .. of times."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
import polars as pl

from shortlist.data import NULL, Array, Ragged
from shortlist.errors import ArgumentError
from shortlist.features._frame_columns import on_elements
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.features.ops._calendar import (
    ARRAY_PARTS,
    FRAME_PARTS,
    RANGES,
    array_local,
    check_zone,
    frame_local,
)
from shortlist.features.ops._times import array_times, frame_times, time_column
from shortlist.schema import Column, Domain, Tags

__all__ = ["DateParts"]

_SIDES = frozenset({Tags.USER, Tags.ITEM, Tags.SESSION, Tags.CONTEXT, Tags.CROSS})


@dataclass(frozen=True)
class DateParts(Op):
    """Parts of times: whole numbers, or with ``cyclic`` their place on a circle.

    ``year``, ``quarter`` (1-4), ``month`` (1-12), ``week`` (of ISO 8601, 1-53), ``yearday`` (1-366), ``day``
    (1-31), ``weekday`` (Monday 1 - Sunday 7), ``hour`` (0-23), ``minute``, ``second``. A part becomes the
    column ``<name>_<part>``: a raw category, to which Categorify gives codes; or with ``cyclic`` two
    continuous columns, ``sin`` and ``cos`` of ``2 pi (part - first) / (last - first + 1)``, so that December
    is beside January. Null stays null. Times without a side (user, item ..) are known with the request: their
    parts are tagged CONTEXT.

    Columns are datetimes (UTC), or integers read as seconds, milliseconds or microseconds since 1970 by their
    size, alone or in lists.

    Attributes:
        parts: which.
        cyclic: whether they go round; ``year`` does not.
        zone: time zone of the parts, such as "Europe/Rome", summer time included; None for UTC.

    Raises:
        ArgumentError: a part or the zone is unknown, or ``year`` is to go round.
        SchemaError: a column holds no times.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"time": pl.Series(["2024-02-29T23:30", None]).str.to_datetime()}))
    >>> flow = Workflow(["time" >> DateParts(("month", "weekday", "hour"))]).fit(rows)
    >>> flow.transform(rows).collect().rows()
    [(2, 4, 23), (None, None, None)]
    >>> rome = Workflow(["time" >> DateParts("hour", cyclic=True, zone="Europe/Rome")]).fit(rows)
    >>> rome.transform(rows).collect().row(0)
    (0.0, 1.0)
    """

    parts: str | Sequence[str] = ("hour", "weekday", "month")
    cyclic: bool = False
    zone: str | None = None

    def __post_init__(self) -> None:
        given = (self.parts,) if isinstance(self.parts, str) else tuple(self.parts)
        object.__setattr__(self, "parts", given)
        if not given or len(set(given)) < len(given) or not set(given) <= set(FRAME_PARTS):
            known = ", ".join(FRAME_PARTS)
            raise ArgumentError("DateParts.parts", received=given, expected=f"different ones of {known}")
        if self.cyclic and "year" in given:
            raise ArgumentError("DateParts.cyclic", received="year", expected="parts that come again")
        check_zone("DateParts.zone", self.zone)

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """A column of whole numbers, or two of sine and cosine, for each part."""
        (column,) = inputs
        time_column("DateParts", column)
        tags = column.tags - {Tags.TIME, Tags.CONTINUOUS, Tags.CATEGORICAL, "date"}
        tags = tags if tags & _SIDES else tags | {Tags.CONTEXT}
        return Made(tuple(self._column(column, tags, part, wave) for part, wave in self._outputs))

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """Polars' calendar."""
        (column,) = step.inputs

        def value(part: str, wave: str) -> pl.Expr:
            def change(time: pl.Expr) -> pl.Expr:
                local = frame_local(frame_times(column, time), self.zone)
                whole = FRAME_PARTS[part](local).cast(pl.Int64)
                if not wave:
                    return whole
                angle: pl.Expr = _angle(whole, part)
                return angle.sin() if wave == "sin" else angle.cos()

            return on_elements(column, columns[column.name], change)

        return {self._name(column, *output): value(*output) for output in self._outputs}

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """Arithmetic on days and microseconds."""
        (column,) = step.inputs
        given = columns[column.name]
        times = array_times(column, given.values if isinstance(given, Ragged) else given)
        missing = times == NULL
        some, local = missing.any(), array_local(np.where(missing, 0, times), self.zone)

        def value(part: str, wave: str) -> Array | Ragged:
            found: Array = ARRAY_PARTS[part](local)
            if wave:
                angle = _angle(found, part)
                found = np.sin(angle) if wave == "sin" else np.cos(angle)
            found = np.where(missing, np.nan, found) if some else found
            return given.with_values(found) if isinstance(given, Ragged) else found

        return {self._name(column, *output): value(*output) for output in self._outputs}

    @property
    def _outputs(self) -> tuple[tuple[str, str], ...]:
        """Part and "sin", "cos", or "" for the number itself."""
        return tuple(
            (part, wave) for part in self.parts for wave in (("sin", "cos") if self.cyclic else ("",))
        )

    def _name(self, column: Column, part: str, wave: str) -> str:
        return f"{column.name}_{part}_{wave}" if wave else f"{column.name}_{part}"

    def _column(self, column: Column, tags: frozenset[str], part: str, wave: str) -> Column:
        name = self._name(column, part, wave)
        low, high = RANGES.get(part, (None, None))
        dtype, kind = ("float64", Tags.CONTINUOUS) if wave else ("int64", Tags.CATEGORICAL)
        domain = Domain(name, low=-1 if wave else low, high=1 if wave else high)
        return Column(name, dtype, tags | {kind}, column.shape, domain)


def _angle(value: Any, part: str) -> Any:
    low, high = RANGES[part]
    return (value - low) * (2 * pi / (high - low + 1))
