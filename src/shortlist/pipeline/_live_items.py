"""Items that come and go while a pipeline answers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Encoder, Flow, Store
from shortlist.errors import ArgumentError, PipelineError
from shortlist.index import HeldIndex, LiveIndex
from shortlist.pipeline._embedding import embedding_stages
from shortlist.pipeline._match import Match
from shortlist.pipeline._pipeline import Pipeline
from shortlist.pipeline._retrieve import Retrieve
from shortlist.pipeline._state import State
from shortlist.store import EmbeddedStore, ItemRow

__all__ = ["ItemEdit", "LiveItems"]

Vectors = npt.NDArray[np.float32]
Editable = HeldIndex | LiveIndex

_ROWS = 8192


@final
@dataclass(frozen=True, slots=True, eq=False)
class ItemEdit:
    """An edit that was checked and worked out, and that nobody sees yet.

    Attributes:
        store: the tables after it.
        ids: raw ids of the items with other vectors.
        vectors: the index and, float32 [M, D], their vectors in it; one for each index of the pipeline.
    """

    store: EmbeddedStore
    ids: Array
    vectors: tuple[tuple[Editable, Vectors], ...] = ()


@final
class LiveItems:
    """Edits the catalogue of a pipeline that answers: its item table and the indexes of its stages.

    An added or changed item is encoded by the item tower of each stage that has an index, as of the present;
    its id, unknown to the workflow, gets the code of unknown ids, so that its other columns say what it is
    like. The next request finds it. An item that is taken out is shown by no source from then on; its row
    stays, so that what a user did with it can still be read. Edits are in memory, and come one at a time.

    Args:
        pipe: its indexes are `shortlist.index.HeldIndex` or `LiveIndex`; see ``editable`` of
            `shortlist.pipeline.load`.

    Raises:
        PipelineError: the tables or an index of the pipeline cannot be edited.
    """

    def __init__(self, pipe: Pipeline) -> None:
        store: Store = getattr(pipe.state.store, "catalogue", pipe.state.store)
        if not isinstance(store, EmbeddedStore):
            raise _fixed("store", type(store).__name__, "an EmbeddedStore")
        self._store = store
        self._state = pipe.state
        self._towers = tuple(_towers(pipe))
        self._stages = tuple(_stages(pipe))

    def prepared(self, rows: Sequence[ItemRow], gone: Iterable[Any] = (), where: str = "items") -> ItemEdit:
        """Check an edit and encode its items; nothing changes until `adopt`.

        Args:
            rows: raw ids with raw values by column, see `shortlist.store.EmbeddedStore.upserted`.
            gone: raw ids of items that are taken out.
            where: what messages call the rows.

        Raises:
            ArgumentError: an id or a value is none that the item table can hold.
            SchemaError: a column that the item tower reads is missing.
        """
        before = self._store.pinned()
        after = before.upserted(rows, where)
        ids = _distinct(after, [item for item, _ in rows])
        state = self._state.over(after)
        vectors = [(index, _encoded(model, flow, state, ids)) for model, flow, index in self._towers]
        return ItemEdit(after.without_items(gone), ids, tuple(vectors) if len(ids) else ())

    def adopt(self, edit: ItemEdit) -> None:
        """Let requests see an edit; it was prepared after the last one was adopted.

        What the next request would have to find out of the catalogue first is found before this returns.
        """
        self._store.adopt(edit.store)
        for index, vectors in edit.vectors:
            index.upsert(edit.ids, vectors)
        for stage in self._stages:
            _warm_up(stage, self._state.for_run())

    def upsert(self, rows: Sequence[ItemRow]) -> None:
        """Add items, and change columns of known ones, see `prepared`."""
        self.adopt(self.prepared(rows))

    def delete(self, ids: Iterable[Any]) -> None:
        """Take items out; unknown ids are passed over."""
        self.adopt(self.prepared((), ids))


def _stages(pipe: Pipeline) -> Iterator[Retrieve | Match]:
    """The stages that hold a model and an index, those of the fallback among them."""
    fallback = () if pipe.fallback is None else (pipe.fallback,)
    return embedding_stages((*pipe.stages, *fallback))


def _warm_up(stage: Retrieve | Match, state: State) -> None:
    index = state.index_now(stage.index)
    _ = state.rows_of(index.keys)
    if isinstance(stage, Retrieve):
        allowed = state.allowed_rows(index.keys, stage.rules)
        index.search(np.zeros((1, index.dim), dtype=np.float32), 1, allowed=allowed)


def _towers(pipe: Pipeline) -> Iterator[tuple[Encoder, Flow, Editable]]:
    """Model, workflow and index of the stages, each index once."""
    known: set[int] = set()
    for stage in _stages(pipe):
        if id(stage.index) in known:
            continue
        known.add(id(stage.index))
        if not isinstance(stage.index, Editable):
            raise _fixed(f"stage {stage.name!r}", type(stage.index).__name__, "an index that is edited")
        yield stage.model, stage.flow, stage.index


def _distinct(store: EmbeddedStore, ids: list[Any]) -> Array:
    """The ids in the notation of the table, each once."""
    return store.items.take(np.unique(store.items.positions(ids)))


def _encoded(model: Encoder, flow: Flow, state: State, ids: Array) -> Vectors:
    positions, parts = state.items.positions(ids), [np.zeros((0, model.dim), dtype=np.float32)]
    for start in range(0, len(positions), _ROWS):
        batch = state.item_batch(flow, positions[start : start + _ROWS])
        parts.append(np.asarray(model.encode_item(batch), dtype=np.float32))
    vectors = np.concatenate(parts)
    odd = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(odd) > 0:
        raise ArgumentError(
            "items",
            received=f"columns of {ids.tolist()[odd[0]]!r} of which the model makes no finite vector",
            expected="values such as the model was trained on",
        )
    return vectors


def _fixed(where: str, received: str, expected: str) -> PipelineError:
    return PipelineError(
        where, received=received, expected=expected, remedy="load the bundle with load(folder, editable=True)"
    )
