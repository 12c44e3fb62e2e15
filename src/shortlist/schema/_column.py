"""One column: its name, element type, tags, shape and domain."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import copysign
from typing import Any, Literal

from shortlist.errors import SchemaError, near
from shortlist.schema._tags import tag_set

__all__ = ["DTYPES", "LIST", "SCALAR", "Column", "Domain", "Shape"]

DTYPES = (
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "bool", "string", "datetime"),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """How many elements one row holds.

    Attributes:
        kind: one element, a list of any length, or a vector of a fixed one.
        size: largest length of a list, length of a vector; None when unknown.
        least: smallest length of a list.
        inner: fixed sizes of the further dimensions, where each element is itself a vector.

    Raises:
        SchemaError: a list has a larger smallest than largest length.

    >>> Shape("list", 20).dims, Shape("vector", 3, inner=(4,)).dims, Shape().dims
    ((-1, -1), (-1, 3, 4), (-1,))
    """

    kind: Literal["scalar", "list", "vector"] = "scalar"
    size: int | None = None
    least: int = 0
    inner: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind == "list" and self.size is not None and self.least > self.size:
            raise SchemaError(
                "Shape.least", received=self.least, expected=f"at most {self.size}, the largest length"
            )

    @property
    def dims(self) -> tuple[int, ...]:
        """Size of each dimension of a batch as inference servers write it: rows first, -1 for any."""
        if self.kind == "scalar":
            return (-1,)
        fixed = self.size is not None and (self.kind == "vector" or self.least == self.size)
        return (-1, self.size if fixed and self.size is not None else -1, *self.inner)

    def to_json(self) -> list[Any]:
        """Plain data: kind and size, and what follows where it is not the default."""
        plain = [self.kind, self.size, self.least, list(self.inner)]
        return plain[: 4 if self.inner else 3 if self.least else 2]

    @classmethod
    def from_json(cls, plain: list[Any]) -> "Shape":
        """Read what `to_json` wrote."""
        return cls(*plain[:3], *(tuple(inner) for inner in plain[3:]))


SCALAR = Shape()
LIST = Shape("list")


@dataclass(frozen=True, slots=True)
class Domain:
    """The values a column takes.

    Columns whose domains have one name share one vocabulary and one embedding table.

    Attributes:
        name: name of the domain.
        size: number of codes (embedding rows) of an encoded column; None when unknown.
        low: smallest value of a continuous column.
        high: largest value of a continuous column.
    """

    name: str
    size: int | None = None
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        # -0.0 equals 0.0 but is written differently.
        for end in ("low", "high"):
            value = getattr(self, end)
            if value == 0 and copysign(1.0, value) < 0:
                object.__setattr__(self, end, 0.0)


@dataclass(frozen=True, slots=True, init=False)
class Column:
    """A column of a data set.

    Attributes:
        name: the column's name.
        dtype: type of one element, one of `DTYPES`.
        tags: what it is about and how it is read; see `Tags`.
        shape: scalar, list or vector.
        domain: values it takes.
        vocabulary: name of the vocabulary that made its codes, once encoded.

    >>> Column("user_id", "string", tags=("user", "id")).has("user", "id")
    True
    """

    name: str
    dtype: str
    tags: frozenset[str]
    shape: Shape
    domain: Domain | None
    vocabulary: str | None

    def __init__(  # noqa: PLR0917 - the attributes, in their order
        self,
        name: str,
        dtype: str,
        tags: Iterable[str] = (),
        shape: Shape = SCALAR,
        domain: Domain | None = None,
        vocabulary: str | None = None,
    ) -> None:
        where = f"column {name!r}"
        if dtype not in DTYPES:
            raise SchemaError(
                where, received=dtype, expected="a known dtype", remedy=near(str(dtype), DTYPES)
            )
        values = (name, dtype, tag_set(tags, where=where), shape, domain, vocabulary)
        for slot, value in zip(self.__slots__, values, strict=True):
            object.__setattr__(self, slot, value)

    @property
    def is_list(self) -> bool:
        """Whether a row holds a list of any length."""
        return self.shape.kind == "list"

    def has(self, *tags: str) -> bool:
        """Whether the column carries every one of these tags."""
        return tag_set(tags) <= self.tags

    def tagged(self, *tags: str) -> "Column":
        """The same column with more tags."""
        return replace(self, tags=self.tags | tag_set(tags))

    def untagged(self, *tags: str) -> "Column":
        """The same column without these tags."""
        return replace(self, tags=self.tags - tag_set(tags))

    def renamed(self, name: str) -> "Column":
        """The same column under another name."""
        return replace(self, name=name)

    def to_json(self) -> dict[str, Any]:
        """Plain data: what stands in ``schema.json``."""
        domain = self.domain and {
            key: getattr(self.domain, key)
            for key in ("name", "size", "low", "high")
            if getattr(self.domain, key) is not None
        }
        plain = {
            "name": self.name,
            "dtype": self.dtype,
            "tags": sorted(self.tags),
            "shape": self.shape.to_json(),
            "domain": domain,
            "vocabulary": self.vocabulary,
        }
        return {key: value for key, value in plain.items() if value is not None}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "Column":
        """Read what `to_json` wrote.

        Raises:
            SchemaError: a key is missing or unknown.
        """
        known = {"name", "dtype", "tags", "shape", "domain", "vocabulary"}
        if not {"name", "dtype"} <= plain.keys() <= known:
            raise SchemaError(
                "schema.json",
                received=f"a column with keys {sorted(plain)}",
                expected=f"name, dtype and only {sorted(known)}",
                remedy="write the file with Schema.to_json",
            )
        shape = Shape.from_json(plain.get("shape", ["scalar"]))
        tags: Iterable[str] = plain.get("tags", ())
        domain = Domain(**plain["domain"]) if "domain" in plain else None
        return cls(
            plain["name"],
            plain["dtype"],
            frozenset(tags),
            shape,
            domain,
            plain.get("vocabulary"),
        )
