"""Encoded columns to the numbers that trees read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Batch, Ragged
from shortlist.errors import ArgumentError, SchemaError, near
from shortlist.schema import Column, Schema, Tags

__all__ = ["Lists", "Matrix", "TreeColumns", "TreeFeature", "holds_codes"]

Lists: TypeAlias = Literal["expand", "count", "skip"]
Matrix: TypeAlias = npt.NDArray[np.float32]
Part: TypeAlias = Literal["code", "number", "place", "count", "mean", "share"]

_CODES = frozenset({Tags.CATEGORICAL, Tags.ID, Tags.SEQUENCE})
# Codes 0 (padding) and 1 (null) say that there is no value.
_FIRST = 2


@dataclass(frozen=True, slots=True)
class TreeFeature:
    """One number that trees read.

    Attributes:
        column: the column it comes from.
        part: what of it: the code, the number, one place of a vector; of a list its length, its mean or the
            share of one code in it.
        place: which place, or which code.
    """

    column: str
    part: Part
    place: int = 0

    @property
    def name(self) -> str:
        """As tables of importance show it.

        >>> TreeFeature("genres", "share", 4).name, TreeFeature("price", "number").name
        ('genres[share 4]', 'price')
        """
        if self.part in ("code", "number"):
            return self.column
        place = "" if self.part in ("count", "mean") else f" {self.place}"
        return f"{self.column}[{self.part}{place}]"


@dataclass(frozen=True)
class TreeColumns:
    """How encoded columns become a matrix [N, F] with NaN for what is missing.

    Codes stand as they are, 0 and 1 (padding and null) as NaN. Categorify counts codes by how frequent the
    value is, so their order says how rare a value is. Numbers stand as they are; a vector gives one number a
    place. A list gives its length, and, if it is short of ``shares`` codes, the share of each code in it,
    otherwise the mean of its codes or numbers.

    Attributes:
        inputs: the columns.
        lists: ``"expand"`` as above; ``"count"``: the length alone; ``"skip"``: lists are not read.
        shares: most codes of a list whose shares are features of their own.

    Raises:
        SchemaError: a column is not encoded, or holds lists of vectors or vectors of unknown width.

    >>> from shortlist.schema import LIST, Domain
    >>> schema = Schema([
    ...     Column("shop", "int64", ("item", "categorical"), domain=Domain("shop", 9)),
    ...     Column("genres", "int64", ("item", "categorical"), LIST, Domain("genres", 4)),
    ... ])
    >>> columns = TreeColumns(schema)
    >>> columns.names
    ('shop', 'genres[count]', 'genres[share 2]', 'genres[share 3]')
    >>> batch = Batch({"shop": np.array([5, 1]), "genres": Ragged.of([[3, 2], []])})
    >>> columns.matrix(batch).tolist()
    [[5.0, 2.0, 0.5, 0.5], [nan, 0.0, 0.0, 0.0]]
    """

    inputs: Schema
    lists: Lists = "expand"
    shares: int = 32

    def __post_init__(self) -> None:
        for column in self.inputs:
            _check_column(column)
        if self.lists not in ("expand", "count", "skip"):
            raise ArgumentError(
                "TreeOptions.lists", received=self.lists, expected="'expand', 'count' or 'skip'"
            )

    @cached_property
    def features(self) -> tuple[TreeFeature, ...]:
        """The F features, in the order of the columns."""
        return tuple(feature for column in self.inputs for feature in self._of(column))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(feature.name for feature in self.features)

    def coded(self, most: int) -> tuple[int, ...]:
        """Places of the features that are codes of a column with at most so many codes."""
        return tuple(
            place
            for place, feature in enumerate(self.features)
            if feature.part == "code" and _size(self.inputs[feature.column]) <= most
        )

    def matrix(self, batch: Batch) -> Matrix:
        """Float32 [N, F] of a batch; what stands once a query is worked out once a query.

        Raises:
            SchemaError: a column is missing, or holds lists where values are expected or the other way round.
        """
        matrix = np.empty((len(batch), len(self.features)), dtype=np.float32)
        place = 0
        for column in self.inputs:
            features = list(self._of(column))
            if not features:
                continue
            values = _numbers(_given(batch, column), column, features)
            if column.name in batch.query:
                values = values[batch.query_of]
            matrix[:, place : place + len(features)] = values
            place += len(features)
        return matrix

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"inputs": json.loads(self.inputs.to_json()), "lists": self.lists, "shares": self.shares}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "TreeColumns":
        """Inverse of `to_json`."""
        return cls(Schema.from_json(json.dumps(plain["inputs"])), plain["lists"], plain["shares"])

    def _of(self, column: Column) -> Iterator[TreeFeature]:
        name = column.name
        if column.shape.kind == "scalar":
            yield TreeFeature(name, "code" if holds_codes(column) else "number")
        elif column.shape.kind == "vector":
            yield from (TreeFeature(name, "place", place) for place in range(column.shape.size or 0))
        elif self.lists != "skip":
            yield TreeFeature(name, "count")
            if self.lists == "expand":
                codes = _size(column) if holds_codes(column) else None
                few = codes is not None and codes <= self.shares
                places = range(_FIRST, codes) if few and codes is not None else ()
                yield from (TreeFeature(name, "share", place) for place in places)
                if not few:
                    yield TreeFeature(name, "mean")


def holds_codes(column: Column) -> bool:
    """Whether a column holds codes; other inputs are numbers."""
    return not column.has(Tags.CONTINUOUS) and not column.tags.isdisjoint(_CODES)


def _size(column: Column) -> int:
    return 0 if column.domain is None or column.domain.size is None else column.domain.size


def _given(batch: Batch, column: Column) -> Array | Ragged:
    if column.name not in batch:
        raise SchemaError(
            "trees",
            received=f"a batch without {column.name!r}",
            expected="the columns that the trees were grown from",
            remedy=near(column.name, batch),
        )
    values = batch[column.name]
    if isinstance(values, Ragged) != column.is_list:
        kinds = ("one value a row", "lists")
        raise SchemaError(
            f"trees: column {column.name!r}",
            received=kinds[not column.is_list],
            expected=kinds[column.is_list],
        )
    flat = values.values if isinstance(values, Ragged) else values
    if flat.dtype.kind not in "fiub":
        raise SchemaError(
            f"trees: column {column.name!r}",
            received=f"values of type {flat.dtype}",
            expected="codes or numbers",
            remedy="encode raw columns with Workflow.transform_batch first",
        )
    return values


def _numbers(values: Array | Ragged, column: Column, features: list[TreeFeature]) -> Matrix:
    """[rows, features] of one column."""
    if isinstance(values, Ragged):
        return np.stack([_of_list(values, feature) for feature in features], axis=1)
    numbers = values.astype(np.float32)
    if holds_codes(column):
        numbers[~(numbers >= _FIRST)] = np.nan
    return numbers if numbers.ndim == 2 else numbers[:, None]


def _of_list(values: Ragged, feature: TreeFeature) -> Matrix:
    lengths = values.lengths
    if feature.part == "count":
        return lengths.astype(np.float32)
    wanted = values.values == feature.place if feature.part == "share" else values.values
    sums = np.bincount(values.row_of, wanted, minlength=len(lengths))
    if feature.part == "share":
        return (sums / np.maximum(lengths, 1)).astype(np.float32)
    means = sums / np.maximum(lengths, 1)
    means[lengths == 0] = np.nan
    return means.astype(np.float32)


def _check_column(column: Column) -> None:
    encoded = column.dtype.startswith(("int", "uint")) and _size(column) > 0
    if holds_codes(column) and not encoded:
        raise SchemaError(
            f"trees: column {column.name!r}",
            received=f"{column.dtype} {column.shape.kind} without a number of codes",
            expected="integer codes with the size of their domain",
            remedy="build the model from the schema of a fitted Workflow that gives the column to Categorify",
        )
    plain = column.dtype not in ("string", "datetime") and column.shape.inner == ()
    if not plain or (column.shape.kind == "vector" and column.shape.size is None):
        raise SchemaError(
            f"trees: column {column.name!r}",
            received=f"{column.dtype} {column.shape.kind} of {column.shape.inner or 'unknown width'}",
            expected="one number a row, a list of them, or a vector of a known width",
            remedy="leave it out with Schema.without, or correct its tags with Schema.tag",
        )
