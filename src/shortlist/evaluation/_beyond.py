"""Beyond accuracy: what a recommender shows, whatever is right."""

import numpy as np
import numpy.typing as npt

from shortlist import metrics as m
from shortlist.data import Ragged
from shortlist.errors import ArgumentError
from shortlist.evaluation._asked import Asked
from shortlist.report import Cell, Table

__all__ = ["beyond_table", "category_codes"]

_EVER = np.iinfo(np.int64).min

Items = npt.NDArray[np.int64]


def beyond_table(
    asked: Asked, k: int, by: str | None, vectors: npt.NDArray[np.floating] | None, title: str
) -> Table:
    """One row a recommender; see `Evaluation.beyond`."""
    counts, users, percentiles = _popularity(asked)
    codes = None if by is None else category_codes(asked, by)
    top = np.argsort(-counts, kind="stable")[:k]
    columns = [f"coverage@{k}", "gini", "popularity", "novelty", "serendipity"]
    columns += ["diversity", "miscalibration"] if by is not None else []
    columns += ["distance"] if vectors is not None else []
    if vectors is not None and len(vectors) != len(counts):
        raise ArgumentError(
            "Evaluation.beyond(vectors)",
            received=f"{len(vectors)} vectors",
            expected=f"one for each of the {len(counts)} items, in the order of the state's items",
        )
    histories = asked.histories() if by is not None else None
    rows: list[tuple[Cell, ...]] = []
    for model in asked.lists:
        lists = asked.lists[model][:, :k]
        cells: list[float] = _of_catalogue(asked, lists, counts)
        cells += [_mean(m.average_popularity(lists, percentiles)), _mean(m.novelty(lists, counts, users))]
        cells.append(_mean(_serendipity(asked, model, k, top)))
        if codes is not None and histories is not None:
            cells += [
                _mean(m.category_diversity(lists, codes)),
                _mean(m.calibration(lists, histories, codes)),
            ]
        if vectors is not None:
            cells.append(_mean(m.intra_list_diversity(lists, vectors)))
        rows.append((model, *cells))
    return Table(("recommender", *columns), rows, title=title)


def category_codes(asked: Asked, name: str) -> Items:
    """A number for the value that each item of the catalogue has in a column; of a list its first.

    Raises:
        ArgumentError: the item table has no such column.
    """
    store = asked.state.store
    if name not in store.item_schema:
        raise ArgumentError(
            "Evaluation(by)", received=name, expected=f"an item column: {', '.join(store.item_schema.names)}"
        )
    values = store.item_columns(np.arange(len(store.items)), (name,))[name]
    plain = values.to_lists() if isinstance(values, Ragged) else values.tolist()
    words = [str(one[0] if one else None) if isinstance(one, list) else str(one) for one in plain]
    return np.unique(words, return_inverse=True)[1].astype(np.int64)


def _popularity(asked: Asked) -> tuple[npt.NDArray[np.int64], int, npt.NDArray[np.float64]]:
    """Users of each item before the present, users in all, and percentiles among what can be shown."""
    users, items, _, _ = asked.state.events()
    pairs = np.unique(users * len(asked.state.items) + items)
    counts = np.bincount(pairs % max(len(asked.state.items), 1), minlength=len(asked.state.items))
    listed = np.asarray(asked.state.store.listed)
    percentiles = np.zeros(len(counts))
    percentiles[listed] = m.percentiles(counts[listed])
    return counts, len(np.unique(users)), percentiles


def _of_catalogue(asked: Asked, lists: Items, counts: npt.NDArray[np.int64]) -> list[float]:
    listed = np.flatnonzero(asked.state.store.listed)
    place = np.full(len(counts) + 1, -1)
    place[listed] = np.arange(len(listed))
    shown = place[lists]
    return [m.coverage(shown, len(listed)), m.gini(shown, len(listed))]


def _serendipity(asked: Asked, model: str, k: int, top: Items) -> npt.NDArray[np.float64]:
    lists, truth = asked.of_queries(model, k), asked.truth.items
    found = m.hits(lists, truth.offsets, truth.values)
    return m.serendipity(found, lists, np.broadcast_to(top, (len(lists), len(top))))


def _mean(values: npt.NDArray[np.float64]) -> float:
    return m.mean(values).value
