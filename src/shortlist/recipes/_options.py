"""Options of the standard recipe."""

from collections.abc import Mapping
from dataclasses import dataclass

from shortlist.data import duration_us
from shortlist.errors import ArgumentError
from shortlist.io import Signals

__all__ = ["FitRecipe"]


@dataclass(frozen=True, slots=True)
class FitRecipe:
    """What `shortlist.recipes.fit` needs to know; every default suits a first run.

    >>> FitRecipe(test="14d").test
    '14d'
    """

    roles: Mapping[str, str] | None = None
    """Role -> column (user, item, time, event, value); None guesses from the names of the columns."""
    signals: Signals | None = None
    """Which events are positives, negatives and cancellations; None takes every row as a positive."""
    test: str | None = None
    """Length of the window that is held out at the end of the log, and of the future that the ranker learns
    to foresee; at most a quarter of the log. None takes 28 days, or a sixth of a log where that is less."""
    dim: int = 64
    """Width of the vectors of users and items."""
    history: int = 50
    """Last items of a user that the query tower reads."""
    half_life: str | None = "60d"
    """Age at which an event counts half in training the towers; None lets all count the same."""
    epochs: int = 12
    """Most passes over the events in training the towers; the best number is found on a validation window."""
    k: int = 200
    """Candidates that retrieval hands to the ranker."""
    seed: int = 0
    """Of everything random."""
    force: bool = False
    """Whether an existing output folder is replaced."""

    def __post_init__(self) -> None:
        for name in ("dim", "history", "epochs", "k"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ArgumentError(f"FitRecipe.{name}", received=value, expected="an integer >= 1")
        for name in ("test", "half_life"):
            if getattr(self, name) is not None:
                duration_us(getattr(self, name), where=f"FitRecipe.{name}")
