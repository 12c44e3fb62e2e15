"""Expressions as JSON, without any Python code in them."""

import json
from typing import Any

import polars as pl

from shortlist.errors import ArgumentError

__all__ = ["expression_from_json", "expression_to_json"]

# What makes Polars run code that travels with an expression: pickled functions, plugins, whole query plans.
_CODE = ("Anonymous", "Python", "Ffi", "SubPlan", "Map", "Fold", "CumFold", "Reduce", "CumReduce", "callback")


def expression_to_json(expression: pl.Expr, where: str) -> Any:
    """The expression as plain data; ``where`` names it in errors.

    Raises:
        ArgumentError: it holds a Python function.

    >>> plain = expression_to_json(pl.col("price") > 0, "Filter.where")
    >>> str(expression_from_json(plain, "Filter.where"))
    '[(col("price")) > (dyn int: 0)]'
    """
    try:
        plain = json.loads(expression.meta.serialize(format="json"))
    except (pl.exceptions.PolarsError, ImportError):
        plain = {"AnonymousFunction": None}
    if _calls_python(plain):
        raise ArgumentError(
            where,
            received="a Python function inside the expression",
            expected="an expression that can be saved as data",
            remedy="write it with Polars expressions only",
        )
    return plain


def expression_from_json(plain: Any, where: str) -> pl.Expr:
    """Read what `expression_to_json` gave.

    Raises:
        ArgumentError: it holds a Python function, which reading would run.
    """
    if _calls_python(plain):
        raise ArgumentError(where, received="a Python function", expected="an expression")
    return pl.Expr.deserialize(json.dumps(plain).encode(), format="json")


def _calls_python(node: Any) -> bool:
    if isinstance(node, dict):
        found = any(key.startswith(_CODE) for key in node)
        return found or any(map(_calls_python, node.values()))
    return isinstance(node, list) and any(map(_calls_python, node))
