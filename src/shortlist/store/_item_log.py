"""Edits of items on disk, and what they come to."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final
from uuid import uuid4

from shortlist.store._item_rows import ItemRow
from shortlist.store._journal import Journal

__all__ = ["EditedItem", "ItemLog", "rows_of"]

_SPARE = 1000


@dataclass(frozen=True, slots=True)
class EditedItem:
    """What all edits of one item come to.

    Attributes:
        item: raw id, as it was written last.
        columns: raw values by column, as given last.
        gone: whether it was taken out.
        number: of the newest edit.
    """

    item: str | int
    columns: Mapping[str, Any]
    gone: bool
    number: int


@final
class ItemLog:
    """A journal of edits, each durable once `append` has returned, and their sum in memory.

    A record is ``{"n": number, "p": [[item, columns], ...], "d": [item, ...]}``: items added or changed, then
    items taken out; the first record names the log. A file in which most was overridden is written anew when
    it is opened. Ids are compared as text.

    Args:
        path: the file; made when it is missing.
    """

    def __init__(self, path: Path) -> None:
        self.name = ""
        self.number = 0
        self.edited: dict[str, EditedItem] = {}
        self._journal = Journal(path, "item")

    def open(self) -> None:
        """Take hold of the file and read it.

        Raises:
            DataError: it is damaged, or held by another process.
        """
        entries = self._read(self._journal.open())
        if not self.name:
            self.name = uuid4().hex
            self._journal.append({"log": self.name, "n": 0})
        if entries > 2 * len(self.edited) + _SPARE:
            self._rewrite()

    def read(self) -> None:
        """Read the file as it is, whoever holds it; nothing where there is none.

        Raises:
            DataError: it is damaged.
        """
        self._read(self._journal.peek())

    def append(self, rows: Iterable[ItemRow], gone: Iterable[Any] = ()) -> None:
        """Keep an edit.

        Raises:
            DataError: the file could not be written; nothing was kept.
        """
        record = {
            "n": self.number + 1,
            "p": [[item, dict(columns)] for item, columns in rows],
            "d": list(gone),
        }
        self._journal.append(record)
        self._meet(record)

    def since(self, number: int) -> list[EditedItem]:
        """The items whose newest edit came after one of a number, in the order of these."""
        found = [one for one in self.edited.values() if one.number > number]
        return sorted(found, key=lambda one: one.number)

    def close(self) -> None:
        """Let go of the file."""
        self._journal.close()

    def _read(self, records: Iterable[Any]) -> int:
        """Meet records; how many edits of single items they hold."""
        entries = 0
        for record in records:
            self.name = record.get("log", self.name)
            entries += len(record.get("p", ())) + len(record.get("d", ()))
            self._meet(record)
        return entries

    def _meet(self, record: Mapping[str, Any]) -> None:
        self.number = max(self.number, int(record["n"]))
        for item, columns in record.get("p", ()):
            known = self.edited.get(str(item))
            whole = {**known.columns, **columns} if known is not None else columns
            self.edited[str(item)] = EditedItem(item, whole, False, int(record["n"]))
        for item in record.get("d", ()):
            known = self.edited.get(str(item))
            self.edited[str(item)] = EditedItem(item, known.columns if known else {}, True, int(record["n"]))

    def _rewrite(self) -> None:
        """Write the file anew with what the edits come to; it is replaced in one step."""
        path = self._journal.path
        fresh = path.with_name(f".{path.name}.packing")
        fresh.unlink(missing_ok=True)
        packed = Journal(fresh, "item")
        list(packed.open())
        packed.append({"log": self.name, "n": 0})
        for one in self.since(0):
            gone = [one.item] if one.gone else []
            packed.append({"n": one.number, "p": [[one.item, dict(one.columns)]], "d": gone})
        packed.close()
        fresh.replace(path)
        self._journal.close()
        list(self._journal.open())


def rows_of(edited: Sequence[EditedItem], columns: Container[str]) -> tuple[list[ItemRow], list[Any]]:
    """Edits as rows of a table that has some columns, and the items that are taken out.

    >>> edits = [EditedItem("a", {"price": 1, "colour": 2}, False, 1), EditedItem("b", {}, True, 2)]
    >>> rows_of(edits, {"price"})
    ([('a', {'price': 1})], ['b'])
    """
    rows: list[ItemRow] = [
        (one.item, {name: value for name, value in one.columns.items() if name in columns})
        for one in edited
        if one.columns or not one.gone
    ]
    return rows, [one.item for one in edited if one.gone]
