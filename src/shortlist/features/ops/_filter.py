"""Rows left out of training."""

import json
from dataclasses import dataclass

import polars as pl

from shortlist.errors import ArgumentError
from shortlist.features._branch import Branch
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._state import State
from shortlist.schema import Column

__all__ = ["Filter"]


@dataclass(frozen=True, eq=False)
class Filter(Op):
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
        self.to_json()

    def alone(self) -> Branch:
        """A branch that has no columns of its own."""
        return Branch((), (self,))

    def rows(self, columns: tuple[Column, ...]) -> pl.Expr:  # noqa: ARG002
        """The expression."""
        return self.where

    def to_json(self) -> str:
        """The expression as JSON text.

        Raises:
            ArgumentError: it holds a Python function.
        """
        try:
            text = self.where.meta.serialize(format="json")
        except (pl.exceptions.PolarsError, ImportError):
            text = '{"AnonymousFunction": null}'
        if _calls_python(text):
            raise ArgumentError(
                "Filter.where",
                received="a Python function inside the expression",
                expected="an expression that can be saved as data",
                remedy="write it with Polars expressions only",
            )
        return text

    @classmethod
    def from_json(cls, text: str) -> "Filter":
        """Read what `to_json` wrote.

        Raises:
            ArgumentError: the text holds a Python function.
        """
        if _calls_python(text):
            raise ArgumentError("Filter.where", received="a Python function", expected="an expression")
        return cls(pl.Expr.deserialize(text.encode(), format="json"))

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """The same columns."""
        return Made(inputs)

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """The same expressions: the rows were left out before."""
        return columns

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """The same arrays."""
        return columns


def _calls_python(text: str) -> bool:
    """Whether a serialised expression holds a Python function: reading one back would run foreign code."""

    def found(node: object) -> bool:
        if isinstance(node, dict):
            return any(key.startswith(("Anonymous", "Python")) for key in node) or any(
                map(found, node.values())
            )
        return isinstance(node, list) and any(map(found, node))

    return found(json.loads(text))
