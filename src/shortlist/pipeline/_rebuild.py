"""A bundle built again with the items that were edited while it was served."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from shortlist.bundle import Reader, Writer
from shortlist.index import HeldIndex, IndexOptions
from shortlist.io import is_shelf, publish
from shortlist.pipeline._build_index import build_index
from shortlist.pipeline._embedding import embedding_stages
from shortlist.pipeline._folder import load, write_pipeline
from shortlist.pipeline._pipeline import Pipeline
from shortlist.store import EmbeddedStore, ItemLog, rows_of

__all__ = ["Rebuilt", "rebuild_items"]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a bundle was built again with.

    Attributes:
        version: of the new bundle.
        folder: where it stands.
        items: items that may be shown.
        upserted: of them, how many were added or changed while serving.
        deleted: how many were taken out while serving.
    """

    version: str
    folder: Path
    items: int
    upserted: int
    deleted: int


def rebuild_items(
    bundle: Path | str, *, live: Path | str | None = None, keep: int = 5, seed: int = 0
) -> Rebuilt:
    """Build the indexes of a bundle again, over the items that are there now, beside a running server.

    The item table gets the edits that the server of the bundle keeps; every item that may be shown is encoded
    again, and a fresh index of the same kind and recall target built of the vectors. Models, workflows and
    events stay. On a shelf the result is published as a new version, which a running server takes up without
    a failed request, and `shortlist.io.roll_back` goes back from; a plain bundle is replaced in one step. A
    process that is killed on the way leaves what was there. Edits that arrive meanwhile stay in the log of
    the server, which gives them to the new version.

    Args:
        bundle: folder of the bundle, or shelf of its versions.
        live: folder of its live items; by default ``<bundle>.live`` beside it.
        keep: versions that stay on a shelf.
        seed: of k-means, see `shortlist.index.build`.

    Raises:
        BundleError: the folder is no sound bundle.
        DataError: the log of edits is damaged, or another process is publishing.
    """
    place = Path(bundle)
    folder = place.with_name(f"{place.resolve().name}.live") if live is None else Path(live)
    log = ItemLog(folder / "items")
    log.read()
    reader = Reader(place).open()
    pipe = load(reader.folder, verify=False, editable=True)
    store = pipe.state.store
    assert isinstance(store, EmbeddedStore)
    rows, gone = rows_of(log.since(0), store.item_schema)
    store.adopt(store.upserted(rows).without_items(gone))
    _build_again(pipe, seed)
    page = {"log": log.name, "until": log.number}
    where = place
    if is_shelf(place):
        with TemporaryDirectory(prefix=".rebuild-", dir=place) as room:
            fresh = _written(pipe, Path(room) / "bundle", reader.facts, page)
            where = publish(fresh, place, keep=keep)
    else:
        _written(pipe, place, reader.facts, page)
    version = Reader(where).open(verify=False).version
    shown = int(np.count_nonzero(store.listed))
    return Rebuilt(version, where, shown, sum(not one.gone for one in log.since(0)), len(gone))


def _build_again(pipe: Pipeline, seed: int) -> None:
    """Other indexes of the same kinds, of the vectors that the models give now."""
    fallback = () if pipe.fallback is None else (pipe.fallback,)
    done: list[object] = []
    for stage in embedding_stages((*pipe.stages, *fallback)):
        held = stage.index
        if not isinstance(held, HeldIndex) or any(held is one for one in done):
            continue
        facts = held.facts
        held.replace(
            build_index(
                stage.model,
                stage.flow,
                pipe.state,
                kind=facts.kind,
                recall_target=facts.recall_target,
                options=IndexOptions(recall_at=facts.recall_at),
                seed=seed,
            )
        )
        done.append(held)


def _written(pipe: Pipeline, folder: Path, facts: Mapping[str, Any], page: Mapping[str, Any]) -> Path:
    """A bundle that says which edits it holds; it appears whole."""
    with Writer(folder, facts) as writer:
        write_pipeline(pipe, writer, {})
        writer.page("items", page)
    return folder
