"""One column: its name, element type, tags, shape and domain."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
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
    """How many elements one row holds: one, a list (of at most ``size``), or a vector of exactly ``size``."""

    kind: Literal["scalar", "list", "vector"] = "scalar"
    size: int | None = None


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
            "shape": [self.shape.kind, self.shape.size],
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
        kind, size = plain.get("shape", ["scalar", None])
        tags: Iterable[str] = plain.get("tags", ())
        domain = Domain(**plain["domain"]) if "domain" in plain else None
        return cls(
            plain["name"], plain["dtype"], frozenset(tags), Shape(kind, size), domain, plain.get("vocabulary")
        )
