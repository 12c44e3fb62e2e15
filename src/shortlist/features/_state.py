"""What an op has learned: plain values and tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shortlist.features._key_table import KeyTable

__all__ = ["STATELESS", "State"]


@dataclass(frozen=True, eq=False)
class State:
    """The fitted state of one op: JSON values beside Arrow tables, nothing else.

    Attributes:
        values: numbers, strings, and lists of these.
        tables: tables by key.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, KeyTable] = field(default_factory=dict)


STATELESS = State()
