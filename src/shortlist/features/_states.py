"""States and totals as files: JSON values beside Arrow tables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from shortlist.errors import BundleError
from shortlist.features._fit import Name
from shortlist.features._key_table import KeyTable
from shortlist.features._plan import Key, States
from shortlist.features._state import STATELESS, State

__all__ = ["read_states", "read_totals", "write_states", "write_totals"]


def write_states(folder: Path, states: States) -> dict[Key, Any]:
    """Tables as Arrow files, a shared state once; gives the JSON that refers to them."""
    written: dict[int, Key] = {}
    plain: dict[Key, Any] = {}
    for number, (key, state) in enumerate(states.items()):
        first = written.setdefault(id(state), key)
        if first != key:
            plain[key] = {"same_as": first}
            continue
        tables = {}
        for name, table in state.tables.items():
            tables[name] = {"file": f"{number:03d}-{name}.arrow", "keys": table.keys}
            table.frame.write_ipc(folder / f"{number:03d}-{name}.arrow", compression="lz4")
        plain[key] = {"values": dict(state.values), "tables": tables}
    return plain


def read_states(folder: Path, plain: Mapping[Key, Any]) -> dict[Key, State]:
    """Read what `write_states` wrote."""
    states: dict[Key, State] = {}
    for key, entry in plain.items():
        if "same_as" in entry:
            states[key] = states[entry["same_as"]]
            continue
        tables = {
            name: KeyTable(pl.read_ipc(_inside(folder, table["file"])), tuple(table["keys"]))
            for name, table in entry["tables"].items()
        }
        states[key] = State(entry["values"], tables) if entry["values"] or tables else STATELESS
    return states


def write_totals(folder: Path, totals: Mapping[Name, pl.DataFrame]) -> list[dict[str, str]]:
    """The statistics that states were made of, one Arrow file each."""
    plain = []
    for number, ((key, name), frame) in enumerate(totals.items()):
        file = f"total-{number:03d}.arrow"
        frame.write_ipc(folder / file, compression="lz4")
        plain.append({"step": key, "name": name, "file": file})
    return plain


def read_totals(folder: Path, plain: list[dict[str, str]]) -> dict[Name, pl.DataFrame]:
    """Read what `write_totals` wrote."""
    return {(entry["step"], entry["name"]): pl.read_ipc(_inside(folder, entry["file"])) for entry in plain}


def _inside(folder: Path, name: str) -> Path:
    """A file of the folder; a name that leads out of it is refused."""
    if Path(name).name != name:
        raise BundleError(
            "workflow", received=f"file {name!r}", expected="a file of the folder", remedy="use another copy"
        )
    return folder / name
