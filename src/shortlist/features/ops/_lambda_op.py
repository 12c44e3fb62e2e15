"""A function or an expression of your own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, TypeAlias

import polars as pl

from shortlist.data import Array, Ragged
from shortlist.errors import ArgumentError, SchemaError, near
from shortlist.features._expressions import expression_to_json
from shortlist.features._frame_columns import polars_type
from shortlist.features._op import Arrays, Exprs, Made, Op, Step
from shortlist.features._series import to_array, to_series
from shortlist.features._state import State
from shortlist.features.ops._combination import combined_column
from shortlist.features.ops._lambda_function import Result, as_column, call, evaluate, tried
from shortlist.schema import DTYPES, SCALAR, Column, Tags

__all__ = ["LambdaOp"]

Function: TypeAlias = Callable[..., Array | Ragged]


@dataclass(frozen=True, eq=False)
class LambdaOp(Op):
    """What a function of arrays, or a Polars expression, makes of a column or of a column group.

    A function gets one array an input, in their order, and gives one array of as many rows; it runs along
    both paths. Numbers and booleans come as float64 with NaN for null (whole numbers above 2**53 are
    rounded), text as objects with None, times as ``datetime64[us]``, vectors as a matrix [B, D]. Of a list
    column it gets the values of all lists in one array, and gives as many; with ``lists="rows"`` it gets the
    `Ragged` itself. A matrix that comes out is a column of vectors. NaN, None and NaT come out as null.

    An expression reads the inputs by name, sees nulls as a frame has them, and may make lists.

    Every row must be made by itself: this is checked on three rows of sample values. To be saved, a function
    must be importable: at the top level of a module, which `Workflow.load` is told of. Lambdas and functions
    of a script work within their process.

    Attributes:
        function: the function or the expression.
        dtype: type of the result; None for what the sample gives.
        tags: tags of the result; None for the entity of the inputs, and CONTINUOUS for numbers, EMBEDDING for
            vectors, CATEGORICAL for others but times.
        lists: what a function gets of a list column: its "values", or the "rows".
        name: name of the result; None for the inputs' names joined by "_".

    Raises:
        ArgumentError: an option is wrong, the result of a row depends on other rows, or its type is not said
            and cannot be found by trying.

    >>> import numpy as np
    >>> from shortlist.features import Workflow
    >>> from shortlist.io import Dataset
    >>> rows = Dataset.of(pl.DataFrame({"paid": [3.0, 4.0], "pieces": [2, None], "word": ["ab", "c"]}))
    >>> flow = Workflow([
    ...     [["paid", "pieces"]] >> LambdaOp(pl.col("paid") / pl.col("pieces"), name="each"),
    ...     "word" >> LambdaOp(lambda words: np.char.str_len(words.astype(str))),
    ... ]).fit(rows)
    >>> flow.transform(rows).collect().rows()
    [(1.5, 2.0), (None, 1.0)]
    """

    grouped: ClassVar[bool] = True

    function: Function | pl.Expr
    dtype: str | None = None
    tags: Sequence[str] | None = None
    lists: Literal["values", "rows"] = "values"
    name: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.function, pl.Expr):
            expression_to_json(self.function, "LambdaOp.function")
        elif not callable(self.function):
            raise ArgumentError(
                "LambdaOp.function", received=self.function, expected="a function or a Polars expression"
            )
        if self.dtype is not None and self.dtype not in DTYPES:
            raise ArgumentError(
                "LambdaOp.dtype",
                received=self.dtype,
                expected="a known dtype",
                remedy=near(str(self.dtype), DTYPES),
            )
        if self.lists not in ("values", "rows"):
            raise ArgumentError("LambdaOp.lists", received=self.lists, expected="'values' or 'rows'")

    def make(self, inputs: tuple[Column, ...], state: State | None) -> Made:  # noqa: ARG002
        """One column in place of the inputs, of the type that sample values give."""
        self._check(inputs)
        name = self.name or "_".join(column.name for column in inputs)
        found = tried(lambda pieces: self._result(inputs, pieces), inputs, name, self.dtype)
        tags = _tags(inputs, found) if self.tags is None else tuple(self.tags)
        return Made((found.tagged(*tags),), together=True)

    def transform(self, step: Step, state: State, columns: Exprs) -> Exprs:  # noqa: ARG002
        """Run it on pieces of the frame."""
        (made,) = step.outputs

        def run(rows: pl.Series) -> pl.Series:
            return self._computed(step, {c.name: rows.struct.field(c.name) for c in step.inputs})

        rows = pl.struct(columns[column.name].alias(column.name) for column in step.inputs)
        wanted = polars_type(made)
        found = rows.map_batches(run, return_dtype=wanted, is_elementwise=True)
        return {made.name: found.fill_nan(None) if wanted.is_float() else found}

    def transform_batch(self, step: Step, state: State, columns: Arrays) -> Arrays:  # noqa: ARG002
        """Run it on the rows of the request, in the types that a frame has."""
        (made,) = step.outputs
        pieces = {column.name: to_series(column, columns[column.name]) for column in step.inputs}
        return {made.name: to_array(made, self._computed(step, pieces))}

    def _computed(self, step: Step, pieces: Mapping[str, pl.Series]) -> pl.Series:
        (made,), rows = step.outputs, len(next(iter(pieces.values())))
        found = as_column(made, self._result(step.inputs, pieces))
        if len(found) != rows:
            raise ArgumentError(
                "LambdaOp.function", received=f"{len(found)} results", expected=f"one for each of {rows} rows"
            )
        return found

    def _result(self, inputs: Sequence[Column], pieces: Mapping[str, pl.Series]) -> Result:
        if isinstance(self.function, pl.Expr):
            return evaluate(self.function, inputs, pieces)
        return call(self.function, inputs, pieces, rows=self.lists == "rows")

    def _check(self, inputs: tuple[Column, ...]) -> None:
        names = [column.name for column in inputs]
        if isinstance(self.function, pl.Expr):
            for name in self.function.meta.root_names():
                if name not in names:
                    raise SchemaError(
                        "LambdaOp.function",
                        received=f"an expression of column {name!r}",
                        expected="an expression of the columns on the left of >>",
                        remedy=f"write a group there, [[...]] >> LambdaOp(...); {near(name, names)}",
                    )
        elif self.lists == "values" and len(inputs) > 1 and any(column.is_list for column in inputs):
            raise SchemaError(
                "LambdaOp.function",
                received=f"lists beside other columns: {names}",
                expected="one list column by itself, or columns of one value a row",
                remedy='pass lists="rows" for a function of Ragged lists',
            )


def _tags(inputs: tuple[Column, ...], found: Column) -> frozenset[str]:
    """The entity of the inputs, and what the result holds."""
    about = combined_column(tuple(replace(column, shape=SCALAR) for column in inputs), found.name).tags
    if found.shape.kind == "vector":
        return about | {Tags.EMBEDDING}
    if found.dtype == "datetime":
        return about
    return about | {Tags.CATEGORICAL if found.dtype in ("string", "bool") else Tags.CONTINUOUS}
