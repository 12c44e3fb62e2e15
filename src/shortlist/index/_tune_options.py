"""What a tuning of indexes is measured by."""

from dataclasses import dataclass
from typing import Literal

from shortlist.errors import ArgumentError, near
from shortlist.index._facts import KINDS

__all__ = ["IndexTuneOptions"]


@dataclass(frozen=True, slots=True)
class IndexTuneOptions:
    """Which indexes are tried, how they are timed, and which is the cheapest.

    Attributes:
        kinds: kinds to try, see `build`.
        by: what is to be least among those that reach the recall: ``ms`` of a query, ``bytes`` of codes and
            vectors together, or ``seconds`` of the build.
        max_bytes: most bytes of codes and vectors together; None for no bound.
        max_build_seconds: longest build; None for no bound. A graph that would take longer, by what its first
            5,000 items took, is not built.
        rounds: number of queries that are timed, one by one, on one thread.
        seed: of k-means and codes.

    Raises:
        ArgumentError: an unknown kind or cost, or a number below 1.
    """

    kinds: tuple[str, ...] = KINDS
    by: Literal["ms", "bytes", "seconds"] = "ms"
    max_bytes: int | None = None
    max_build_seconds: float | None = None
    rounds: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        wrong = [kind for kind in self.kinds if kind not in KINDS]
        if wrong or not self.kinds:
            raise ArgumentError(
                "IndexTuneOptions.kinds",
                received=wrong[0] if wrong else "nothing",
                expected="known kinds, at least one",
                remedy=near(str(wrong[0]) if wrong else "", KINDS),
            )
        if self.by not in ("ms", "bytes", "seconds"):
            raise ArgumentError(
                "IndexTuneOptions.by", received=self.by, expected="'ms', 'bytes' or 'seconds'"
            )
        for name in ("max_bytes", "max_build_seconds", "rounds"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ArgumentError(f"IndexTuneOptions.{name}", received=value, expected="a number above 0")
