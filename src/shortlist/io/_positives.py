"""Which rows of a log say that an item was wanted: one rule for training, serving and evaluation."""

import polars as pl

from shortlist.schema import Schema, Tags

__all__ = ["positive"]


def positive(schema: Schema) -> pl.Expr:
    """An expression that is true for positive events.

    With a column tagged "weight" these are the rows of weight above 0; without one, but with BINARY targets
    (clicked, bought), the rows where any of them is above 0; otherwise all rows.

    >>> from shortlist.schema import Column
    >>> frame = pl.DataFrame({"click": [1, 0]})
    >>> frame.filter(positive(Schema([Column("click", "int64", ("target", "binary"))]))).height
    1
    """
    weights = schema.tagged("weight").names
    labels = schema.tagged(Tags.TARGET, Tags.BINARY).names
    if weights:
        return pl.col(weights[0]) > 0
    if labels:
        return pl.any_horizontal(pl.col(name) > 0 for name in labels).fill_null(value=False)
    return pl.lit(value=True)
