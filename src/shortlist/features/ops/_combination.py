"""Several columns as one column of combinations."""

from collections.abc import Iterable
from typing import Any

from shortlist.data import Ragged
from shortlist.errors import SchemaError
from shortlist.features._op import Arrays
from shortlist.schema import Column, Tags

__all__ = ["combined_column", "tuples"]

_ENTITIES = frozenset({Tags.USER, Tags.ITEM, Tags.SESSION, Tags.CONTEXT, Tags.CROSS})


def combined_column(members: tuple[Column, ...], name: str) -> Column:
    """The column of combinations: about the members' entity if they share one, a CROSS column otherwise.

    Raises:
        SchemaError: a member holds lists.
    """
    for member in members:
        if member.is_list:
            raise SchemaError(
                f"combination {name!r}",
                received=f"lists in column {member.name!r}",
                expected="columns of one value a row",
                remedy="categorify the list by itself",
            )
    entities = frozenset(tag for member in members for tag in member.tags & _ENTITIES)
    return Column(name, "int64", entities if len(entities) <= 1 else frozenset({Tags.CROSS}))


def tuples(members: Iterable[Column], columns: Arrays) -> list[tuple[Any, ...]]:
    """One tuple of raw values for each row."""
    values = [columns[member.name] for member in members]
    return list(zip(*(v.tolist() for v in values if not isinstance(v, Ragged)), strict=True))
