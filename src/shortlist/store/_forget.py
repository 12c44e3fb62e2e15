"""A user taken out of a store and out of files of live events."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from shortlist.data import ArrayLog
from shortlist.store._files import Contents
from shortlist.store._journal import Journal
from shortlist.store._table import Table

__all__ = ["forget_live", "without_user"]

_EVENTS = ("u", "i", "t", "w")
_RECORD_ROWS = 10_000


def without_user(contents: Contents, user: Any) -> tuple[Contents, int]:
    """The contents without the events and the facts of a user, and how many events went.

    The user's row stays, so that everybody else keeps their position, which learners were fitted on; its id
    is replaced by one that stands for nobody, and its columns are null.
    """
    place = int(contents.users.keys.positions([user])[0])
    if place < 0:
        return contents, 0
    log = contents.events
    keep = log.users != place
    kept = ArrayLog(
        log.users[keep],
        log.items[keep],
        log.times[keep],
        log.weights[keep] if len(log.weights) else log.weights,
        log.n_items,
        {name: values[keep] for name, values in log.columns.items()},
        log.attributes,
    )
    users = _blanked(contents.users, place)
    return replace(contents, users=users, events=kept), int(np.count_nonzero(~keep))


def forget_live(path: Path, user: Any, renamed: tuple[str, str] | None = None) -> int:
    """Rewrite a file of live events without those of a user; how many went.

    Args:
        path: the file; nothing is done when it is missing.
        user: raw id.
        renamed: a version that the events belong to, and one that they shall belong to beside it.

    Raises:
        DataError: the file is damaged, or held by a running server.
    """
    if not path.exists():
        return 0
    source = Journal(path)
    records = list(source.open())
    try:
        fresh = path.with_name(f".{path.name}.forgetting")
        fresh.unlink(missing_ok=True)
        rest = Journal(fresh)
        try:
            list(rest.open())
            for record in _gathered(_without(record, str(user), renamed) for record in records):
                rest.append(record, version=2 if "c" in record else 1)
        finally:
            rest.close()
        fresh.replace(path)
    finally:
        source.close()
    return sum(str(one) == str(user) for record in records for one in record["u"] if one is not None)


def _blanked(table: Table, place: int) -> Table:
    """The table with a row of nulls under an id that stands for nobody."""
    name, known = table.id_name, set(table.frame[table.id_name].to_list())
    text = table.frame.schema[name] == pl.String
    number = 1
    while (nobody := f"forgotten-{number}" if text else -number) in known:
        number += 1
    here = pl.int_range(pl.len()) == place
    frame = table.frame.with_columns(
        pl.when(here)
        .then(pl.lit(nobody) if each == name else pl.lit(None))
        .otherwise(pl.col(each))
        .alias(each)
        for each in table.frame.columns
    ).cast(table.frame.schema)
    return Table(frame, table.schema, name, table.listed)


def _without(record: dict[str, Any], user: str, renamed: tuple[str, str] | None) -> dict[str, Any]:
    keep = [row for row, one in enumerate(record["u"]) if one is None or str(one) != user]
    out: dict[str, Any] = {name: [record[name][row] for row in keep] for name in _EVENTS}
    if "c" in record:
        out["c"] = {name: [values[row] for row in keep] for name, values in record["c"].items()}
    if "v" in record:
        names = list(record["v"])
        if renamed is not None:
            old, new = renamed
            names += [f"{name.removesuffix(old)}{new}" for name in names if name.endswith(old)]
        out["v"] = sorted(set(names))
    return out


def _gathered(records: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Fewer, longer records: each is one write to disk."""
    gathered: dict[str, Any] | None = None
    for record in records:
        if gathered is not None and _shape(gathered) == _shape(record) and len(gathered["u"]) < _RECORD_ROWS:
            for name in _EVENTS:
                gathered[name] += record[name]
            for name, values in record.get("c", {}).items():
                gathered["c"][name] += values
            continue
        if gathered is not None and gathered["u"]:
            yield gathered
        gathered = record
    if gathered is not None and gathered["u"]:
        yield gathered


def _shape(record: dict[str, Any]) -> tuple[Any, ...]:
    """Records of one shape can be made one."""
    return tuple(record["c"]) if "c" in record else None, record.get("v")
