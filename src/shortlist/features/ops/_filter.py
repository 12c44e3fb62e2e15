"""Rows left out of training."""

from dataclasses import dataclass

import polars as pl

from shortlist.errors import ArgumentError
from shortlist.features._branch import Branch
from shortlist.features._expressions import expression_to_json
from shortlist.features._op import Made
from shortlist.features._state import State
from shortlist.features.ops._unchanged import Unchanged
from shortlist.schema import Column

__all__ = ["Filter"]


@dataclass(frozen=True, eq=False)
class Filter(Unchanged):
    """Rows where an expression is true; others are left out of every branch, in fitting and in transform.

    The expression reads raw columns and the columns of history ops, wherever in a branch the filter stands;
    it may also stand in a workflow by itself. Training only: on the request path nothing is left out, and its
    columns may be absent. History ops still see the events of rows that are left out.

    Attributes:
        where: a Polars expression of booleans, without Python functions.

    Raises:
        ArgumentError: it is no expression, or holds a Python function, which cannot be saved as data.

    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"price": [1.0, -1.0]}))
    >>> Workflow([Filter(pl.col("price") > 0), "price"]).fit(rows).transform(rows).collect().rows()
    [(1.0,)]
    """

    where: pl.Expr

    def __post_init__(self) -> None:
        if not isinstance(self.where, pl.Expr):
            raise ArgumentError(
                "Filter.where",
                received=self.where,
                expected="a Polars expression",
                remedy='Filter(pl.col("price") > 0)',
            )
        expression_to_json(self.where, "Filter.where")

    def alone(self) -> Branch:
        """A branch that has no columns of its own."""
        return Branch((), (self,))

    def rows(self, columns: tuple[Column, ...]) -> pl.Expr:  # noqa: ARG002
        """The expression, whatever the branch."""
        return self.where

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """The same columns."""
        return Made(inputs)
