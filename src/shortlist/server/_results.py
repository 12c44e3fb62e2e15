"""Candidates as the lists that clients read."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Candidates, Ragged
from shortlist.pipeline import State
from shortlist.server._ask import Ask
from shortlist.server._messages import Recommended, UserItems

__all__ = ["facts_of", "results_of"]


def results_of(asks: Sequence[Ask], found: Candidates, state: State) -> list[list[UserItems]]:
    """For each ask the lists of its users, from the candidates of all of them, one after the other."""
    ends = np.cumsum([0, *(len(ask.users) for ask in asks)]).tolist()
    offsets = found.offsets.tolist()
    return [
        _lists(ask, found, offsets[start : end + 1], state)
        for ask, (start, end) in zip(asks, pairwise(ends), strict=True)
    ]


def _lists(ask: Ask, found: Candidates, offsets: list[int], state: State) -> list[UserItems]:
    part = slice(offsets[0], offsets[-1])
    positions = found.items[part]
    ids, scores = state.items.take(positions).tolist(), found.scores[part].tolist()
    sources = [found.sources[place] for place in found.source[part].tolist()]
    facts = facts_of(positions, ask.columns, state)
    lists = []
    for user, (start, end) in zip(ask.users, pairwise(offsets), strict=True):
        rows = range(start - offsets[0], end - offsets[0])
        items = [
            Recommended(ids[n], rank, scores[n], sources[n], facts[n] if facts else {})
            for rank, n in enumerate(rows, 1)
        ]
        lists.append(UserItems(user, items))
    return lists


def facts_of(
    positions: npt.NDArray[np.int64], columns: tuple[str, ...], state: State
) -> list[dict[str, Any]]:
    """Columns of items by position, a dictionary an item; nothing where no columns are asked for."""
    if not columns:
        return []
    values = state.store.item_columns(positions, columns)
    plain = [_plain(values[name], state.store.item_schema[name].dtype) for name in columns]
    return [dict(zip(columns, row, strict=True)) for row in zip(*plain, strict=True)]


def _plain(values: Array | Ragged, dtype: str) -> list[Any]:
    """Values as JSON has them: null for missing, ISO 8601 for times."""
    plain: list[Any] = values.to_lists() if isinstance(values, Ragged) else values.tolist()
    if dtype != "datetime" or isinstance(values, Ragged):
        return plain
    return [None if value is None else f"{np.datetime64(value, 'us')}Z" for value in plain]
