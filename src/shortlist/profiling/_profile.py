"""The report on a table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

from shortlist.io import atomic_write
from shortlist.profiling._column import ColumnProfile
from shortlist.profiling._curve import Curve
from shortlist.profiling._page import (
    columns_section,
    curve_section,
    repeats_section,
    suspects_section,
    timing_section,
)
from shortlist.profiling._repeats import Repeats
from shortlist.profiling._subject import Subject
from shortlist.profiling._suspect import Suspect
from shortlist.profiling._text import (
    columns_text,
    curve_text,
    hints_text,
    repeats_text,
    suspects_text,
    timing_text,
)
from shortlist.profiling._times import Timing
from shortlist.profiling._words import percent
from shortlist.report import Section, html_page, preformatted, tiles
from shortlist.schema import Schema

__all__ = ["Profile", "write_html"]

_KINDS = {
    "log": "a log of events",
    "events": "rows about items or users that occur again and again",
    "items": "a table of items",
    "users": "a table of users",
    "table": "a table",
}


@dataclass(frozen=True)
class Profile:
    """What a table holds, what to beware of, and what to do with it.

    Attributes:
        name: what was read.
        rows: number of rows.
        subject: what the rows are: kind, roles, targets.
        columns: one entry a column.
        items: how events fall on items: the popularity curve; None without a column of items that recur.
        users: how events fall on users: the activity curve; None without a column of users that recur.
        timing: when events happened; None without a column of times.
        repeats: rows and pairs that occur again.
        suspects: columns that should not be features, or be looked at first; the gravest first.
        hints: what is worth knowing before the columns are used, in words.
        schema: proposed names, types and tags, as a data set would have them.
        ignored: columns that the schema tags "ignored", and why.
        code: a program that reads the data, splits them by time, and fits a workflow.
        sampled: rows that quantiles, tags and suspects were judged from.
        notes: columns that could not be read, and other remarks.
    """

    name: str
    rows: int
    subject: Subject
    columns: tuple[ColumnProfile, ...]
    items: Curve | None
    users: Curve | None
    timing: Timing | None
    repeats: Repeats
    suspects: tuple[Suspect, ...]
    hints: tuple[str, ...]
    schema: Schema
    ignored: Mapping[str, str]
    code: str
    sampled: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [self._title(), f"COLUMNS\n{columns_text(self.columns, self.schema)}"]
        parts += [f"ITEMS\n{curve_text(self.items, 'item')}"] if self.items is not None else []
        parts += [f"USERS\n{curve_text(self.users, 'user')}"] if self.users is not None else []
        parts += [f"TIME\n{timing_text(self.timing)}"] if self.timing is not None else []
        parts.append(f"REPEATS\n{repeats_text(self.repeats, self.rows)}")
        parts.append(f"LEAK SUSPECTS\n{suspects_text(self.suspects)}")
        parts += [f"HINTS\n{hints_text(self.hints)}"] if self.hints else []
        parts.append(f"PROPOSED SCHEMA\n{self.schema}")
        parts.append(f"PROPOSED WORKFLOW\n{self.code.rstrip()}")
        return "\n\n".join(parts)

    def _title(self) -> str:
        lines = [f"{self.name}: {self.rows:,} rows, {len(self.columns)} columns; {_KINDS[self.subject.kind]}"]
        if self.subject.roles:
            lines.append("roles: " + ", ".join(f"{role} {name}" for role, name in self.subject.roles.items()))
        if self.subject.targets:
            lines.append("targets: " + ", ".join(self.subject.targets))
        if self.sampled < self.rows:
            lines.append(f"quantiles, tags and suspects are judged from {self.sampled:,} sampled rows")
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    def to_json(self) -> dict[str, Any]:
        """Plain data: numbers, text, lists and mappings; times as they are."""
        plain = asdict(replace(self, schema=Schema([])))
        plain["columns"] = [_plain_column(column) for column in plain["columns"]]
        plain["schema"] = [column.to_json() for column in self.schema]
        for curve in ("items", "users"):
            if plain[curve] is not None:
                plain[curve]["shares"] = _by_text(plain[curve]["shares"])
                plain[curve]["quantiles"] = _by_text(plain[curve]["quantiles"])
        return plain

    def to_html(self, path: Path | str) -> Path:
        """Write the report as one HTML file that needs nothing beside it.

        Raises:
            DataError: the file cannot be written.
        """
        return write_html([self], path)

    def sections(self) -> list[Section]:
        """The report as sections of a page."""
        parts = [Section("", [_headline(self.name, self._title()), tiles(self._figures())])]
        parts.append(suspects_section(self.suspects, self.hints))
        parts.append(columns_section(self.columns, self.schema, self.ignored))
        parts += [curve_section(self.items, "item")] if self.items is not None else []
        parts += [curve_section(self.users, "user")] if self.users is not None else []
        parts += [timing_section(self.timing)] if self.timing is not None else []
        parts.append(repeats_section(self.repeats, self.rows))
        return [*parts, Section("Proposed workflow", [preformatted(self.code)])]

    def _figures(self) -> list[tuple[str, str]]:
        figures = [(f"{self.rows:,}", "rows"), (f"{len(self.columns):,}", "columns")]
        for curve, what in ((self.users, "users"), (self.items, "items")):
            figures += [(f"{curve.distinct:,}", what)] if curve is not None else []
        if self.timing is not None and self.timing.first is not None:
            figures.append((f"{self.timing.span:,}", "days"))
        cells = self.rows * len(self.columns)
        missing = sum(column.nulls + column.blanks for column in self.columns)
        figures.append((percent(missing / cells if cells else 0.0), "of the values are missing"))
        leaks = sum(one.level != "note" for one in self.suspects)
        return [*figures, (f"{leaks:,}", "leak suspects")]

    def _repr_html_(self) -> str:
        page = escape(html_page(self.name, self.sections()))
        return f'<iframe srcdoc="{page}" style="width:100%;height:720px;border:0"></iframe>'


def write_html(profiles: Sequence[Profile], path: Path | str) -> Path:
    """Write reports, one under the other, as one HTML file that needs nothing beside it.

    Raises:
        DataError: the file cannot be written.
    """
    sections = [section for profile in profiles for section in profile.sections()]
    page = html_page(", ".join(profile.name for profile in profiles), sections)
    atomic_write(path, page.encode())
    return Path(path)


def _headline(name: str, title: str) -> str:
    first, *others = title.removeprefix(f"{name}: ").splitlines()
    lines = "<br>".join(escape(line) for line in (first, *others))
    return f'<h1>{escape(name)}</h1><p class="soft">{lines}</p>'


def _plain_column(column: dict[str, Any]) -> dict[str, Any]:
    return {**column, "quantiles": _by_text(column["quantiles"])}


def _by_text(figures: Mapping[float, Any]) -> dict[str, Any]:
    return {f"{share:g}": figure for share, figure in figures.items()}
