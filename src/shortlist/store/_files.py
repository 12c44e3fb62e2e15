"""The folder of a store: Arrow files that are mapped into memory, and a page of facts."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from shortlist.data import Array, ArrayLog
from shortlist.errors import DataError
from shortlist.io import atomic_folder
from shortlist.schema import Column, Schema
from shortlist.store._event_columns import Attributes, EventColumns
from shortlist.store._table import UPDATED, Table
from shortlist.store._time_to_live import TimeToLive
from shortlist.store._words import Words

__all__ = ["Contents", "read_contents", "write_contents"]

# 1: events without columns of their own, all of them positive; 2: every item of the table is shown;
# 3: nothing has a time to live.
_FORMAT = 4
_ALL_LISTED = 2
_FACTS = "store.json"
_LISTED = "items.listed.npy"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a store holds.

    Attributes:
        items: the item table.
        users: the user table.
        events: the events.
        until: one microsecond after the newest of them.
        columns: columns of their own that events have.
        listed: bool [items], which may be shown; None for those that the item table lists.
        ttl: how long rows and events hold.
    """

    items: Table
    users: Table
    events: ArrayLog
    until: int
    columns: EventColumns = field(default_factory=lambda: EventColumns(Schema()))
    listed: npt.NDArray[np.bool_] | None = None
    ttl: TimeToLive = field(default_factory=TimeToLive)


def write_contents(contents: Contents, folder: Path) -> None:
    """Write the folder; it appears whole or not at all."""
    log, columns = contents.events, contents.columns
    plain = len(columns.schema) == 0 and log.all_positive
    listed = contents.listed
    if listed is not None and np.array_equal(listed, np.arange(len(listed)) < contents.items.listed):
        listed = None
    ttl = {"ttl": asdict(contents.ttl)} if contents.ttl else {}
    facts = {
        "format": _FORMAT if ttl else 3 if listed is not None else 1 if plain else 2,
        "all_listed": listed is None,
        **ttl,
        "until": contents.until,
        "events": len(log),
        "items": _facts(contents.items),
        "users": _facts(contents.users),
        "columns": [column.to_json() for column in columns.schema],
    }
    with atomic_folder(folder) as room:
        for name, table in (("items", contents.items), ("users", contents.users)):
            rows = max(len(table), 1)
            path = room / f"{name}.arrow"
            table.frame.write_ipc(path, compression="uncompressed", record_batch_size=rows)
        if listed is not None:
            np.save(room / _LISTED, listed)
        for name in ("users", "items", "times", "weights"):
            np.save(room / f"events.{name}.npy", getattr(log, name))
        for place, name in enumerate(columns.schema.names):
            np.save(room / f"events.column{place}.npy", log.columns[name])
            if name in columns.words:
                texts = pl.DataFrame({"text": columns.words[name].texts}, schema={"text": pl.String})
                texts.write_ipc(room / f"events.column{place}.arrow")
        (room / _FACTS).write_text(json.dumps(facts, indent=1))


def read_contents(folder: Path) -> Contents:
    """Open a folder that `write_contents` wrote; numbers stay in the files until they are read.

    Raises:
        DataError: a file is missing, damaged, or of a newer format.
    """
    facts = _read_facts(folder)
    try:
        items = _read_table(folder / "items.arrow", facts["items"])
        users = _read_table(folder / "users.arrow", facts["users"])
        arrays = [_mapped(folder / f"events.{name}.npy") for name in ("users", "items", "times", "weights")]
        columns, further = _read_columns(folder, facts.get("columns", []))
        sizes = {len(array) for array in (*arrays, *further.values())} | {int(facts["events"])}
        until, ttl = int(facts["until"]), TimeToLive(**facts.get("ttl", {}))
        some = facts["format"] > _ALL_LISTED and not facts.get("all_listed", False)
        listed = _mapped(folder / _LISTED) if some else None
    except (OSError, KeyError, TypeError, ValueError, pl.exceptions.PolarsError, pa.ArrowException) as error:
        raise _damaged(folder, f"{type(error).__name__}: {error}") from error
    if len(sizes) > 1:
        raise _damaged(folder, f"event columns of {sorted(sizes)} rows")
    attributes = Attributes(items, users, columns)
    people, things, times, weights = arrays
    log = ArrayLog(people, things, times, weights, len(items), further, attributes)
    if listed is not None and listed.shape != (len(items),):
        raise _damaged(folder, f"{_LISTED} of shape {listed.shape} for {len(items)} items")
    return Contents(items, users, log, until, columns, listed, ttl)


def _read_facts(folder: Path) -> dict[str, Any]:
    path = folder / _FACTS
    if not path.is_file():
        raise DataError(str(folder), received=f"no {_FACTS}", expected="the folder of a store")
    try:
        facts = dict(json.loads(path.read_bytes()))
        version = int(facts["format"])
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(folder, f"{_FACTS}: {error}") from error
    if version > _FORMAT:
        raise DataError(
            str(folder),
            received=f"a store of format {version}",
            expected=f"format {_FORMAT} or older",
            remedy="install a newer shortlist",
        )
    return facts


def _read_table(path: Path, facts: dict[str, Any]) -> Table:
    with pa.memory_map(str(path)) as mapped:
        frame = pl.DataFrame(pa.ipc.open_file(mapped).read_all())
    if frame.height != facts["rows"]:
        raise ValueError(f"{path.name} has {frame.height} rows instead of {facts['rows']}")
    schema = Schema.from_json(json.dumps(facts["schema"]))
    names = [*schema.names, *({UPDATED} & set(frame.columns))]
    return Table(frame.select(names), schema, facts["id"], facts["listed"], distinct=True)


def _read_columns(folder: Path, plain: list[dict[str, Any]]) -> tuple[EventColumns, dict[str, Array]]:
    schema = Schema(Column.from_json(column) for column in plain)
    words = {
        column.name: Words(pl.read_ipc(folder / f"events.column{place}.arrow")["text"])
        for place, column in enumerate(schema)
        if column.dtype == "string"
    }
    arrays = {name: _mapped(folder / f"events.column{n}.npy") for n, name in enumerate(schema.names)}
    return EventColumns(schema, words), arrays


def _mapped(path: Path) -> npt.NDArray[Any]:
    if path.stat().st_size == 0:
        raise ValueError(f"{path.name} is empty")
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    return np.asarray(array)


def _damaged(folder: Path, found: str) -> DataError:
    return DataError(
        str(folder), received=found, expected="the files as they were written", remedy="save the store again"
    )


def _facts(table: Table) -> dict[str, Any]:
    schema = json.loads(table.schema.to_json())
    return {"rows": len(table), "id": table.id_name, "listed": table.listed, "schema": schema}
