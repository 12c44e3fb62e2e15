"""Pipelines in bundles."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shortlist import runtime
from shortlist.bundle import Reader, Writer
from shortlist.data import Store
from shortlist.errors import PipelineError
from shortlist.index import HeldIndex, VectorIndex
from shortlist.pipeline._embedding import check_embedding, embedding_stages, stamp_indexes
from shortlist.pipeline._pipeline import Pipeline
from shortlist.pipeline._plain import PART_LOADERS, load_stages, save_stages
from shortlist.pipeline._state import State
from shortlist.store import EmbeddedStore, open_store

__all__ = ["Exporter", "load", "write_pipeline"]

Exporter = Callable[[Any, Path], None]


def write_pipeline(pipe: Pipeline, writer: Writer, exporters: Mapping[str, Exporter]) -> None:
    """Write a pipeline into a bundle that is being written.

    The bundle gets ``stages.json``, ``state.json``, a part ``store``, and a part for each model, workflow and
    index; what several stages share is written once.

    Args:
        pipe: the pipeline.
        writer: the open bundle.
        exporters: kind of a part (``"encoder"``, ``"ranker"`` ...) -> ``export(object, folder)``; kinds that
            are left out are written by the object's own ``save(folder)``, classical models by
            `shortlist.runtime.save_learner`.

    Raises:
        PipelineError: a stage, a part or the store cannot be saved.
    """
    written: dict[int, tuple[object, str]] = {}

    def write_part(kind: str, part: Any) -> str:
        if id(part) not in written:
            name = _free_name(kind, writer.parts)
            _export(part, kind, exporters)(part, writer.part(name, kind))
            written[id(part)] = (part, name)
        return written[id(part)][1]

    for stage in embedding_stages(pipe.stages):
        check_embedding(stage, pipe.state)
    writer.page("stages", save_stages(pipe, write_part))
    stamp_indexes(pipe.stages, {number: writer.place(name) for number, (_, name) in written.items()})
    writer.page("state", {"now": None if pipe.state.is_live else pipe.state.pinned})
    _export(pipe.state.store, "store", exporters)(pipe.state.store, writer.part("store", "store"))


def load(
    folder: Path | str,
    *,
    live: Path | str | None = None,
    store: str | Callable[[EmbeddedStore], Store] | None = None,
    verify: bool = True,
    editable: bool = False,
) -> Pipeline:
    """The pipeline of a bundle, ready to be asked; no torch is needed.

    Args:
        folder: the bundle.
        live: file that new events are appended to, see `shortlist.store.EmbeddedStore.open`.
        store: where users, their events and features are read instead, see `shortlist.store.open_store`:
            ``"redis://..."``, ``"feast:..."``, or a function that makes a store of the bundle's own.
        verify: compare the checksum of every file.
        editable: whether its indexes are `shortlist.index.HeldIndex`, so that items may come and go, see
            `LiveItems`.

    Raises:
        BundleError: the bundle is missing, damaged or of a newer format.
        DataError: there is no such store.
    """
    bundle = Reader(folder).open(verify=verify)
    parts: dict[str, Any] = {}

    def read_part(name: str) -> Any:
        if name not in parts:
            folder = bundle.part(name)
            part = PART_LOADERS[bundle.parts[name]](folder)
            parts[name] = HeldIndex(part) if editable and isinstance(part, VectorIndex) else part
        return parts[name]

    stages, fallback = load_stages(bundle.page("stages"), read_part)
    tables = EmbeddedStore.open(bundle.part("store"), live)
    chosen = open_store(store, tables) if isinstance(store, str) else store(tables) if store else tables
    state = State(store=chosen, now=bundle.page("state")["now"])
    return Pipeline(stages, state=state, fallback=fallback)


def _export(part: Any, kind: str, exporters: Mapping[str, Exporter]) -> Exporter:
    if kind in exporters:
        return exporters[kind]
    if kind == "learner":
        return runtime.save_learner
    if not hasattr(part, "save"):
        raise PipelineError(
            f"part {kind!r}",
            received=type(part).__name__,
            expected="an object with save(folder), or an exporter for its kind",
            remedy="save the pipeline with shortlist.save",
        )
    return lambda one, folder: one.save(folder)


def _free_name(kind: str, taken: Mapping[str, str]) -> str:
    names = [kind, *(f"{kind}_{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)
