"""A column to be wary of."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Level", "Suspect"]

Level = Literal["leak", "suspect", "note"]


@dataclass(frozen=True, slots=True)
class Suspect:
    """Why a column should not be a feature, or should be looked at before it is.

    Attributes:
        column: its name.
        level: "leak" where it tells what is to be predicted, "suspect" where it may, "note" where it is of no
            use or needs a word.
        why: what was found.
        evidence: the figures.
        advice: what to do.
    """

    column: str
    level: Level
    why: str
    evidence: str
    advice: str
