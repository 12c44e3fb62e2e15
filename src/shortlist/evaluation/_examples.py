"""Some users by name: what they took last, what is recommended to them, and what they took then."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from shortlist.data import Ragged
from shortlist.errors import ArgumentError
from shortlist.evaluation._asked import Asked

__all__ = ["example_blocks"]

Items = npt.NDArray[np.int64]

_RECENT = 8


def example_blocks(
    asked: Asked, model: str, k: int, *, users: Sequence[Any] | None, count: int, name: str | None
) -> list[tuple[str, ...]]:
    """HTML blocks, two users beside each other.

    Args:
        asked: the evaluation's questions and answers.
        model: whose lists.
        k: how many recommendations of each user.
        users: raw ids; None for ``count`` of different luck: some with most found, some with nothing found,
            the others between.
        count: how many users where none are named.
        name: the item column that names items; None for the one tagged "name", else the ids.

    Raises:
        ArgumentError: a user was not asked for, or there is no such column.
    """
    places = _chosen(asked, model, k, count) if users is None else _places(asked, users)
    titles = _Titles(asked, name)
    histories = asked.histories()
    truth = {int(user): asked.truth.items.row(query) for query, user in enumerate(asked.truth.query_user)}
    blocks = [
        _block(
            str(asked.truth.users[place]),
            titles,
            histories.row(place),
            asked.lists[model][place, :k],
            truth.get(place, np.zeros(0, np.int64)),
        )
        for place in places
    ]
    return [tuple(blocks[first : first + 2]) for first in range(0, len(blocks), 2)]


class _Titles:
    """Names of items by position."""

    def __init__(self, asked: Asked, name: str | None) -> None:
        store = asked.state.store
        tagged = [column.name for column in store.item_schema if column.has("name")]
        if name is not None and name not in store.item_schema:
            raise ArgumentError(
                "report(name)",
                received=name,
                expected=f"an item column: {', '.join(store.item_schema.names)}",
            )
        self._name = name or (tagged[0] if tagged else None)
        self._store = store

    def of(self, items: Items) -> list[str]:
        known = np.where(items < len(self._store.items), items, -1)
        ids = [str(self._store.items.take(np.array([at]))[0]) if at >= 0 else "unknown" for at in known]
        if self._name is None:
            return ids
        values = self._store.item_columns(known, (self._name,))[self._name]
        plain = values.to_lists() if isinstance(values, Ragged) else values.tolist()
        return [key if value is None else f"{value} ({key})" for key, value in zip(ids, plain, strict=True)]


def _places(asked: Asked, users: Sequence[Any]) -> list[int]:
    known = {user: place for place, user in enumerate(asked.truth.users)}
    unknown = [user for user in users if user not in known]
    if unknown:
        raise ArgumentError(
            "report(users)", received=unknown[0], expected="users of the test set, by their raw id"
        )
    return [known[user] for user in users]


def _chosen(asked: Asked, model: str, k: int, count: int) -> list[int]:
    """Users by how much of theirs was found: from both ends and from the middle, those with a history."""
    found = np.zeros(len(asked.truth.users))
    lists, truth = asked.of_queries(model, k), asked.truth
    for query, user in enumerate(truth.query_user):
        found[user] += np.isin(lists[query], truth.items.row(query)).sum()
    able = np.flatnonzero((asked.histories().lengths > 0) & np.isin(np.arange(len(found)), truth.query_user))
    order = able[np.argsort(-found[able], kind="stable")]
    if len(order) > count:
        order = order[np.linspace(0, len(order) - 1, count).astype(np.int64)]
    return [int(place) for place in order]


def _block(user: str, titles: _Titles, history: Items, shown: Items, truth: Items) -> str:
    right = set(truth.tolist())
    shown = shown[shown >= 0]
    hits = [int(item) in right for item in shown]
    lines = [
        f"<li{' class=hit' if hit else ''}>{escape(title)}{' &#10003;' if hit else ''}</li>"
        for title, hit in zip(titles.of(shown), hits, strict=True)
    ]
    recent = history[::-1][:_RECENT]
    before = "".join(f"<li>{escape(title)}</li>" for title in titles.of(recent))
    missed = titles.of(truth[~np.isin(truth, shown)])
    others = f"; not in the list: {escape('; '.join(missed[:6]))}" if missed else ""
    more = f" and {len(missed) - 6} more" if len(missed) > 6 else ""
    return (
        f"<h3>user {escape(user)}</h3>"
        f'<p class="soft">{len(history)} events before, the last first</p><ol class="items s">{before}</ol>'
        f'<p class="soft">recommended</p><ol class="items">{"".join(lines)}</ol>'
        f'<p class="s">{sum(hits)} of {len(right)} found{others}{more}</p>'
    )
