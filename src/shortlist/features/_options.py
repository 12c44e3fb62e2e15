"""Ops, branches and states as plain data: JSON beside Arrow files."""

import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from shortlist.errors import ArgumentError, BundleError, near
from shortlist.features import ops
from shortlist.features._branch import Branch
from shortlist.features._key_table import KeyTable
from shortlist.features._plan import Plan, States
from shortlist.features._state import STATELESS, State

__all__ = ["branch_from_json", "branches_to_json", "read_states", "write_states"]

_KINDS: dict[str, type[ops.Op] | type[ops.Source]] = {
    kind.__name__: kind
    for kind in (
        ops.AsOf,
        ops.Bucketize,
        ops.Categorify,
        ops.Clip,
        ops.FillMissing,
        ops.Filter,
        ops.HashBucket,
        ops.History,
        ops.LogOp,
        ops.Normalize,
        ops.Rename,
    )
}


def branches_to_json(branches: Sequence[Branch], plan: Plan) -> list[dict[str, Any]]:
    """Branches with their selectors resolved to the names of the plan's columns."""
    made = {column.name for _, column in plan.sources}
    others = plan.raw.without(*made)
    return [
        {
            "columns": branch.groups(others),
            "source": None if branch.source is None else _op_to_json(branch.source),
            "ops": [_op_to_json(op) for op in branch.ops],
        }
        for branch in branches
    ]


def branch_from_json(plain: Mapping[str, Any]) -> Branch:
    """Read one of what `branches_to_json` wrote."""
    source = None if plain["source"] is None else _op_from_json(plain["source"])
    chain = tuple(_op_from_json(op) for op in plain["ops"])
    return Branch(tuple(tuple(group) for group in plain["columns"]), chain, source)


def write_states(folder: Path, states: States) -> list[dict[str, Any]]:
    """Tables as Arrow files, a shared state once; gives the JSON that refers to them."""
    written: dict[int, int] = {}
    plain: list[dict[str, Any]] = []
    for number in range(len(states)):
        state = states[number]
        first = written.setdefault(id(state), number)
        if first != number:
            plain.append({"same_as": first})
            continue
        tables = {}
        for name, table in state.tables.items():
            tables[name] = {"file": f"{number:03d}-{name}.arrow", "keys": table.keys}
            table.frame.write_ipc(folder / f"{number:03d}-{name}.arrow", compression="lz4")
        plain.append({"values": dict(state.values), "tables": tables})
    return plain


def read_states(folder: Path, plain: Sequence[Mapping[str, Any]]) -> dict[int, State]:
    """Read what `write_states` wrote."""
    states: dict[int, State] = {}
    for number, entry in enumerate(plain):
        if "same_as" in entry:
            states[number] = states[entry["same_as"]]
            continue
        tables = {
            name: KeyTable(pl.read_ipc(folder / table["file"]), tuple(table["keys"]))
            for name, table in entry["tables"].items()
        }
        states[number] = State(entry["values"], tables) if entry["values"] or tables else STATELESS
    return states


def _op_to_json(op: ops.Op | ops.Source) -> dict[str, Any]:
    if isinstance(op, ops.Filter):
        return {"op": "Filter", "where": json.loads(op.to_json())}
    kind = type(op)
    if _KINDS.get(kind.__name__) is not kind:
        raise ArgumentError(
            "Workflow.save",
            received=f"op {kind.__name__}",
            expected=f"ops that can be read back: {', '.join(_KINDS)}",
        )
    options = {name: getattr(op, name) for name in inspect.signature(kind).parameters}
    return {"op": kind.__name__, **options}


def _op_from_json(plain: Mapping[str, Any]) -> Any:
    name, options = plain["op"], {key: value for key, value in plain.items() if key != "op"}
    if name not in _KINDS:
        raise BundleError(
            "workflow", received=f"op {name!r}", expected="a known op", remedy=near(name, _KINDS)
        )
    if name == "Filter":
        return ops.Filter.from_json(json.dumps(options["where"]))
    return _KINDS[name](**options)
