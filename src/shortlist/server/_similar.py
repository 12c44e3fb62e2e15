"""Items that are like others, as lists that clients read."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self, final

import numpy as np

from shortlist.data import Ragged, Requests
from shortlist.errors import ArgumentError
from shortlist.pipeline import similar_to
from shortlist.server._ask import condition
from shortlist.server._desk import Desk
from shortlist.server._messages import Id, Recommended, Similar, SimilarItems
from shortlist.server._results import facts_of

__all__ = ["SimilarAsk", "similar_lists"]


@final
@dataclass(frozen=True, slots=True)
class SimilarAsk:
    """A request for items that are like others, in the terms of the pipeline.

    Attributes:
        items: raw ids of the others.
        requests: for whom, how many, and what is not to be shown; one for each item.
        conditions: on item columns, as a `shortlist.pipeline.Rule` reads them.
        columns: item columns to return.
    """

    items: list[Id]
    requests: Requests
    conditions: tuple[str, ...]
    columns: tuple[str, ...]

    @classmethod
    def of(cls, message: Similar, most: int) -> Self:
        """Read a message.

        Raises:
            ArgumentError: it names no item, or too many.
        """
        if (message.item is None) == (message.items is None):
            received = "neither item nor items" if message.item is None else "both item and items"
            raise ArgumentError("items", received=received, expected="one of them")
        items = [message.item] if message.item is not None else list(message.items or ())
        if len(items) > most:
            raise ArgumentError("items", received=f"{len(items)} items", expected=f"at most {most}")
        unwanted = np.empty(len(message.exclude) * len(items), dtype=object)
        unwanted[:] = message.exclude * len(items)
        exclude = Ragged(unwanted, np.arange(len(items) + 1) * len(message.exclude))
        requests = Requests(
            [message.user] * len(items), message.k, exclude=exclude if message.exclude else None
        )
        conditions = tuple(condition(each, f"filters[{place}]") for place, each in enumerate(message.filters))
        return cls(items, requests, conditions, tuple(dict.fromkeys(message.columns)))


def similar_lists(desk: Desk, ask: SimilarAsk) -> list[SimilarItems]:
    """For each item those that are like it; an item without a vector is said to be unknown, and has none."""
    desk.check_columns(ask.columns)
    found, known = similar_to(desk.pipe.narrowed(ask.conditions), ask.items, ask.requests)
    state = desk.pipe.state
    ids, scores = state.items.take(found.items).tolist(), found.scores.tolist()
    facts = facts_of(found.items, ask.columns, state)
    lists = []
    for item, there, (start, end) in zip(
        ask.items, known.tolist(), pairwise(found.offsets.tolist()), strict=True
    ):
        near = [
            Recommended(ids[n], rank, scores[n], "similar", facts[n] if facts else {})
            for rank, n in enumerate(range(start, end), 1)
        ]
        lists.append(SimilarItems(item, there, near))
    return lists
