"""What conditions and groupings read of candidates and of requests."""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Candidates, Ragged, Requests
from shortlist.errors import ArgumentError
from shortlist.pipeline._rule import Rule
from shortlist.pipeline._state import State

__all__ = ["chosen", "codes_of", "column_of", "one_choice", "place_in_group", "rules_of", "when"]

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Rule:
    return Rule.parse(text)


def rules_of(*texts: str | None) -> tuple[Rule, ...]:
    """The conditions that were given.

    Raises:
        ArgumentError: one cannot be read.
    """
    given = (text for text in texts if text is not None)
    return tuple(_parsed(text) if isinstance(text, str) else Rule.parse(text) for text in given)


def column_of(name: str, candidates: Candidates, state: State) -> Array:
    """A column of the candidates [N]: one that a stage gave, else the item table's.

    Raises:
        PipelineError: there is none, or it holds lists.
    """
    known = candidates.columns.get(name)
    return state.item_column(name, candidates.items) if known is None else known


def one_choice(where: str | None, items: tuple[Any, ...], name: str) -> None:
    """Refuse a rule that names no items.

    Raises:
        ArgumentError: neither a condition nor items are given.
    """
    if where is None and not items:
        raise ArgumentError(
            name,
            received="no items",
            expected="where= or items=",
            remedy=f"write for example {name}(where=\"brand == 'own'\", ...)",
        )


def chosen(
    candidates: Candidates,
    requests: Requests,
    state: State,
    *,
    where: str | None,
    items: tuple[Any, ...],
    asked: str | None,
) -> Mask:
    """Bool [N]: candidates that a rule is about.

    Args:
        candidates: N candidates.
        requests: whose they are.
        state: holds the item and user tables.
        where: condition on the candidates; None for all.
        items: raw item ids; () for all.
        asked: condition on the requests; None for all.
    """
    mask = np.ones(len(candidates.items), dtype=np.bool_)
    for condition in rules_of(where):
        mask &= condition.holds(column_of(condition.column, candidates, state))
    if items:
        mask &= np.isin(candidates.items, state.items.positions(items))
    if asked is not None:
        mask &= when(asked, requests, state)[candidates.query_of]
    return mask


def when(text: str, requests: Requests, state: State) -> Mask:
    """Bool [Q]: requests for which a condition on their context, or on their user's columns, holds.

    What neither the request nor the user table knows is null.
    """
    (rule,) = rules_of(text)
    values: Array = np.full(len(requests), None, dtype=object)
    if rule.column in requests.context:
        given = requests.context[rule.column]
        values[:] = given.tolist() if isinstance(given, np.ndarray) else list(given)
    elif rule.column in state.store.user_schema:
        known = state.store.user_columns(state.users(requests), (rule.column,))[rule.column]
        values = values if isinstance(known, Ragged) else known
    return rule.holds(values)


def codes_of(values: Array) -> Codes:
    """int64 [N]: equal numbers for equal values, -1 for null.

    >>> codes_of(np.array(["b", None, "b", "a"], dtype=object)).tolist()
    [0, -1, 0, 1]
    """
    if values.dtype != object:
        codes = np.unique(values, return_inverse=True)[1].astype(np.int64)
        return np.where(np.isnan(values), -1, codes) if values.dtype.kind == "f" else codes
    known: dict[Any, int] = {}
    plain = values.tolist()
    found = (-1 if one is None or one != one else known.setdefault(one, len(known)) for one in plain)  # noqa: PLR0124
    return np.fromiter(found, np.int64, len(plain))


def place_in_group(query_of: Codes, codes: Codes) -> Codes:
    """int64 [N]: how many candidates of the same query and code stand before each; 0 where the code is -1.

    >>> place_in_group(np.array([0, 0, 0, 1]), np.array([5, -1, 5, 5])).tolist()
    [0, 0, 1, 0]
    """
    pairs = query_of * (int(codes.max(initial=0)) + 2) + codes + 1
    order = np.argsort(pairs, kind="stable")
    starts = np.searchsorted(pairs[order], pairs[order])
    place = np.empty(len(codes), dtype=np.int64)
    place[order] = np.arange(len(codes)) - starts
    return np.where(codes < 0, 0, place)
