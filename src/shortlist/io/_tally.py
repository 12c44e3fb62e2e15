"""The count of what was read, kept and left out."""

from collections.abc import Mapping, Sequence

import polars as pl

from shortlist.errors import DataError
from shortlist.io._repeats import SLICE
from shortlist.io._rules import DIRTY, DROP, KIND, MISSING, ROW, UNPARSEABLE, Rules
from shortlist.io._signals import NEGATIVE, POSITIVE

__all__ = ["CANCELLATION", "CANCELLED", "DUPLICATE", "NOTHING", "REPLACED", "Tally"]

DUPLICATE = "exact duplicate"
REPLACED = "replaced by a later row"
CANCELLED = "taken back"
CANCELLATION = "cancellation"
NOTHING = "cancellation of nothing"

_ORDER = (
    *(*MISSING.values(), UNPARSEABLE, DUPLICATE, REPLACED),
    *("missing value", "no signal", CANCELLED, CANCELLATION, NOTHING),
)
_EXAMPLES = 3
_SAMPLE_ROWS = 400_000


class Tally:
    """Counts, gathered slice by slice.

    Args:
        rules: how rows are read.
        rows: how many rows there are in all.
    """

    def __init__(self, rules: Rules, rows: int) -> None:
        self.rules = rules
        self.rows = rows
        self.keys: list[pl.Series] = []
        self.events: set[str] = set()
        self._samples: list[pl.DataFrame] = []
        self._counts: dict[str, int] = {}
        self._places: dict[str, list[tuple[int, int]]] = {}

    def add(self, frame: pl.LazyFrame) -> None:
        """Read the next slice."""
        rules, place = self.rules, len(self.keys)
        unsure = pl.when(pl.col(KIND).is_null()).then(rules.unsure())
        reason = pl.coalesce(DIRTY, unsure).alias(DROP)
        read = rules.read(frame).with_columns(reason).with_row_index(ROW).collect()
        self._count(read.select(DROP, ROW, pl.lit(place, pl.UInt32).alias(SLICE)))
        data = read.select(rules.types.keys())
        own = data.hash_rows() if rules.weight_name else data[next(iter(rules.roles.values()))]
        self.keys.append(own.to_frame("key").select(pl.when(read[DROP].is_null()).then("key")).to_series())
        if rules.event is not None:
            self.events |= set(data[rules.event].drop_nulls().unique())
        kept = data.filter((read[DROP].is_null()) & read[KIND].is_in([POSITIVE, NEGATIVE]))
        self._samples.append(kept.gather_every(max(1, -(-self.rows // _SAMPLE_ROWS))))

    def leave_out(self, edits: pl.DataFrame) -> None:
        """Count the rows that are left out because of other rows."""
        self._count(edits.select(DROP, ROW, SLICE))

    def check(self, name: str) -> None:
        """Check that every role has values.

        Raises:
            DataError: all values of a role are missing or unreadable.
        """
        reasons = {**MISSING, "time ": UNPARSEABLE}
        for role, reason in reasons.items():
            if self.rows and self._counts.get(reason, 0) == self.rows:
                column = self.rules.roles[role.strip()]
                raise DataError(
                    f"column {column!r} of {name}",
                    received="no value at all" if reason != UNPARSEABLE else "no value that is a time",
                    expected=f"values for the role {role.strip()!r}",
                    remedy="name the right column in roles",
                )

    def sample(self) -> pl.DataFrame:
        """Kept rows, evenly spaced, at most about 400,000."""
        return pl.concat(self._samples)

    def left_out(self) -> dict[str, int]:
        """Number of rows by reason, in a fixed order."""
        return {reason: self._counts[reason] for reason in _ORDER if reason in self._counts}

    def examples(self, frames: Sequence[pl.LazyFrame]) -> Mapping[str, tuple[str, ...]]:
        """The first rows of each reason, as they stand in the source."""
        wanted = sorted({spot for spots in self._places.values() for spot in spots})
        texts: dict[tuple[int, int], str] = {}
        for place in sorted({place for place, _ in wanted}):
            rows = [row for other, row in wanted if other == place]
            found = frames[place].select(self.rules.roles.values()).with_row_index(ROW)
            for values in found.filter(pl.col(ROW).is_in(rows)).collect().iter_rows(named=True):
                row = values.pop(ROW)
                texts[place, row] = _shown(values)
        return {reason: tuple(texts[spot] for spot in spots) for reason, spots in self._places.items()}

    def _count(self, rows: pl.DataFrame) -> None:
        found = (
            rows.drop_nulls(DROP).group_by(DROP).agg(pl.len(), pl.struct(SLICE, ROW).sort().head(_EXAMPLES))
        )
        for reason, count, spots in found.sort(DROP).iter_rows():
            self._counts[reason] = self._counts.get(reason, 0) + count
            places = self._places.setdefault(reason, [])
            places += [(spot[SLICE], spot[ROW]) for spot in spots][: _EXAMPLES - len(places)]


def _shown(values: Mapping[str, object]) -> str:
    return (
        " ".join(f"{name}={str(value)[:40]}" for name, value in values.items() if value is not None)
        or "all empty"
    )
