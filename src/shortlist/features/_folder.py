"""A fitted workflow as a folder: JSON and Arrow files."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from shortlist.errors import BundleError
from shortlist.features import ops
from shortlist.features._branch import Branch
from shortlist.features._coverage import Seen
from shortlist.features._fit import Fitted
from shortlist.features._json import branch_from_json, branches_to_json, op_from_json, op_to_json
from shortlist.features._plan import Plan, States
from shortlist.features._states import read_states, read_totals, write_states, write_totals
from shortlist.io import atomic_folder, read_manifest, write_manifest
from shortlist.schema import Schema

__all__ = ["Content", "read_content", "write_content"]

_FORMAT = 2


@dataclass(frozen=True, slots=True)
class Content:
    """What a workflow is made of.

    Attributes:
        raw: the schema it was fitted on.
        head: the op that makes other rows, if there is one.
        branches: the branches.
        fitted: what was learned.
    """

    raw: Schema
    head: Any
    branches: tuple[Branch, ...]
    fitted: Fitted


def write_content(folder: Path | str, plan: Plan, content: Content) -> None:
    """Write a workflow; the folder appears whole or not at all."""
    plain = {
        "format": _FORMAT,
        "input": json.loads(content.raw.to_json()),
        "head": None if content.head is None else op_to_json(content.head),
        "branches": branches_to_json(content.branches, plan),
        "seen": [asdict(seen) for seen in content.fitted.seen],
    }
    with atomic_folder(folder) as fresh:
        plain["states"] = write_states(fresh, content.fitted.states)
        plain["totals"] = write_totals(fresh, content.fitted.totals)
        (fresh / "workflow.json").write_text(json.dumps(plain, indent=1, default=_number))
        write_manifest(fresh)


def read_content(folder: Path | str, modules: Sequence[str]) -> Content:
    """Read what `write_content` wrote.

    Raises:
        BundleError: it is of another format, or not a workflow.
    """
    root = Path(folder)
    read_manifest(root)
    path = root / "workflow.json"
    plain = json.loads(path.read_text()) if path.is_file() else {}
    if plain.get("format") != _FORMAT:
        raise BundleError(
            str(folder),
            received=f"format {plain.get('format')}",
            expected=f"a workflow of format {_FORMAT}",
            remedy="read it with the version of shortlist that wrote it",
        )
    states = read_states(root, plain["states"])
    branches = [branch_from_json(branch, modules) for branch in plain["branches"]]
    return Content(
        Schema.from_json(json.dumps(plain["input"])),
        None if plain["head"] is None else op_from_json(plain["head"], modules),
        tuple(_restored(number, branch, states) for number, branch in enumerate(branches)),
        Fitted(
            states,
            read_totals(root, plain["totals"]),
            tuple(Seen(**seen) for seen in plain["seen"]),
        ),
    )


def _restored(number: int, branch: Branch, states: States) -> Branch:
    """The branch with the tables that its ops were given, which are kept in their states."""
    chain = []
    for place, op in enumerate(branch.ops):
        mine = [state for key, state in states.items() if key.startswith(f"{number}.{place}.")]
        chain.append(op.restored(mine[0]) if isinstance(op, ops.JoinExternal) and mine else op)
    return replace(branch, ops=tuple(chain))


def _number(value: object) -> object:
    """A NumPy number that stands among an op's values."""
    return value.item() if isinstance(value, np.generic) else str(value)
