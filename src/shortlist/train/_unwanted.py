"""What a user said no to, beside what the user took."""

import polars as pl

from shortlist.errors import ArgumentError, SchemaError
from shortlist.io import Dataset, positive
from shortlist.schema import LIST, Column, Schema, Tags

__all__ = ["with_unwanted"]


def with_unwanted(rows: Dataset, *, name: str = "unwanted", longest: int = 50) -> Dataset:
    """The positive rows of a log, each with a list of the items that its user said no to.

    A row says no if its weight is below 0 (`shortlist.io.Signals` gives dislikes that weight), or, without a
    column of weights, if none of its BINARY targets is above 0: it was shown and not taken. The
    list is made for ``Exposed("unwanted")`` as a source of negatives: an item is then a negative of its own
    user, and of nobody else. The rows are held in memory.

    Args:
        rows: encoded rows, as ``Workflow.transform`` gives them, with the negative ones among them.
        name: of the new column, which no tower reads.
        longest: items of a list; of more, the latest rows' are kept.

    Raises:
        SchemaError: there is no user id, or neither weights nor BINARY targets.
        ArgumentError: ``longest`` is below 1, or the name is taken.

    >>> from shortlist.schema import Domain
    >>> schema = Schema([
    ...     Column("user", "int64", ("user", "id"), domain=Domain("user", 9)),
    ...     Column("item", "int64", ("item", "id"), domain=Domain("item", 9)),
    ...     Column("weight", "float32", ("weight",)),
    ... ])
    >>> frame = pl.DataFrame({"user": [3, 3, 4], "item": [5, 6, 6], "weight": [1.0, -1.0, 1.0]})
    >>> with_unwanted(Dataset.of(frame, schema)).collect()["unwanted"].to_list()
    [[6], []]
    """
    schema = rows.schema
    if longest < 1:
        raise ArgumentError("with_unwanted.longest", received=longest, expected="an integer >= 1")
    if name in schema:
        raise ArgumentError("with_unwanted.name", received=name, expected="a name that no column has")
    user, item = schema.the(Tags.USER, Tags.ID), schema.item
    frame = rows.collect()
    refused = frame.filter(_says_no(schema)).group_by(user.name, maintain_order=True)
    lists = refused.agg(pl.col(item.name).cast(pl.Int64).tail(longest).alias(name))
    taken = frame.filter(positive(schema)).join(lists, on=user.name, how="left", maintain_order="left")
    column = Column(name, "int64", ("unwanted",), LIST, item.domain)
    filled = taken.with_columns(pl.col(name).fill_null(pl.lit([], dtype=pl.List(pl.Int64))))
    return Dataset.of(filled, schema.merge([column]))


def _says_no(schema: Schema) -> pl.Expr:
    weights, labels = schema.tagged("weight").names, schema.tagged(Tags.TARGET, Tags.BINARY).names
    if weights:
        return pl.col(weights[0]) < 0
    if labels:
        return ~positive(schema)
    raise SchemaError(
        "with_unwanted",
        received=f"columns {list(schema.names)}",
        expected="a column tagged weight, or BINARY targets",
        remedy="read the log with sl.Signals(negatives=...), or tag the label target and binary",
    )
