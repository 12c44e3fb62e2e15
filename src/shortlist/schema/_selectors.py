"""Ways to name columns without listing them; they combine by words."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from shortlist.schema._column import Column

__all__ = ["Selector"]


@dataclass(frozen=True, slots=True)
class Selector:
    """A choice of columns, made when a schema is at hand.

    >>> from shortlist.schema import Column, Schema, tags
    >>> schema = Schema([Column("u", "int64", ("user", "id")), Column("age", "int64", ("user",))])
    >>> tags.any("user").without(tags.any("id")).names(schema)
    ('age',)
    """

    label: str
    accepts: Callable[[Column], bool]

    def names(self, schema: Iterable[Column]) -> tuple[str, ...]:
        """Names of the chosen columns, in the schema's order."""
        return tuple(column.name for column in schema if self.accepts(column))

    def also(self, other: "Selector") -> "Selector":
        """Columns of either."""
        return Selector(f"({self.label} also {other.label})", lambda c: self.accepts(c) or other.accepts(c))

    def only(self, other: "Selector") -> "Selector":
        """Columns of both."""
        return Selector(f"({self.label} only {other.label})", lambda c: self.accepts(c) and other.accepts(c))

    def without(self, other: "Selector") -> "Selector":
        """Columns of this one that are not in the other."""
        return Selector(
            f"({self.label} without {other.label})", lambda c: self.accepts(c) and not other.accepts(c)
        )
