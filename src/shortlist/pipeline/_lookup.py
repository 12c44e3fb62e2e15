"""Columns beside the candidates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from shortlist.data import Array, Candidates, Ragged, Requests
from shortlist.errors import ArgumentError, PipelineError, near
from shortlist.pipeline._stage import CANDIDATES, WritePart
from shortlist.pipeline._state import State
from shortlist.schema import Schema

__all__ = ["Lookup"]


@final
@dataclass(frozen=True)
class Lookup:
    """Puts columns of items, of users and of the request beside each candidate, each read once a batch.

    Rules, functions (`Apply`) and trees read them there; workflows look up their own. What is
    missing is null.

    Attributes:
        items: columns of the item table.
        users: columns of the user table, the same value for every candidate of a request.
        context: values that come with a request, likewise.
        name: what traces call it.

    Raises:
        ArgumentError: there is no column, or one stands twice.
    """

    items: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    name: str = "lookup"
    needs: ClassVar[tuple[str, ...]] = (CANDIDATES,)

    def __post_init__(self) -> None:
        for part in ("items", "users", "context"):
            object.__setattr__(self, part, tuple(getattr(self, part)))
        if not self.gives or len(set(self.gives)) < len(self.gives):
            raise ArgumentError(
                "Lookup", received=f"columns {list(self.gives)}", expected="one or more, each once"
            )

    @property
    def gives(self) -> tuple[str, ...]:
        """The columns."""
        return (*self.items, *self.users, *self.context)

    def run(self, requests: Requests, candidates: Candidates, state: State) -> Candidates:
        """Read each table once.

        Raises:
            PipelineError: a table lacks a column, or it holds lists.
        """
        store, query_of = state.store, candidates.query_of
        _known(self.items, store.item_schema, "item table")
        _known(self.users, store.user_schema, "user table")
        columns: dict[str, Array] = {}
        for name, values in store.item_columns(candidates.items, self.items).items():
            columns[name] = _flat(values, name, "item table")
        for name, values in store.user_columns(state.users(requests), self.users).items():
            columns[name] = _flat(values, name, "user table")[query_of]
        for name in self.context:
            columns[name] = _given(requests.context.get(name), len(requests))[query_of]
        return candidates.with_columns(columns)

    def to_plain(self, write_part: WritePart) -> dict[str, Any]:  # noqa: ARG002
        """See `PlainStage`."""
        return {
            "kind": "lookup",
            "items": list(self.items),
            "users": list(self.users),
            "context": list(self.context),
            "name": self.name,
        }


def _known(names: tuple[str, ...], schema: Schema, table: str) -> None:
    for name in names:
        if name not in schema:
            raise PipelineError(
                table,
                received=f"no column {name!r}",
                expected="a known column",
                remedy=near(name, schema.names),
            )


def _flat(values: Array | Ragged, name: str, table: str) -> Array:
    if isinstance(values, Ragged):
        raise PipelineError(table, received=f"lists in {name!r}", expected="one value a row")
    return values


def _given(values: Sequence[Any] | Array | None, rows: int) -> Array:
    if isinstance(values, np.ndarray):
        return values
    out = np.full(rows, None, dtype=object)
    if values is not None:
        out[:] = list(values)
    return out
