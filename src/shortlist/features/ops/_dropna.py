"""Rows with missing values left out of training."""

from dataclasses import dataclass

import polars as pl

from shortlist.features._frame_columns import enter
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.schema import Column

__all__ = ["Dropna"]


@dataclass(frozen=True)
class Dropna(Op):
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
        present = [(pl.col(c.name) if c.is_list else enter(c)).is_not_null() for c in columns]
        return pl.all_horizontal(pl.lit(value=True), *present)

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """The same columns."""
        return Made(inputs)

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """The same expressions: the rows were left out before."""
        return columns

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """The same arrays."""
        return columns
