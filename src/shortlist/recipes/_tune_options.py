"""How `tune` searches."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from shortlist.errors import ArgumentError

__all__ = ["TuneOptions"]


@dataclass(frozen=True, slots=True)
class TuneOptions:
    """How to search."""

    sampler: Literal["tpe", "random"] = "tpe"
    """Tree-structured Parzen estimator (Bergstra et al., NIPS 2011), or plain draws from the space."""
    startup: int = 10
    """Trials drawn at random before ``"tpe"`` learns from them, and before any trial is given up."""
    prune: bool = True
    """Give up a trial whose best report is worse than the median of other trials at the same step."""
    warmup: int = 1
    """Reports that a trial may make without being given up."""
    first: tuple[Mapping[str, Any], ...] = ()
    """Values to try first, such as the defaults; they count among the trials."""
    reuse: bool = True
    """Values that were tried before are not run again: their score is taken, and counts as a trial."""
    seconds: float | None = None
    """No trial begins after so many seconds of this call; None is no limit."""
    catch: tuple[type[Exception], ...] = ()
    """Errors that make a trial fail instead of ending the search, such as ``ArgumentError`` of a loss that
    is no longer finite."""
    folder: str | Path | None = None
    """Where the trials are kept, so that a search that was killed goes on; None keeps them in memory."""
    progress: bool | None = None
    """Draw progress on the standard error stream; None does if that is a terminal."""

    def __post_init__(self) -> None:
        if self.sampler not in ("tpe", "random"):
            raise ArgumentError("TuneOptions.sampler", received=self.sampler, expected='"tpe" or "random"')
        for name, least in (("startup", 1), ("warmup", 0)):
            if getattr(self, name) < least:
                raise ArgumentError(
                    f"TuneOptions.{name}", received=getattr(self, name), expected=f"an integer >= {least}"
                )
