"""A pipeline as a model of the Open Inference Protocol: tensors in, tensors out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np

from shortlist.errors import ArgumentError, near
from shortlist.pipeline import Pipeline
from shortlist.schema import Column
from shortlist.server._ask import Ask
from shortlist.server._desk import Desk
from shortlist.server._messages import Id, UserItems
from shortlist.server._tensors import Values

__all__ = ["Tensor", "ask_of", "chosen", "inputs_of", "inputs_of_pipeline", "outputs", "outputs_of"]

_TEXT = "BYTES"
_TYPES = {"string": _TEXT, "bool": "BOOL", "datetime": "INT64"}
_DEFAULT_K, _MOST_K = 10, 1000


@dataclass(frozen=True, slots=True)
class Tensor:
    """Name, type and shape of an input or output; -1 is any size.

    Attributes:
        name: of the tensor.
        datatype: in the words of the protocol.
        shape: its sizes.
        optional: whether it may be left out.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    optional: bool = False

    def told(self) -> dict[str, Any]:
        """As the metadata of a model have it."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}


def outputs() -> tuple[Tensor, ...]:
    """What a pipeline gives: for each of B users a row of K items, of which the first ``count`` are items."""
    return (
        Tensor("item", _TEXT, (-1, -1)),
        Tensor("score", "FP32", (-1, -1)),
        Tensor("source", _TEXT, (-1, -1)),
        Tensor("count", "INT32", (-1,)),
    )


def chosen(names: Sequence[str]) -> tuple[Tensor, ...]:
    """The outputs of these names; all where none is named.

    Raises:
        ArgumentError: one is unknown.
    """
    known = {tensor.name: tensor for tensor in outputs()}
    for name in names:
        if name not in known:
            raise ArgumentError(
                "outputs", received=name, expected="an output of the model", remedy=near(name, known)
            )
    return tuple(known[name] for name in names or known)


def inputs_of(desk: Desk) -> tuple[Tensor, ...]:
    """What the pipeline of a desk takes."""
    return inputs_of_pipeline(desk.pipe, desk.context)


def inputs_of_pipeline(pipe: Pipeline, context: Mapping[str, Column]) -> tuple[Tensor, ...]:
    """What a pipeline takes: users and, where wanted, k, lists of items, and values known only now."""
    store = pipe.state.store
    user, item = (_key_type(keys.values.dtype) for keys in (store.users, store.items))
    own = ("user", "k", "recent", "exclude")
    taken = {*own, *(column.name for column in store.user_schema)}
    return (
        Tensor("user", user, (-1,)),
        Tensor("k", "INT32", (1,), optional=True),
        Tensor("recent", item, (-1, -1), optional=True),
        Tensor("exclude", item, (-1, -1), optional=True),
        *(_context(column) for name, column in context.items() if name not in taken),
    )


def ask_of(desk: Desk, given: Mapping[str, Values], most_users: int, request_id: str | None) -> Ask:
    """Read the tensors of a request.

    Raises:
        ArgumentError: one is unknown or of a wrong shape, or there are too many users.
    """
    known = {tensor.name for tensor in inputs_of(desk)} | set(desk.context)
    for name in given:
        if name not in known:
            raise ArgumentError(
                "inputs", received=name, expected="an input of the model", remedy=near(name, known)
            )
    if "user" not in given:
        raise ArgumentError("inputs", received=sorted(given), expected="at least the input 'user'")
    users = _flat("user", given["user"])
    if len(users) > most_users:
        raise ArgumentError("inputs.user", received=f"{len(users)} users", expected=f"at most {most_users}")
    people: list[Id | None] = [None if user == "" else user for user in users]
    rest = {name: values for name, values in given.items() if name in desk.context}
    return Ask(
        people,
        _k(given),
        None,
        {name: _rows(name, values, len(people)) for name, values in rest.items()},
        _lists("recent", given, len(people)),
        _lists("exclude", given, len(people)),
        (),
        (),
        False,
        request_id or uuid4().hex,
    )


def outputs_of(lists: Sequence[UserItems], k: int) -> dict[str, Values]:
    """The lists as tensors of k columns; shorter ones end in empty texts and zeros."""
    counts = np.array([len(one.items) for one in lists], dtype=np.int32)
    items, sources = (np.full((len(lists), k), "", dtype=object) for _ in range(2))
    scores = np.zeros((len(lists), k), dtype=np.float32)
    for row, one in enumerate(lists):
        for place, item in enumerate(one.items):
            items[row, place], sources[row, place] = str(item.item), item.source
            scores[row, place] = item.score
    return {"item": items, "score": scores, "source": sources, "count": counts}


def _key_type(dtype: np.dtype[Any]) -> str:
    return "INT64" if dtype.kind in "iu" else _TEXT


def _context(column: Column) -> Tensor:
    shape = (-1, -1) if column.is_list else (-1,)
    number = "FP32" if column.dtype.startswith("float") else "INT64"
    return Tensor(column.name, _TYPES.get(column.dtype, number), shape, optional=True)


def _flat(name: str, values: Values) -> list[Any]:
    """B values of a tensor [B] or [B, 1]."""
    if values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1):
        return list(values.ravel().tolist())
    raise ArgumentError(f"inputs.{name}", received=f"shape {list(values.shape)}", expected="[B] or [B, 1]")


def _k(given: Mapping[str, Values]) -> int:
    values = given.get("k")
    k = _DEFAULT_K if values is None else values.ravel().tolist()
    if isinstance(k, list):
        k = k[0] if len(set(k)) == 1 else 0
    if not isinstance(k, int) or not 1 <= k <= _MOST_K:
        raise ArgumentError("inputs.k", received=k, expected=f"one number from 1 to {_MOST_K}")
    return k


def _rows(name: str, values: Values, users: int) -> list[Any]:
    rows: list[Any] = values.tolist() if values.ndim == 2 and values.shape[1] != 1 else _flat(name, values)
    if len(rows) == 1:
        return rows * users
    if len(rows) != users:
        raise ArgumentError(
            f"inputs.{name}",
            received=f"{len(rows)} rows for {users} users",
            expected="one row, or one a user",
        )
    return rows


def _lists(name: str, given: Mapping[str, Values], users: int) -> list[list[Id]] | None:
    """Lists of items [B, L] or [L] for all; empty texts fill shorter ones."""
    if name not in given:
        return None
    values = given[name] if given[name].ndim > 1 else given[name][None, :]
    rows = values.reshape(len(values), -1).tolist()
    if len(rows) not in (1, users):
        raise ArgumentError(
            f"inputs.{name}",
            received=f"{len(rows)} rows for {users} users",
            expected="one row, or one a user",
        )
    kept = [[item for item in row if item != ""] for row in rows]
    return kept * users if len(kept) == 1 else kept


def _uneven(name: str, rows: int, users: int) -> ArgumentError:
    return ArgumentError(
        f"inputs.{name}", received=f"{rows} rows for {users} users", expected="one row, or one a user"
    )
