"""Examples to train a ranker on: what the sources find, and what was taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from shortlist.data import Array, Batch, Candidates, Ragged
from shortlist.errors import ArgumentError
from shortlist.io import Dataset
from shortlist.pipeline._pipeline import Pipeline
from shortlist.pipeline._stage import CANDIDATES, SCORES
from shortlist.pipeline._state import State
from shortlist.pipeline._window import Window, check_leak
from shortlist.rng import generator
from shortlist.schema import Column, Schema, Tags
from shortlist.store import to_series

__all__ = ["REQUEST", "Everything", "ranking_examples"]

LABEL = "label"
REQUEST = "request"
_CHUNK = 512


def ranking_examples(
    pipe: Pipeline,
    events: Dataset,
    *,
    histories: Sequence[Any] = (),
    negatives: int | None = 20,
    window_us: int = 1,
    at: Sequence[int] | None = None,
    allow_leak: bool = False,
    seed: int = 0,
) -> Dataset:
    """Candidates of past requests, with what was known then and whether they were taken.

    Every user and time with a positive event is one request, at that time, for what the user's stages would
    have shown: the pipeline is run as of the request. A candidate is labelled 1 if the user took it in
    ``[time, time + window_us)``. Of the others at most ``negatives`` a request are kept, drawn at random, so
    the ranker's probabilities are those of this sample. Requests whose candidates hold no positive are left
    out. What was taken but not found is left out too: a ranker orders what the sources find.

    The events must come after what the sources learned from: a source that has memorised an event ranks it
    first, and a ranker trained on that trusts it blindly.

    Args:
        pipe: the stages whose candidates the ranker will order, such as ``pipe[:2]``, over a state that
            holds the events up to the end of the window.
        events: the window: positive events, after the training data of every source.
        histories: history ops whose columns are to be there, as of each request.
        negatives: kept of each request; None for all.
        window_us: microseconds in which the item must be taken; 1 for the very event.
        at: ask for every user of the window at these moments (microseconds since 1970) instead of at its
            events; nothing of an event's context is known then.
        allow_leak: go on although a source has learned from the window.
        seed: of the draw of negatives.

    Returns:
        Columns of users, items, context and sources (``retrieval_score``, tagged CROSS), the time, the
        histories, ``request`` (its number) and ``label`` (BINARY TARGET); rows of one request together.

    Raises:
        PipelineError: a source learned from the window, or does not say until when it learned.
        ArgumentError: ``negatives`` or ``window_us`` is below 1.
    """
    for name, value in (("negatives", negatives), ("window_us", window_us)):
        if value is not None and value < 1:
            raise ArgumentError(f"ranking_examples.{name}", received=value, expected="an integer >= 1")
    state = pipe.state
    window = Window.of(events, state, at)
    if not allow_leak:
        check_leak(pipe.stages, window)
    maker = _Maker(pipe, window, _everything(pipe, window, state, histories), negatives, window_us)
    rng = generator(seed, "ranking_examples")
    parts = [maker.examples(start, rng) for start in range(0, len(window), _CHUNK)]
    schema = maker.schema()
    empty = pl.DataFrame(schema={column.name: to_series(_none(column), column).dtype for column in schema})
    return Dataset.of(pl.concat([empty, *parts]), schema)


@dataclass(frozen=True)
class Everything:
    """A workflow that wants every column and changes none."""

    input_schema: Schema
    histories: tuple[Any, ...]
    events: Schema

    @property
    def schema(self) -> Schema:
        """The columns it gives; history ops see the columns of events too."""
        known = self.events.merge(self.input_schema)
        made = [op.column(known) for op in self.histories]
        return self.input_schema.merge(made)

    def transform_batch(self, batch: Batch) -> Batch:
        """The same batch."""
        return batch


@dataclass(frozen=True)
class _Maker:
    pipe: Pipeline
    window: Window
    everything: Everything
    negatives: int | None
    window_us: int

    def schema(self) -> Schema:
        """Columns of the examples."""
        request = Column(REQUEST, "int64", frozenset({REQUEST}))
        label = Column(LABEL, "int8", frozenset({Tags.TARGET, Tags.BINARY}))
        return self.everything.schema.merge([request, label])

    def examples(self, start: int, rng: np.random.Generator) -> pl.DataFrame:
        """Examples of the requests from one on."""
        rows = np.arange(start, min(start + _CHUNK, len(self.window)))
        state = self.pipe.state
        requests = self.window.requests(rows, max(len(state.items), 1))
        found = self.pipe.run(requests)
        taken = self.window.taken(rows[found.query_of], found.items, self.window_us)
        keep = _sampled(found, taken, self.negatives, rng)
        kept, label = found.keep(keep), taken[keep]
        batch = state.ranking_batch(self.everything, requests, kept).flat()
        columns = [to_series(batch[column.name], column) for column in self.everything.schema]
        return pl.DataFrame(
            [*columns, pl.Series(REQUEST, rows[kept.query_of]), pl.Series(LABEL, label.astype(np.int8))]
        )


def _sampled(
    found: Candidates, taken: npt.NDArray[np.bool_], negatives: int | None, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """What was taken, and at most so many others, of the requests where something was."""
    hits = np.bincount(found.query_of, taken, minlength=len(found)) > 0
    useful = hits[found.query_of]
    if negatives is None:
        return useful
    others = np.flatnonzero(useful & ~taken)
    query = found.query_of[others]
    order = np.lexsort((rng.random(len(others)), query))
    starts = np.searchsorted(query[order], query[order], side="left")
    chosen = others[order[np.arange(len(order)) - starts < negatives]]
    keep = useful & taken
    keep[chosen] = True
    return keep


def _everything(pipe: Pipeline, window: Window, state: State, histories: Sequence[Any]) -> Everything:
    store = state.store
    columns = {column.name: column for column in (*store.user_schema, *store.item_schema, *window.context)}
    columns[window.time.name] = window.time
    for stage in pipe.stages:
        for name in (given for given in stage.gives if given not in {CANDIDATES, SCORES}):
            columns[name] = Column(name, "float32", frozenset({Tags.CROSS, Tags.CONTINUOUS}))
    return Everything(Schema(columns.values()), tuple(histories), store.event_schema)


def _none(column: Column) -> Array | Ragged:
    if column.is_list:
        return Ragged.empty(0)
    return np.zeros((0, column.shape.size or 0) if column.shape.kind == "vector" else 0)
