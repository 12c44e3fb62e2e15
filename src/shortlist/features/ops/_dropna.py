"""Rows with missing values left out of training."""

from dataclasses import dataclass

import polars as pl

from shortlist.features._frame_columns import element_type
from shortlist.features._op import Made
from shortlist.features._state import State
from shortlist.features.ops._unchanged import Unchanged
from shortlist.schema import Column

__all__ = ["Dropna"]


@dataclass(frozen=True)
class Dropna(Unchanged):
    """Only rows that have a value in every column of the branch; others are left out of every branch.

    It looks at the raw columns, wherever in the branch it stands: null and NaN are missing, a missing list
    is, an empty list or one that holds nulls is not. Training only: rows are left out in fitting and in
    transform, never on the request path, where null stays null.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"price": [1.0, None], "name": ["a", "b"]}))
    >>> Workflow(["price" >> Dropna(), "name"]).fit(rows).transform(rows).collect().rows()
    [(1.0, 'a')]
    """

    def rows(self, columns: tuple[Column, ...]) -> pl.Expr:
        """All columns have a value."""
        return pl.all_horizontal(pl.lit(value=True), *map(_has_value, columns))

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """The same columns."""
        return Made(inputs)


def _has_value(column: Column) -> pl.Expr:
    value = pl.col(column.name)
    if column.is_list or not element_type(column).is_float():
        return value.is_not_null()
    return value.cast(element_type(column)).is_not_nan()
