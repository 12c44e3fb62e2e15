"""What a table is about: a log of events, a table of items or users, or rows of something else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shortlist.profiling._measured import Measured

__all__ = ["Kind", "Subject", "kind_of", "likely_targets"]

Kind = Literal["log", "events", "items", "users", "table"]

_UNIQUE = 0.98
_TARGETS = frozenset(
    {
        *(
            "click",
            "clicked",
            "isclick",
            "clicks",
            "conversion",
            "converted",
            "purchased",
            "bought",
            "ordered",
        ),
        *(
            "label",
            "target",
            "y",
            "accepted",
            "recommended",
            "recommendedind",
            "liked",
            "churn",
            "churned",
            "response",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What the rows are.

    Attributes:
        kind: "log" for events of users with items; "events" for rows in which one of the two occurs again and
            again; "items" or "users" for one row each; "table" for anything else.
        roles: role -> column.
        targets: columns to be predicted.
        weight: the column of weights, if there is one.
    """

    kind: Kind
    roles: Mapping[str, str]
    targets: tuple[str, ...]
    weight: str | None = None

    @property
    def apart(self) -> frozenset[str]:
        """Columns that are no features whatever they hold."""
        weight = () if self.weight is None else (self.weight,)
        return frozenset((*self.roles.values(), *self.targets, *weight))


def kind_of(roles: Mapping[str, str], columns: Mapping[str, Measured]) -> Kind:
    """Tell by the roles, and by whether ids occur more than once."""
    if {"user", "item"} <= roles.keys():
        return "log"
    entity = next((role for role in ("item", "user") if role in roles), None)
    if entity is None:
        return "table"
    values = columns[roles[entity]].values
    if values.distinct < _UNIQUE * values.total:
        return "events"
    return "items" if entity == "item" else "users"


def likely_targets(columns: Mapping[str, Measured], roles: Mapping[str, str]) -> tuple[str, ...]:
    """Columns of two values, 0 and 1 or false and true, whose names are those of labels."""
    return tuple(
        name
        for name, column in columns.items()
        if "".join(c for c in name.lower() if c.isalnum()) in _TARGETS
        and name not in roles.values()
        and {value for value, _ in column.values.most(3)} == {0, 1}
    )
