"""A plan as lanes of boxes and wires, before it is written in any notation."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Any

import polars as pl

from shortlist.features._frame_columns import as_left
from shortlist.features._op import Fits, Op, Step
from shortlist.features._plan import Key, Lane, Plan
from shortlist.features._source import Source
from shortlist.schema import Column

__all__ = ["Box", "Row", "Track", "Wire", "in_words", "likenesses", "options", "tracks", "traits"]

Row = float


@dataclass(frozen=True, slots=True)
class Wire:
    """A column on its way from one box to the next.

    Attributes:
        column: what it is there.
        row: how far down in its lane, in rows.
        start: the box it comes from; 0 for the raw column itself.
        end: the box it goes to; None for the output.
        beside: whether the box only looks at it, in training.
    """

    column: Column
    row: Row
    start: int
    end: int | None
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """One op of a branch, over all columns that pass through it.

    Attributes:
        op: the op.
        place: its place in the branch, from 1.
        keys: the steps of the plan that it stands for.
        learns: whether it is fitted.
    """

    op: Op
    place: int
    keys: tuple[Key, ...]
    learns: bool


@dataclass(frozen=True, slots=True)
class Track:
    """One branch: its boxes, and the wires between them.

    Attributes:
        sources: the history ops that it begins with, by their columns.
        boxes: first to last; each stands across the first ``span`` rows.
        wires: the columns.
        span: rows that the boxes stand across.
        rows: rows in all.
    """

    sources: Mapping[str, Source]
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    span: int
    rows: int


def tracks(plan: Plan) -> tuple[Track, ...]:
    """The branches of a plan that have columns."""
    sources = {column.name: source for source, column in plan.sources}
    return tuple(_track(lane, sources) for lane in plan.lanes if lane.reads)


def likenesses(plan: Plan) -> Iterator[tuple[Key, Key, str]]:
    """Pairs of steps of which the second takes over what the first learned, and the column it is named by."""
    learned = {c.name: key for key, step in plan.steps if isinstance(step.op, Fits) for c in step.outputs}
    for key, step in plan.steps:
        for name in step.op.after() if isinstance(step.op, Fits) else ():
            if name in learned:
                yield learned[name], key, name


def options(op: Op | Source) -> tuple[str, ...]:
    """The options of an op that are not as by default, such as ``min_count=5``."""
    shown = []
    known: tuple[Field[Any], ...] = fields(op) if is_dataclass(op) else ()
    for option in known:
        value = getattr(op, option.name)
        usual, make = option.default, option.default_factory
        if make is not MISSING:
            usual = make()
        if repr(value) != repr(usual):  # tables and expressions cannot be compared by !=
            shown.append(f"{option.name}={_short(value)}")
    return tuple(shown)


def traits(column: Column) -> tuple[str, str, str]:
    """Type and shape, tags, and the number of codes where it is known."""
    size = "" if column.shape.size is None else f"({column.shape.size})"
    shape = "" if column.shape.kind == "scalar" else f" {column.shape.kind}{size}"
    codes = column.domain.size if column.domain is not None else None
    return (
        f"{column.dtype}{shape}",
        " ".join(sorted(column.tags)),
        "" if codes is None else f"{codes:,} codes",
    )


def in_words(expression: pl.Expr) -> str:
    """An expression in words, its literals without their types."""
    return re.sub(r"\(dyn (?:int|float): ([^()]*)\)", r"\1", str(expression))


def _short(value: object) -> str:
    """A value in few letters: functions by name, long lists by their length."""
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    if isinstance(value, list | tuple | dict) and len(value) > 6:
        return f"{len(value)} values"
    text = in_words(value) if isinstance(value, pl.Expr) else repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _track(lane: Lane, sources: Mapping[str, Source]) -> Track:
    staged = _staged(lane)
    rows, span = _rows(lane, staged)
    depth = len(staged)
    wires = [
        Wire(as_left(column) if place == depth else column, row, place, place + 1 if place < depth else None)
        for (place, _), (column, row) in rows.items()
    ]
    below = span
    for place, steps in enumerate(staged, start=1):
        for _, step in steps:
            for column in step.made.aside:
                wires.append(Wire(as_left(column), below, place, None))
                below += 1
        for column in _beside(step for _, step in steps):
            wires.append(Wire(column, below, 0, place, beside=True))
            below += 1
    boxes = tuple(
        Box(
            steps[0][1].op,
            place,
            tuple(key for key, _ in steps),
            any(isinstance(step.op, Fits) for _, step in steps),
        )
        for place, steps in enumerate(staged, start=1)
    )
    begins = {column.name: sources[column.name] for column in lane.reads if column.name in sources}
    return Track(begins, boxes, tuple(wires), span, below)


def _staged(lane: Lane) -> list[list[tuple[Key, Step]]]:
    """Steps of one op together: every column of a branch passes through the ops in the same order."""
    place = {column.name: 0 for column in lane.reads}
    staged: list[list[tuple[Key, Step]]] = []
    for key, step in lane.steps:
        stage = place[step.inputs[0].name]
        if stage == len(staged):
            staged.append([])
        staged[stage].append((key, step))
        place.update((column.name, stage + 1) for column in step.made.columns)
    return staged


def _beside(steps: Iterable[Step]) -> list[Column]:
    return list({column.name: column for step in steps for column in step.beside}.values())


def _rows(
    lane: Lane, staged: list[list[tuple[Key, Step]]]
) -> tuple[dict[tuple[int, str], tuple[Column, Row]], int]:
    """Where every column stands after every op, and how many rows that takes.

    Columns that an op mixes, and what comes of them, share a band of rows and stand in its middle.
    """
    columns = {(0, column.name): column for column in lane.reads}
    for place, steps in enumerate(staged, start=1):
        columns |= {(place, c.name): c for _, step in steps for c in step.made.columns}
    band, places = {key: number for number, key in enumerate(columns)}, range(len(staged) + 1)
    for place, steps in enumerate(staged):
        for _, step in steps:
            joined = [(place, c.name) for c in step.inputs] + [(place + 1, c.name) for c in step.made.columns]
            mixed = {band[key] for key in joined}
            band = {key: min(mixed) if number in mixed else number for key, number in band.items()}
    rows: dict[tuple[int, str], tuple[Column, Row]] = {}
    top = 0
    for number in sorted(set(band.values())):
        stages = [[key for key in columns if band[key] == number and key[0] == p] for p in places]
        height = max(map(len, stages))
        for keys in stages:
            first = top + (height - len(keys)) / 2
            rows |= {key: (columns[key], first + place) for place, key in enumerate(keys)}
        top += height
    return rows, top
