"""Rows and pairs that occur again."""

from dataclasses import dataclass

from shortlist.profiling._measured import Part
from shortlist.profiling._values import Values

__all__ = ["Repeats", "repeats"]


@dataclass(frozen=True, slots=True)
class Repeats:
    """How much of a table says again what it said before.

    Attributes:
        rows: rows that equal an earlier one in all columns.
        events: rows with a user and an item; 0 where there are no such columns.
        pairs: distinct pairs of user and item.
        density: share of all possible pairs that occur.
        exact: whether all rows and pairs were counted; otherwise the figures are estimates.
    """

    rows: int
    events: int
    pairs: int
    density: float
    exact: bool

    @property
    def again(self) -> float:
        """Share of the events whose user had the item before."""
        return 1.0 - self.pairs / self.events if self.events else 0.0


def repeats(part: Part, users: int, items: int) -> Repeats:
    """Count repeats.

    Args:
        part: everything, merged.
        users: number of distinct users.
        items: number of distinct items.
    """
    pairs = part.pairs
    events, distinct = (0, 0) if pairs is None else (pairs.total, min(pairs.distinct, pairs.total))
    exact = part.lines.exact and (pairs is None or pairs.exact)
    density = distinct / (users * items) if users and items else 0.0
    return Repeats(_again(part.lines), events, distinct, density, exact)


def _again(values: Values) -> int:
    """Rows beyond the first of each kind; weighted, so that a few repeats are not drowned by rounding."""
    counts, weights = values.weighted()
    return round(float(((counts - 1) * weights).sum()))
