"""Ops and branches as plain data.

An op is its class and its options. Classes of the library are named alone; classes and functions of a user's
own are named with their module, and read back only from modules that the reader names.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from importlib import import_module
from typing import Any

import numpy as np
import polars as pl

from shortlist.errors import ArgumentError, BundleError, near
from shortlist.features import ops
from shortlist.features._branch import Branch
from shortlist.features._expressions import expression_from_json, expression_to_json
from shortlist.features._plan import Plan

__all__ = ["branch_from_json", "branches_to_json", "op_from_json", "op_to_json"]

_PLAIN = (str, int, float, bool, type(None))


def branches_to_json(branches: Sequence[Branch], plan: Plan) -> list[dict[str, Any]]:
    """Branches with their selectors resolved to the names of the plan's columns."""
    made = {column.name for _, column in plan.sources}
    others = plan.raw.without(*made)
    return [
        {
            "columns": branch.groups(others),
            "source": None if branch.source is None else op_to_json(branch.source),
            "ops": [op_to_json(op) for op in branch.ops],
        }
        for branch in branches
    ]


def branch_from_json(plain: Mapping[str, Any], modules: Sequence[str] = ()) -> Branch:
    """Read one of what `branches_to_json` wrote.

    Raises:
        BundleError: an op is not known, or comes from a module that is not among those named.
    """
    source = None if plain["source"] is None else op_from_json(plain["source"], modules)
    chain = tuple(op_from_json(op, modules) for op in plain["ops"])
    return Branch(tuple(tuple(group) for group in plain["columns"]), chain, source)


def op_to_json(op: Any) -> dict[str, Any]:
    """An op's class and options; options that are for one process only (``init=False``) are left out.

    Raises:
        ArgumentError: the class, or a function among the options, cannot be imported by its name; or an
            option is no plain data.
    """
    kind = type(op)
    known = getattr(ops, kind.__name__, None) is kind
    name = kind.__name__ if known else _imported_name(kind, "Workflow.save")
    options = {
        field.name: _to_json(getattr(op, field.name), f"{kind.__name__}.{field.name}")
        for field in fields(op)
        if field.init and field.metadata.get("saved", True)
    }
    return {"op": name, **options}


def op_from_json(plain: Mapping[str, Any], modules: Sequence[str] = ()) -> Any:
    """Read what `op_to_json` gave.

    Raises:
        BundleError: the op is not known, or comes from a module that is not among those named.
    """
    name = plain["op"]
    kind = _imported(name, modules) if ":" in name else getattr(ops, name, None)
    if not isinstance(kind, type) or not (issubclass(kind, ops.Op | ops.Source) or hasattr(kind, "regroup")):
        raise BundleError(
            "workflow", received=f"op {name!r}", expected="a known op", remedy=near(name, ops.__all__)
        )
    return kind(**{key: _from_json(value, modules) for key, value in plain.items() if key != "op"})


def _to_json(value: Any, where: str) -> Any:
    if isinstance(value, pl.Expr):
        return {"expression": expression_to_json(value, where)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {"mapping": [[_to_json(k, where), _to_json(v, where)] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        return [_to_json(part, where) for part in value]
    if isinstance(value, _PLAIN):
        return value
    if callable(value):
        return {"function": _imported_name(value, where)}
    raise ArgumentError(where, received=type(value).__name__, expected="an option that is plain data")


def _from_json(value: Any, modules: Sequence[str]) -> Any:
    if isinstance(value, list):
        return tuple(_from_json(part, modules) for part in value)
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "expression":
        return expression_from_json(content, "workflow")
    if kind == "function":
        return _imported(content, modules)
    return {_from_json(k, modules): _from_json(v, modules) for k, v in content}


def _imported_name(what: Callable[..., Any], where: str) -> str:
    """``module:name``, by which it can be imported again."""
    module, name = getattr(what, "__module__", None), getattr(what, "__qualname__", "")
    found = getattr(sys.modules.get(module or ""), name, None)
    if module in (None, "__main__") or found is not what:
        raise ArgumentError(
            where,
            received=f"{name or what!r} of {module}",
            expected="a class or function that can be imported by its name",
            remedy="move it to the top level of a module of yours, and name that module to Workflow.load",
        )
    return f"{module}:{name}"


def _imported(name: str, modules: Sequence[str]) -> Any:
    module, _, member = name.partition(":")
    if module not in modules:
        raise BundleError(
            "workflow",
            received=f"{name!r}, which is code of your own",
            expected="code from a module that the reader trusts",
            remedy=f"Workflow.load(folder, modules=[{module!r}])",
        )
    found = getattr(import_module(module), member, None)
    if found is None:
        raise BundleError(
            "workflow",
            received=f"{name!r}",
            expected=f"a name in module {module}",
            remedy="install the same version",
        )
    return found
