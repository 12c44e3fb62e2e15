"""The folder of a store: Arrow files that are mapped into memory, and a page of facts."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from shortlist.data import ArrayLog
from shortlist.errors import DataError
from shortlist.io import atomic_folder
from shortlist.schema import Schema
from shortlist.store._table import Table

__all__ = ["Contents", "read_contents", "write_contents"]

_FORMAT = 1
_FACTS = "store.json"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a store holds: two tables, the events, and the time after the newest of them."""

    items: Table
    users: Table
    events: ArrayLog
    until: int


def write_contents(contents: Contents, folder: Path) -> None:
    """Write the folder; it appears whole or not at all."""
    log = contents.events
    facts = {
        "format": _FORMAT,
        "until": contents.until,
        "events": len(log),
        "items": _facts(contents.items),
        "users": _facts(contents.users),
    }
    with atomic_folder(folder) as room:
        for name, table in (("items", contents.items), ("users", contents.users)):
            rows = max(len(table), 1)
            path = room / f"{name}.arrow"
            table.frame.write_ipc(path, compression="uncompressed", record_batch_size=rows)
        for name in ("users", "items", "times", "weights"):
            np.save(room / f"events.{name}.npy", getattr(log, name))
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
        columns = [_mapped(folder / f"events.{name}.npy") for name in ("users", "items", "times", "weights")]
        sizes = {len(column) for column in columns} | {int(facts["events"])}
        until = int(facts["until"])
    except (OSError, KeyError, TypeError, ValueError, pl.exceptions.PolarsError, pa.ArrowException) as error:
        raise _damaged(folder, f"{type(error).__name__}: {error}") from error
    if len(sizes) > 1:
        raise _damaged(folder, f"event columns of {sorted(sizes)} rows")
    people, things, times, weights = columns
    return Contents(items, users, ArrayLog(people, things, times, weights, len(items)), until)


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
    return Table(frame.select(schema.names), schema, facts["id"], facts["listed"])


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
