"""Options of boosted trees, under the same names for every library."""

from dataclasses import dataclass

from shortlist.errors import ArgumentError
from shortlist.scorers import Lists

__all__ = ["TreeOptions"]


@dataclass(frozen=True, slots=True)
class TreeOptions:
    """How trees grow.

    >>> TreeOptions(trees=100, lr=0.1).leaves
    31

    Raises:
        ArgumentError: a number is out of range.
    """

    trees: int = 500
    """Most trees."""
    patience: int | None = 50
    """Trees without a better validation metric after which growing stops, and the best number is kept; None
    grows them all. Without validation data all are grown."""
    lr: float = 0.05
    """What each tree's leaves are multiplied by."""
    leaves: int = 31
    """Most leaves of a tree; the leaf that gains most is split first."""
    depth: int | None = None
    """Most splits between root and leaf; None for any."""
    min_hessian: float = 1.0
    """Least sum of second derivatives in a leaf: p (1 - p) a row for probabilities, 1 a row for numbers."""
    l2: float = 1.0
    """Penalty of squared leaf values."""
    row_share: float = 1.0
    """Share of the rows that each tree sees, drawn anew for each."""
    column_share: float = 1.0
    """Share of the features that each tree sees, drawn anew for each."""
    categories: int = 0
    """Columns of at most so many codes are split by sets of codes; others by the order of codes, which is
    that of how frequent the values are. 0 splits all by order."""
    lists: Lists = "expand"
    """What trees read of a list: ``"expand"`` its length and the share of each code (the mean, where there
    are many codes), ``"count"`` the length alone, ``"skip"`` nothing."""
    shares: int = 32
    """Most codes of a list whose shares are read one by one."""
    cut: int = 10
    """Ranks that count in LambdaMART, from the top of each request."""
    threads: int = 0
    """Of growing; 0 takes all cores."""

    def __post_init__(self) -> None:
        for name, least in (("trees", 1), ("leaves", 2), ("cut", 1), ("categories", 0), ("shares", 0)):
            if getattr(self, name) < least:
                raise ArgumentError(
                    f"TreeOptions.{name}", received=getattr(self, name), expected=f"an integer >= {least}"
                )
        for name in ("lr", "row_share", "column_share", "patience", "depth"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ArgumentError(f"TreeOptions.{name}", received=value, expected="a number above 0")
        for name in ("row_share", "column_share"):
            if getattr(self, name) > 1:
                raise ArgumentError(
                    f"TreeOptions.{name}", received=getattr(self, name), expected="a share, at most 1"
                )
