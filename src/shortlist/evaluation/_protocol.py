"""The protocol that stands beside every number."""

from dataclasses import dataclass

__all__ = ["EvaluationProtocol"]


@dataclass(frozen=True, slots=True)
class EvaluationProtocol:
    """How a number came about.

    >>> print(EvaluationProtocol("global time", 3684, "seen items filtered", "one query a user", 1200, 31, 7))
    split: global time | candidates: all 3684 items | seen items filtered | one query a user: 1200 queries
    7 users left out: nothing to find; 31 items of the truth are not in the catalogue and count as misses
    """

    split: str
    catalogue: int
    seen: str
    queries: str
    count: int
    unknown_items: int
    left_out: int

    def __str__(self) -> str:
        first = (
            f"split: {self.split} | candidates: all {self.catalogue} items | {self.seen} | "
            f"{self.queries}: {self.count} queries"
        )
        notes = []
        if self.left_out > 0:
            notes.append(f"{self.left_out} users left out: nothing to find")
        if self.unknown_items > 0:
            notes.append(
                f"{self.unknown_items} items of the truth are not in the catalogue and count as misses"
            )
        return "\n".join([first, "; ".join(notes)]) if notes else first
