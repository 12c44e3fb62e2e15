"""Items that are like an item, by their vectors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Candidates, Index, Requests
from shortlist.errors import PipelineError
from shortlist.pipeline._answer import answer_frame
from shortlist.pipeline._diversify import Diversify
from shortlist.pipeline._drop import Drop
from shortlist.pipeline._embedding import embedding_stages
from shortlist.pipeline._pipeline import Pipeline
from shortlist.pipeline._retrieve import Retrieve
from shortlist.pipeline._rule import Rule
from shortlist.pipeline._stage import CANDIDATES
from shortlist.pipeline._state import State

__all__ = ["similar_items", "similar_to"]

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]

_MORE = 50
_FURTHER = 4


def similar_to(pipe: Pipeline, items: Sequence[Any], requests: Requests) -> tuple[Candidates, Mask]:
    """The items whose vectors point most nearly where those of other items do.

    The score is the cosine of the two vectors. Items are found in the index of the pipeline by inner product,
    some more than are wanted, and ordered by the cosine: for vectors of length 1 that is the same. Items that
    may not be shown, those that the conditions of the search leave out, those that the pipeline's `Drop`
    stages take out for the request's user, and the item itself do not come.

    Args:
        pipe: a pipeline that has an index.
        items: Q raw item ids; for an unknown one, and one without a vector, nothing is found.
        requests: Q requests: for whom, and how many.

    Returns:
        At most ``k`` candidates for each item, and bool [Q], which of them have a vector.

    Raises:
        PipelineError: no stage of the pipeline has an index.
    """
    index, rules = _vectors_of(pipe)
    state = pipe.state.for_run()
    index = state.index_now(index)
    rows = index.keys.positions(items)
    drops = [stage for stage in pipe.stages if isinstance(stage, Drop) and _is_plain(stage, state)]
    depth = 2 * requests.k + _MORE
    while True:
        depth = min(depth, len(index.keys))
        found = _nearest(index, rows, depth, rules, state)
        for drop in drops:
            found = drop.run(requests, found, state)
        short = (found.lengths < requests.k) & (rows >= 0)
        if depth == len(index.keys) or not short.any():
            return found.first(requests.k), rows >= 0
        depth *= _FURTHER


def similar_items(
    pipe: Pipeline,
    items: Sequence[Any],
    k: int = 10,
    *,
    users: Sequence[Any] | None = None,
    filters: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> pl.DataFrame:
    """Items that are like other items, as a frame; `similar_to` says what is like an item, and what comes.

    Args:
        pipe: a pipeline that has an index.
        items: raw item ids; unknown ones are ordinary, and get no rows.
        k: items wanted for each.
        users: for whom each list is, a raw id an item: what the pipeline drops for a user, such as what was
            seen, is left out. None is for anybody.
        filters: conditions on item columns, such as ``"price < 20"``.
        columns: item columns to put beside the ids.

    Returns:
        ``of, rank, item, score`` and the columns asked for; at most ``k`` rows an item.

    Raises:
        PipelineError: no stage of the pipeline has an index, or a condition names an unknown column.
        ArgumentError: an argument has a wrong value.
    """
    requests = Requests([None] * len(items) if users is None else users, k)
    found, _ = similar_to(pipe.narrowed(filters), items, requests)
    frame = answer_frame(requests, found, pipe.state, columns).drop("user", "source")
    asked = pl.Series("of", [str(item) for item in items], dtype=pl.String).gather(found.query_of)
    return frame.insert_column(0, asked)


def _vectors_of(pipe: Pipeline) -> tuple[Index, tuple[Rule, ...]]:
    """The index of the pipeline, and the conditions under which it is searched."""
    fallback = () if pipe.fallback is None else (pipe.fallback,)
    stages = sorted(
        embedding_stages((*pipe.stages, *fallback)), key=lambda one: not isinstance(one, Retrieve)
    )
    for stage in stages:
        return stage.index, stage.rules if isinstance(stage, Retrieve) else ()
    for other in pipe.stages:
        if isinstance(other, Diversify) and other.index is not None:
            return other.index, ()
    raise PipelineError(
        "similar items",
        received=f"stages {[stage.name for stage in pipe.stages]}, none with an index",
        expected="a pipeline that holds vectors of items",
        remedy="retrieve by a two-tower model, see Retrieve",
    )


def _is_plain(stage: Drop, state: State) -> bool:
    """Whether a stage asks of candidates only what the item table says."""
    return all(name == CANDIDATES or name in state.store.item_schema for name in stage.needs)


def _nearest(index: Index, rows: Rows, depth: int, rules: tuple[Rule, ...], state: State) -> Candidates:
    own, found = np.flatnonzero(rows >= 0), np.full((len(rows), depth), -1, dtype=np.int64)
    scores = np.full(found.shape, -np.inf, dtype=np.float32)
    positions = state.positions_of(index.keys)
    if len(own) > 0 and depth > 0:
        vectors = _of_length_one(index.vectors(rows[own]))
        places, _ = index.search(vectors, depth, allowed=state.allowed_rows(index.keys, rules))
        others = _of_length_one(index.vectors(places.ravel())).reshape(*places.shape, index.dim)
        scores[own] = np.einsum("qkd,qd->qk", others, vectors)
        real = (places >= 0) & (places != rows[own][:, None])
        found[own] = np.where(real, positions[places], -1)
    return Candidates.of(found, scores, "similar").ordered()


def _of_length_one(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)
