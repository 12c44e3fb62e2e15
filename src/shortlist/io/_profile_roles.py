"""Roles for any table, a log or not."""

from collections.abc import Mapping

import polars as pl

from shortlist.errors import SchemaError
from shortlist.io._roles import check_types, guess_roles, known_roles

__all__ = ["suggest_roles"]

_STANDINS = {"user": "user_id", "item": "item_id"}


def suggest_roles(columns: pl.Schema, given: Mapping[str, str] | None) -> dict[str, str]:
    """The roles that are given, or those that names and types suggest; none where they suggest nothing.

    Args:
        columns: names and plain types.
        given: role -> column; None to guess.

    Raises:
        ArgumentError: a given role is unknown, or neither a user nor an item is given.
        SchemaError: a given column is missing or of a wrong type.

    >>> suggest_roles(pl.Schema({"product_id": pl.Int64(), "day": pl.Datetime("us")}), None)
    {'item': 'product_id', 'time': 'day'}
    """
    if given is not None:
        known = known_roles(given, columns, where="profile")
        check_types(known, columns, where="profile")
        return known
    # With a stand-in for an id that is missing, the names are read as those of a log, times included.
    try:
        found = guess_roles(columns)
    except SchemaError:
        found = {}
    lacking = {name: pl.Int64() for role, name in _STANDINS.items() if role not in found}
    guessed = guess_roles({**columns, **lacking})
    return {role: name for role, name in guessed.items() if name in columns and _fits(role, name, columns)}


def _fits(role: str, name: str, columns: pl.Schema) -> bool:
    try:
        check_types({role: name}, columns, where="profile")
    except SchemaError:
        return False
    return True
