"""What a search found."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from shortlist.io import atomic_write
from shortlist.recipes._importance import importance
from shortlist.recipes._space import Range, shown
from shortlist.recipes._trial import TrialRecord
from shortlist.recipes._tuning_page import tuning_page
from shortlist.report import Table

__all__ = ["Tuning"]


@dataclass(frozen=True)
class Tuning:
    """The trials of a search; printed as a table of the best."""

    trials: tuple[TrialRecord, ...]
    """In the order they ran."""
    space: Mapping[str, Range]
    """What was searched."""
    direction: str
    """``"maximize"`` or ``"minimize"``."""

    @property
    def best(self) -> TrialRecord:
        """The trial with the best score; the first among equals."""
        return self.ranked()[0]

    @property
    def best_values(self) -> dict[str, Any]:
        """Its values."""
        return dict(self.best.values)

    @property
    def best_score(self) -> float:
        """Its score."""
        score = self.best.score
        assert score is not None
        return score

    @cached_property
    def importance(self) -> dict[str, float]:
        """Share of the ranks of scores that each name explains beside the others, the greatest first.

        The ranks of the trials that ran to their end are fitted by a sum of one step function a name: a
        level for each value of a `Choice`, and for each of at most five equal parts of a range. The share is
        by how much adjusted R squared falls when the name leaves the sum, at least 0. What several names
        do only together is not in it.
        """
        return importance(self.trials, self.space)

    def ranked(self) -> tuple[TrialRecord, ...]:
        """The trials that ran to their end, best first."""
        sign = -1.0 if self.direction == "maximize" else 1.0
        done = [trial for trial in self.trials if trial.state == "done"]
        return tuple(sorted(done, key=lambda trial: (sign * (trial.score or 0.0), trial.number)))

    def table(self, best: int | None = 10) -> Table:
        """The best trials.

        Args:
            best: how many; None is all that ran to their end.
        """
        rows = [
            (trial.number, *(shown(trial.values[name]) for name in self.space), trial.score, trial.seconds)
            for trial in self.ranked()[:best]
        ]
        counts = {state: sum(trial.state == state for trial in self.trials) for state in ("pruned", "failed")}
        more = "".join(f", {count} {state}" for state, count in counts.items() if count)
        seconds = sum(trial.seconds for trial in self.trials)
        title = f"{self.direction}: {len(self.trials)} trials{more}, {seconds:.0f} s"
        return Table(("trial", *self.space, "score", "seconds"), rows, title=title)

    def to_html(self, path: str | Path) -> Path:
        """Write a page that stands alone: the course of the search, what mattered, and a slice of each name.

        Returns:
            The file.
        """
        place = Path(path)
        atomic_write(place, self._page().encode())
        return place

    def __str__(self) -> str:
        return str(self.table())

    def _page(self) -> str:
        return tuning_page(self.table(best=20), self.trials, self.space, self.importance, self.direction)

    def _repr_html_(self) -> str:
        return f'<iframe srcdoc="{escape(self._page())}" style="width:100%;height:900px;border:0"></iframe>'
