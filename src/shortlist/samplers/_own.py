"""Negatives that each row has for itself."""

from dataclasses import dataclass

from shortlist.errors import ArgumentError
from shortlist.samplers._mixed import Mixed, mix
from shortlist.samplers._source import AnySource, Source
from shortlist.schedules import Schedule, Scheduled

__all__ = ["Exposed", "Hardest", "Mined"]

# Huang et al. found 100 easy negatives to one hard one best.
_ONE_IN_A_HUNDRED = 1 / 101


@dataclass(frozen=True)
class Exposed:
    """What was shown to the row's user and not taken: up to ``n`` items of a list column of item codes.

    They are negatives of their own row alone; for other rows they say nothing, and are left out. Of a list
    that is longer, ``n`` are drawn anew each time. The row's own item, its user's known positives when these
    are masked, and items that no training row has taken (their features are unknown) are left out.

    Raises:
        ArgumentError: ``n`` is below 1, or ``share`` is not in [0, 1).
    """

    column: str
    """Name of the list column, whose codes are those of the item id; no input of the model."""
    n: int = 8
    """Most negatives of one row."""
    share: Scheduled = 0.1
    """Of the weight of a row's negatives; the rest is that of the negatives all rows share. May be a
    schedule."""

    def __post_init__(self) -> None:
        _check("Exposed", self.n, self.share)

    def __add__(self, other: AnySource) -> Mixed:
        """Negatives of both."""
        return mix(self, other)


@dataclass(frozen=True)
class Hardest:
    """Of the items that another source draws, the ``n`` that the model scores highest for the row.

    Source: Zhang et al., "Optimizing top-N collaborative filtering via dynamic negative item sampling",
    SIGIR 2013.

    Raises:
        ArgumentError: ``n`` is below 1, or ``share`` is not in [0, 1).
    """

    n: int
    """Negatives of one row."""
    of: Source
    """Where the items come from that are scored, such as ``Uniform(512)``; all rows share them."""
    share: Scheduled = _ONE_IN_A_HUNDRED
    """Of the weight of a row's negatives; the rest is that of the negatives all rows share: 1/101 is 100
    easy to one hard. A schedule that rises makes a curriculum. While it is 0 nothing is drawn."""

    def __post_init__(self) -> None:
        _check("Hardest", self.n, self.share)

    def __add__(self, other: AnySource) -> Mixed:
        """Negatives of both."""
        return mix(self, other)


@dataclass(frozen=True)
class Mined:
    """``n`` items drawn from a band of ranks in an index of the model's own vectors, searched for each row.

    The ranks count what is left when the row's own item and, when these are masked, its user's known
    positives have been taken out. The index is built anew on a schedule, so item vectors are up to
    ``every`` steps old; queries are those of the step.

    Source: Huang et al., "Embedding-based retrieval in Facebook search", KDD 2020; Xiong et al.,
    "Approximate nearest neighbor negative contrastive learning", ICLR 2021.

    Raises:
        ArgumentError: ``n`` or ``every`` is below 1, the band holds fewer than ``n`` ranks, or ``share`` is
            not in [0, 1).
    """

    n: int = 8
    """Negatives of one row, drawn without replacement."""
    ranks: tuple[int, int] = (20, 200)
    """First and last rank, from 1. The first ranks are often items the user would take too."""
    share: Scheduled = _ONE_IN_A_HUNDRED
    """Of the weight of a row's negatives; the rest is that of the negatives all rows share: 1/101 is 100
    easy to one hard. A schedule that rises makes a curriculum. While it is 0 nothing is searched."""
    every: int | None = None
    """Steps after which the index is built anew; None builds it at the start of each epoch."""

    def __post_init__(self) -> None:
        _check("Mined", self.n, self.share)
        first, last = self.ranks
        if first < 1 or last - first + 1 < self.n:
            raise ArgumentError(
                "Mined.ranks",
                received=self.ranks,
                expected=f"first and last rank, from 1, of at least n = {self.n} items",
            )
        if self.every is not None and self.every < 1:
            raise ArgumentError("Mined.every", received=self.every, expected="an integer >= 1, or None")

    def __add__(self, other: AnySource) -> Mixed:
        """Negatives of both."""
        return mix(self, other)


def _check(name: str, n: int, share: Scheduled) -> None:
    if n < 1:
        raise ArgumentError(f"{name}.n", received=n, expected="an integer >= 1")
    ends = [share.at(0.0), share.at(1.0)] if isinstance(share, Schedule) else [share]
    if not all(0.0 <= end < 1.0 for end in ends):
        raise ArgumentError(
            f"{name}.share",
            received=share,
            expected="a share of the weight in [0, 1), or a schedule within it",
            remedy="leave the other negatives out of the sum to train on these alone",
        )
