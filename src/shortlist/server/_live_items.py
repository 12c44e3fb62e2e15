"""Items that are edited while serving: on disk once, and in the catalogue of every version that answers."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, final

from shortlist.bundle import Reader
from shortlist.errors import ArgumentError, ShortlistError, near
from shortlist.pipeline import LiveItems, Pipeline
from shortlist.store import EditedItem, ItemLog, ItemRow, rows_of

__all__ = ["LiveCatalogue"]

_LOG = logging.getLogger("shortlist.server")


@dataclass(frozen=True, slots=True)
class _Editor:
    """What edits one bundle's catalogue, and the columns that it has; or why it cannot be edited."""

    items: LiveItems | None
    columns: frozenset[str]
    refused: ShortlistError | None = None


@final
class LiveCatalogue:
    """One log of edits for all bundles and their versions, present and future.

    An edit is checked by every attached catalogue and encoded by the item tower of its own bundle; then it is
    on disk; then requests see it, and it is acknowledged. A version that is attached later first gets what
    all edits come to, encoded by its own tower: vectors of two models are never mixed. A version that was
    rebuilt with the edits (`shortlist.pipeline.rebuild_items`) gets only those that came since.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._edits = ItemLog(path)
        self._editors: dict[str, _Editor] = {}
        self._lock = Lock()

    def open(self) -> None:
        """Take hold of the file.

        Raises:
            DataError: it is damaged, or held by another process.
        """
        self._edits.open()

    def attach(self, key: str, pipe: Pipeline, bundle: Path) -> None:
        """Give the catalogue of a version what was edited, and from now on what is."""
        editor = _editor(pipe)
        number = self._held_by(bundle)
        with self._lock:
            known, latest = self._edits.since(number), self._edits.number
        _replay(known, editor)
        with self._lock:
            _replay(self._edits.since(max(number, latest)), editor)
            self._editors[key] = editor

    def detach(self, key: str) -> None:
        """Give a catalogue nothing more."""
        with self._lock:
            self._editors.pop(key, None)

    def upsert(self, rows: Sequence[ItemRow]) -> int:
        """Add items and change columns of known ones; how many.

        Raises:
            ArgumentError: an id or a value is none that a catalogue can hold; nothing was kept.
            PipelineError: a catalogue cannot be edited.
            DataError: the file could not be written; nothing was kept.
        """
        with self._lock:
            self._check(rows)
            edits = [
                (editor.items, editor.items.prepared(_known(rows, editor)))
                for editor in self._editors.values()
                if editor.items is not None
            ]
            self._edits.append(rows)
            for items, edit in edits:
                items.adopt(edit)
        return len({str(item) for item, _ in rows})

    def delete(self, ids: Sequence[Any]) -> int:
        """Take items out; how many of the ids were distinct.

        Raises:
            PipelineError: a catalogue cannot be edited.
            DataError: the file could not be written; nothing was kept.
        """
        with self._lock:
            self._check(())
            edits = [
                (editor.items, editor.items.prepared((), ids))
                for editor in self._editors.values()
                if editor.items is not None
            ]
            self._edits.append((), ids)
            for items, edit in edits:
                items.adopt(edit)
        return len({str(item) for item in ids})

    def close(self) -> None:
        """Let go of the file."""
        self._edits.close()

    def _check(self, rows: Sequence[ItemRow]) -> None:
        """Refuse what no catalogue knows, and everything where one cannot be edited."""
        for editor in self._editors.values():
            if editor.refused is not None:
                raise editor.refused
        known = frozenset[str]().union(*(editor.columns for editor in self._editors.values()))
        for place, (_, columns) in enumerate(rows):
            for name in columns:
                if name not in known:
                    raise ArgumentError(
                        f"items[{place}].columns",
                        received=repr(name),
                        expected="columns of the item table, but for its id",
                        remedy=near(name, sorted(known)),
                    )

    def _held_by(self, bundle: Path) -> int:
        """Number of the newest edit that a bundle was rebuilt with; 0 where it was with none."""
        reader = Reader(bundle).open(verify=False)
        if "items.json" not in reader.manifest["files"]:
            return 0
        page = reader.page("items")
        return int(page["until"]) if page["log"] == self._edits.name else 0


def _editor(pipe: Pipeline) -> _Editor:
    schema = pipe.state.store.item_schema
    columns = frozenset(schema.names) - {schema.item.name}
    try:
        return _Editor(LiveItems(pipe), columns)
    except ShortlistError as error:
        return _Editor(None, columns, error)


def _known(rows: Sequence[ItemRow], editor: _Editor) -> list[ItemRow]:
    """The rows with the columns that a catalogue has."""
    return [(item, {n: v for n, v in columns.items() if n in editor.columns}) for item, columns in rows]


def _replay(edited: Sequence[EditedItem], editor: _Editor) -> None:
    """Give a catalogue what edits come to; what it cannot hold is told and left out."""
    if editor.items is None or not edited:
        return
    rows, gone = rows_of(edited, editor.columns)
    try:
        editor.items.adopt(editor.items.prepared(rows, gone))
    except ArgumentError:
        for row in rows:
            try:
                editor.items.upsert([row])
            except ArgumentError as error:
                _LOG.warning("item %r, edited while serving, is none for this bundle: %s", row[0], error)
        editor.items.delete(gone)
