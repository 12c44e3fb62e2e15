"""Candidates as a frame of raw ids."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from shortlist.data import Candidates, Ragged, Requests
from shortlist.errors import ArgumentError, near
from shortlist.pipeline._state import State

__all__ = ["answer_frame", "source_names"]


def answer_frame(
    requests: Requests, found: Candidates, state: State, columns: Sequence[str] = ()
) -> pl.DataFrame:
    """One row a recommendation: user, rank (from 1), item, score, source, and item columns by name.

    Raises:
        ArgumentError: a name is no column of the item table.
    """
    known = state.store.item_schema
    for name in columns:
        if name not in known:
            raise ArgumentError(
                "columns", received=name, expected="columns of the item table", remedy=near(name, known.names)
            )
    rank = np.arange(len(found.items)) - np.repeat(found.offsets[:-1], found.lengths) + 1
    users = pl.Series("user", list(requests.users), strict=False)
    facts = state.store.item_columns(found.items, tuple(columns))
    return pl.DataFrame(
        {
            "user": users.gather(found.query_of),
            "rank": pl.Series(rank, dtype=pl.Int32),
            "item": _series(state.items.take(found.items)),
            "score": found.scores,
            "source": pl.Series(source_names(found), dtype=pl.String),
            **{name: _series(values) for name, values in facts.items() if name not in ("user", "item")},
        }
    )


def source_names(found: Candidates) -> list[str]:
    """The name of the source of each candidate."""
    return [found.sources[place] for place in found.source.tolist()]


def _series(values: Ragged | np.ndarray) -> pl.Series:
    if isinstance(values, Ragged):
        return pl.Series(values.to_lists())
    return pl.Series(values.tolist(), strict=False) if values.dtype == object else pl.Series(values)
