"""The protocol that stands beside every number."""

from dataclasses import dataclass

__all__ = ["EvaluationProtocol"]


@dataclass(frozen=True, slots=True)
class EvaluationProtocol:
    """How a number came about.

    Attributes:
        split: how the test came about, in words.
        catalogue: how many items could be recommended.
        seen: what was done with items that a user had before.
        queries: what one query is.
        count: how many queries.
        unknown_items: distinct items of the truth that the catalogue lacks.
        left_out: users with nothing to find.
        code: the split in a word, such as GTS; empty where only words are known.
        not_launched: items that left the catalogue because they came later.
        launch: how that was known.
        cold_users: share of the held-out events whose user had none before.
        cold_items: share of the held-out events whose item had none before.
        warnings: what the split leaks.

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
    code: str = ""
    not_launched: int = 0
    launch: str = ""
    cold_users: float = 0.0
    cold_items: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """The protocol in a word: split, candidates, filter.

        >>> EvaluationProtocol("", 9, "seen items filtered", "", 1, 0, 0, code="RS811/u").word
        'RS811/u/full/filter'
        """
        return f"{self.code}/full/{'filter' if self.seen == 'seen items filtered' else 'nofilter'}"

    def __str__(self) -> str:
        first = (
            f"split: {self.split} | candidates: all {self.catalogue} items | {self.seen} | "
            f"{self.queries}: {self.count} queries"
        )
        lines = [f"{self.word} | {first}" if self.code else first, "; ".join(self._notes())]
        lines += [f"warning: {text}" for text in self.warnings]
        return "\n".join(line for line in lines if line)

    def _notes(self) -> list[str]:
        notes = []
        if self.left_out > 0:
            notes.append(f"{self.left_out} users left out: nothing to find")
        if self.unknown_items > 0:
            notes.append(
                f"{self.unknown_items} items of the truth are not in the catalogue and count as misses"
            )
        if self.not_launched > 0:
            notes.append(f"{self.not_launched} items not launched yet left the catalogue ({self.launch})")
        if self.cold_users > 0 or self.cold_items > 0:
            notes.append(
                f"{self.cold_users:.1%} of the test's events are of users, {self.cold_items:.1%} of items "
                "without an event before"
            )
        return notes
