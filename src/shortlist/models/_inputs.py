"""Which columns of a schema a model reads, and how."""

from collections.abc import Iterable

from shortlist.errors import SchemaError
from shortlist.schema import Column, Schema, Tags

__all__ = [
    "cross_inputs",
    "inputs_of",
    "is_categorical",
    "item_inputs",
    "query_inputs",
    "table_of",
    "table_rows",
    "targets",
    "width_of",
]

# Columns that say what happened, not who, what or where: reading them would leak the answer.
_OUTCOMES = frozenset({Tags.TIME, Tags.TARGET, "weight", "event", "value", "request", "ignored"})
_INTEGERS = frozenset({"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"})


def query_inputs(schema: Schema) -> Schema:
    """Inputs known before an item is: USER, SESSION and CONTEXT columns."""
    return _inputs(schema, Tags.USER, Tags.SESSION, Tags.CONTEXT)


def item_inputs(schema: Schema) -> Schema:
    """Inputs that describe an item."""
    return _inputs(schema, Tags.ITEM)


def cross_inputs(schema: Schema) -> Schema:
    """Inputs that describe a pair of query and item."""
    return _inputs(schema, Tags.CROSS)


def targets(schema: Schema) -> tuple[str, ...]:
    """Names of the target columns."""
    return schema.tagged(Tags.TARGET).names


def is_categorical(column: Column) -> bool:
    """Whether the column holds codes, one or a list a row; other inputs are numbers."""
    return not column.has(Tags.CONTINUOUS) and not column.tags.isdisjoint(
        {Tags.CATEGORICAL, Tags.ID, Tags.SEQUENCE}
    )


def width_of(column: Column) -> int | None:
    """Numbers a row of a column of numbers; None for lists and for vectors of unknown width."""
    return {"scalar": 1, "vector": column.shape.size}.get(column.shape.kind)


def table_of(column: Column) -> str:
    """Name of the embedding table of a categorical column: columns of one domain share it."""
    return column.name if column.domain is None else column.domain.name


def table_rows(inputs: Iterable[Column]) -> dict[str, int]:
    """Rows of each embedding table that the categorical columns need.

    Raises:
        SchemaError: two columns of one domain have different sizes.
    """
    rows: dict[str, int] = {}
    for column in filter(is_categorical, inputs):
        size = column.domain.size if column.domain is not None and column.domain.size is not None else 0
        if rows.setdefault(table_of(column), size) != size:
            raise SchemaError(
                f"column {column.name!r}",
                received=f"{size} codes in the domain {table_of(column)!r}",
                expected=f"{rows[table_of(column)]} codes, as the other columns of this domain",
                remedy="encode columns that share a domain with one vocabulary: Categorify(like=...)",
            )
    return rows


def inputs_of(schema: Schema, *sides: str) -> Schema:
    """Columns of some sides that hold codes, numbers or vectors, whether a network can read them or not."""
    return Schema(
        column
        for column in schema
        if not column.tags.isdisjoint(sides) and column.tags.isdisjoint(_OUTCOMES) and _has_kind(column)
    )


def _inputs(schema: Schema, *sides: str) -> Schema:
    chosen = inputs_of(schema, *sides)
    for column in chosen:
        _check(column)
    return chosen


def _has_kind(column: Column) -> bool:
    return is_categorical(column) or not column.tags.isdisjoint({Tags.CONTINUOUS, Tags.EMBEDDING})


def _check(column: Column) -> None:
    encoded = column.dtype in _INTEGERS and column.domain is not None and column.domain.size is not None
    if is_categorical(column) and not (encoded and column.shape.kind != "vector"):
        raise SchemaError(
            f"column {column.name!r}",
            received=f"{column.dtype} {column.shape.kind} without a number of codes",
            expected="integer codes with the size of their domain",
            remedy="build the model from the schema of a fitted Workflow that gives the column to Categorify",
        )
    numbers = column.dtype not in ("string", "datetime") and column.shape.inner == ()
    if not is_categorical(column) and not (numbers and (width_of(column) is not None)):
        raise SchemaError(
            f"column {column.name!r}",
            received=f"{column.dtype} {column.shape.kind} tagged continuous or embedding",
            expected="one number a row, or a vector of a known width",
            remedy="correct its tags with Schema.tag, or leave it out with Schema.without",
        )
