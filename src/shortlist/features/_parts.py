"""What may stand in the list that a workflow is made of."""

from collections.abc import Sequence
from typing import Any

from shortlist.errors import ArgumentError
from shortlist.features._branch import Branch
from shortlist.features._regroup import Regroups
from shortlist.features._source import Source
from shortlist.features.ops import Filter
from shortlist.schema import Selector

__all__ = ["split"]


def split(parts: Sequence[Any]) -> tuple[Regroups | None, tuple[Branch, ...]]:
    """The op that makes other rows, if the first part is one, and the others as branches.

    Raises:
        ArgumentError: a part is none of what may stand there.
    """
    head = parts[0] if parts and isinstance(parts[0], Regroups) else None
    return head, tuple(_branch(part) for part in (parts if head is None else parts[1:]))


def _branch(part: object) -> Branch:
    if isinstance(part, Branch):
        return part
    if isinstance(part, Filter):
        return part.alone()
    if isinstance(part, Source):
        return Branch((), (), part)
    if isinstance(part, str | Selector | list | tuple):
        return Branch.of(part)
    raise ArgumentError(
        "Workflow",
        received=part,
        expected="branches: columns >> op, names, selectors, history ops, filters; Groupby only first",
        remedy='Workflow(["user_id" >> ops.Categorify()])',
    )
