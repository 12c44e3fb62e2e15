"""A description of columns, for the reader."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import polars as pl

from shortlist.features._op import Exprs, Made, Step
from shortlist.features._state import State
from shortlist.features._statistics import Counts, Moments, Statistic
from shortlist.features._summary import Summary, elements, numbers
from shortlist.features.ops._unchanged import Unchanged
from shortlist.schema import Column

__all__ = ["DataStats"]


@dataclass(frozen=True)
class DataStats(Unchanged):
    """Statistics of each column as it is at this place of its branch, for `Workflow.statistics`.

    Of every column its type (``dtype``), number of ``rows`` and share of null and NaN (``null_share``, from 0
    to 1); of all but floats the number of different values (``cardinality``, counted, not estimated: memory
    grows with it); of numbers and booleans the ``min``, ``max``, ``mean`` and ``std`` (of the sample, 0.0 for
    one value) of the finite ones, if there are any. Of lists these are statistics of the elements, beside
    ``min_length`` and ``max_length``; a missing list counts as an empty one. Columns pass unchanged.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"age": [20, 40, None, 30]}))
    >>> for _, statistic, value in Workflow(["age" >> DataStats()]).fit(rows).statistics().rows():
    ...     print(statistic, value)
    dtype int64
    rows 4
    null_share 0.25
    cardinality 3
    min 20.0
    max 40.0
    mean 30.0
    std 10.0
    """

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """The same column."""
        return Made(inputs)

    def after(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def statistics(self, step: Step, columns: Exprs) -> Mapping[str, Statistic]:
        """Nulls and extremes, and what the type allows."""
        (column,) = step.inputs
        value = columns[column.name]
        asked: dict[str, Statistic] = {"summary": _summary(column, value)}
        if _is_number(column):
            asked["moments"] = Moments(numbers(column, value), column.is_list)
        if not column.dtype.startswith("float"):
            asked["counts"] = Counts({"value": value}, column.is_list)
        return asked

    def finish(self, step: Step, totals: Mapping[str, pl.DataFrame], fitted: Mapping[str, State]) -> State:  # noqa: ARG002
        """All of it by name."""
        (column,) = step.inputs
        summary = totals["summary"].row(0, named=True)
        values = summary["values"] + summary["nulls"]
        found: dict[str, Any] = {"dtype": column.dtype, "rows": summary["rows"]}
        found["null_share"] = summary["nulls"] / values if values else 0.0
        if "counts" in totals:
            found["cardinality"] = len(totals["counts"].drop_nulls("value"))
        if "moments" in totals:
            n, mean, m2 = totals["moments"].row(0)
            spread = {"mean": mean, "std": sqrt(m2 / (n - 1)) if n > 1 else 0.0} if n else {}
            found |= {name: summary[name] for name in ("min", "max") if n} | spread
        found |= {name: summary[name] for name in _LENGTHS if summary.get(name) is not None}
        return State({"described": {column.name: found}})


_LENGTHS = ("min_length", "max_length")


def _is_number(column: Column) -> bool:
    return column.dtype == "bool" or column.dtype.startswith(("int", "uint", "float"))


def _summary(column: Column, value: pl.Expr) -> Summary:
    x = elements(column, value)
    sums = {"rows": value.is_null() | True, "values": x.is_not_null(), "nulls": x.is_null()}
    least, greatest = dict[str, pl.Expr](), dict[str, pl.Expr]()
    if _is_number(column):
        number = x.cast(pl.Float64)
        finite = pl.when(number.is_finite()).then(number)
        least["min"] = greatest["max"] = finite
    if column.is_list:
        length = value.list.len().cast(pl.Int64)
        least["min_length"] = greatest["max_length"] = length
    return Summary(sums, least, greatest)
