"""A branch: chosen columns and the ops they run through."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from shortlist.errors import ArgumentError
from shortlist.schema import Schema, Selector

if TYPE_CHECKING:
    from shortlist.features._op import Op
    from shortlist.features._source import Source

__all__ = ["Branch", "Chosen"]

Group: TypeAlias = "str | Selector | tuple[str, ...]"
Chosen: TypeAlias = "str | Selector | Iterable[str | Selector | list[str] | tuple[str, ...]]"


@dataclass(frozen=True, slots=True)
class Branch:
    """``columns >> op >> op``.

    Attributes:
        chosen: columns by name or selector; a tuple of names is a group that grouped ops take at once.
        ops: the ops, first to last.
        source: an op that makes the branch's first column out of the event log; None for raw columns.
    """

    chosen: tuple[Group, ...]
    ops: tuple["Op", ...] = ()
    source: "Source | None" = None

    @classmethod
    def of(cls, columns: Chosen, *ops: "Op") -> "Branch":
        """Take what may stand on the left of ``>>``.

        Raises:
            ArgumentError: it is neither names, nor a selector, nor groups of names.
        """
        given = [columns] if isinstance(columns, str | Selector) else list(columns)
        return cls(tuple(_group(part) for part in given), ops)

    def __rshift__(self, op: "Op") -> "Branch":
        """The same branch with one op more."""
        return Branch(self.chosen, (*self.ops, op), self.source)

    def groups(self, schema: Schema) -> tuple[tuple[str, ...], ...]:
        """Names of the raw columns it reads, by group, each group once."""
        found: dict[tuple[str, ...], None] = {}
        for part in self.chosen:
            if isinstance(part, Selector):
                found.update({(name,): None for name in part.names(schema)})
            else:
                found[schema.select((part,) if isinstance(part, str) else part).names] = None
        return tuple(found)


def _group(part: object) -> Group:
    if isinstance(part, str | Selector):
        return part
    if isinstance(part, list | tuple) and part and all(isinstance(name, str) for name in part):
        return tuple(part)
    raise ArgumentError(
        "columns >> op",
        received=part,
        expected="a name, a selector, or a list of names (a list inside the list is a column group)",
        remedy='write ["a", "b"] >> op, or [["a", "b"]] >> op for a group',
    )
