"""Printing results and progress."""

import json
import sys
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import polars as pl

from shortlist.report import Table

__all__ = ["cells", "plain_json", "progress", "table_of"]


def plain_json(data: Any) -> str:
    """Plain data as indented JSON; times as ISO 8601, other foreign values as text."""
    return json.dumps(data, indent=1, ensure_ascii=False, default=_plain)


def progress(*, quiet: bool, beside: bool) -> Callable[[str], None]:
    """What tells of work as it goes on.

    Args:
        quiet: tell nothing.
        beside: tell on standard error, so that standard output holds the result alone.
    """

    def tell(line: str) -> None:
        if not quiet:
            print(line, file=sys.stderr if beside else sys.stdout, flush=True)

    return tell


def table_of(frame: pl.DataFrame) -> Table:
    """A frame as a table to print."""
    return Table(frame.columns, [tuple(cells(row)) for row in frame.rows()])


def cells(row: tuple[Any, ...]) -> list[str | int | float | None]:
    """Values as cells of a table."""
    return [value if isinstance(value, str | int | float | None) else str(value) for value in row]


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value.tolist() if hasattr(value, "tolist") else str(value)
