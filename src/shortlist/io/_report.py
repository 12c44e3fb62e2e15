"""What reading a source left out, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

__all__ = ["CleanReport"]


@dataclass(frozen=True)
class CleanReport:
    """Every row that was read is accounted for: ``read == kept + sum(left_out.values())``.

    Attributes:
        source: what was read.
        read: number of rows read.
        kept: number of rows kept.
        left_out: number of rows left out, by reason.
        examples: the first rows of each reason, at most three, as text; the printed table shows one.
        reduced: number of kept rows of which a later cancellation took back a part.
        notes: what was decided while reading, in words.
        ignored: columns that are of no use to a model, and why.
        taken_back: times of the events that a cancellation took back, wholly or in part, and of the
            cancellation: columns ``happened`` and ``cancelled``; empty without times.

    >>> print(CleanReport("log.csv", 10, 9, {"missing user": 1}, {"missing user": ("item=7",)}))
    log.csv: 10 rows read, 9 kept (90.0 %)
    left out           rows   share  the first
    missing user          1  10.0 %  item=7
    """

    source: str
    read: int
    kept: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reduced: int = 0
    notes: tuple[str, ...] = ()
    ignored: Mapping[str, str] = field(default_factory=dict)
    taken_back: pl.DataFrame = field(default_factory=pl.DataFrame, compare=False, repr=False)

    def __str__(self) -> str:
        lines = [f"{self.source}: {self.read:,} rows read, {self.kept:,} kept ({self._share(self.kept)})"]
        if self.left_out:
            width = max(len("left out"), *map(len, self.left_out))
            lines.append(f"{'left out':<{width}}  {'rows':>9}   share  the first")
            lines += [self._row(reason, width) for reason in self.left_out]
        if self.reduced:
            lines.append(f"{self.reduced:,} kept rows were partly taken back by a later cancellation")
        lines += [f"column {name!r} is ignored: {why}" for name, why in self.ignored.items()]
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)

    def _row(self, reason: str, width: int) -> str:
        rows = self.left_out[reason]
        shown = "".join(self.examples.get(reason, ())[:1])
        return f"{reason:<{width}}  {rows:>9,}  {self._share(rows):>6}  {shown}".rstrip()

    def _share(self, rows: int) -> str:
        return "0.0 %" if self.read == 0 else f"{100 * rows / self.read:.1f} %"
