"""A plan as a picture: one lane a branch, from raw columns on the left to outputs on the right."""

from dataclasses import dataclass
from html import escape

from shortlist.features._draw_graph import Box, Track, Wire, in_words, likenesses, options, tracks, traits
from shortlist.features._plan import Plan
from shortlist.features._source import Source
from shortlist.schema import Column

__all__ = ["svg"]

# Sizes in pixels.
_CHIP, _TALL, _ROW, _BOX, _GAP, _LEAD, _PAD, _EDGE, _HEAD = 236, 32, 40, 148, 132, 26, 10, 16, 26
_NAME, _SMALL = 7.3, 5.8  # widths of a letter

_INKS = {
    "user": "#2f6db5",
    "item": "#c2681d",
    "cross": "#8450a8",
    "session": "#1f8a70",
    "context": "#6b7785",
    "target": "#b83240",
    "time": "#1f8a70",
}
_NO_INK = "#b6bfc9"
_STYLE = """
.sl-flow text{font-family:ui-sans-serif,system-ui,"Segoe UI","DejaVu Sans",sans-serif;fill:#1f2933}
.sl-flow .n{font-size:12px;font-weight:600}.sl-flow .s{font-size:10px;fill:#5b6773}
.sl-flow .h{font-size:11px;fill:#5b6773;letter-spacing:.04em}.sl-flow .m{text-anchor:middle}
.sl-flow .e{text-anchor:end}.sl-flow .w{fill:none;stroke:#9aa4b2;stroke-width:1.4}
.sl-flow .d{stroke-dasharray:4 3}.sl-flow .like{fill:none;stroke:#2f6db5;stroke-width:1.4}
.sl-flow .like{stroke-dasharray:5 4}
.sl-flow .lane{fill:#f4f6f8}.sl-flow .chip{fill:#fff;stroke:#d5dbe2}
.sl-flow .op{fill:#fff;stroke:#7b8794}.sl-flow .learned{fill:#e3eefb;stroke:#2f6db5}
.sl-flow .past{fill:#e2f4ef;stroke:#1f8a70}.sl-flow .rows{fill:#fdf3dd;stroke:#b7791f}
"""


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where things stand.

    Attributes:
        places: boxes of the longest branch.
    """

    places: int

    @property
    def end(self) -> float:
        """Left edge of the outputs."""
        return self.box(self.places + 1) - _GAP + _LEAD + 16 if self.places else self.box(1)

    @property
    def width(self) -> float:
        """Of the whole picture."""
        return self.end + _CHIP + _PAD + _EDGE

    def box(self, place: int) -> float:
        """Left edge of a box."""
        return _EDGE + _PAD + _CHIP + _LEAD + (place - 1) * (_BOX + _GAP)


def svg(plan: Plan) -> str:
    """One SVG element without scripts, links or files; what is cut short stands whole in a tooltip."""
    drawn = tracks(plan)
    frame = _Frame(max((len(track.boxes) for track in drawn), default=0))
    parts, top = _header(frame), float(_HEAD + _EDGE)
    for kept in plan.filters:
        parts += _filter(frame, top, in_words(kept))
        top += _TALL + _PAD
    boxes: dict[str, tuple[int, float, float]] = {}
    for track in drawn:
        height = _height(track)
        parts += _lane(frame, track, top, height)
        middle = top + _PAD + _stand(track) / 2
        boxes |= {n: (box.place, middle, _stand(track)) for box in track.boxes for n in box.keys}
        top += height + _PAD
    if plan.carried:
        parts += _carried(frame, plan.carried, top)
        top += 2 * _PAD + len(plan.carried) * _ROW + _PAD
    seen = {(boxes[one], boxes[other], name): None for one, other, name in likenesses(plan)}
    for one, other, name in seen:
        parts += _like(frame, one, other, name)
    parts += _legend(plan, top)
    size = f'width="{frame.width:g}" height="{top + 24:g}" viewBox="0 0 {frame.width:g} {top + 24:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="sl-flow" {size} role="img">'
    back = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([head, f"<style>{_STYLE}</style>", back, *parts, "</svg>"]) + "\n"


def _header(frame: _Frame) -> list[str]:
    return [
        _text(_EDGE + _PAD, _HEAD, "raw columns", "h"),
        _text(frame.end, _HEAD, "outputs", "h"),
    ]


def _filter(frame: _Frame, top: float, rows: str) -> list[str]:
    wide = frame.width - 2 * _EDGE
    room = int((wide - 2 * _PAD - 190) / _SMALL)
    return [
        _rect(_EDGE, top, wide, _TALL, "rows"),
        _text(_EDGE + _PAD, top + 20, "Filter", "n"),
        _text(_EDGE + _PAD + 46, top + 20, "rows kept in training:", "s"),
        _text(_EDGE + _PAD + 162, top + 20, _cut(rows, room), "s", full=rows),
    ]


def _stand(track: Track) -> float:
    """Height of the boxes of a branch: its rows, or what the longest op has to say."""
    said = max((len(options(box.op)) for box in track.boxes), default=0)
    return max(track.span * _pitch(track), 28 + 12 * said)


def _pitch(track: Track) -> float:
    """From row to row: history ops need room above their columns to say what they do."""
    return max((_ROW, *(_past_height(source) + 4 for source in track.sources.values())))


def _past_height(source: Source) -> float:
    return 28 + 12 * len(options(source)) + _TALL


def _height(track: Track) -> float:
    return 2 * _PAD + _stand(track) + (track.rows - track.span) * _ROW


def _lane(frame: _Frame, track: Track, top: float, height: float) -> list[str]:
    parts = [_rect(_EDGE, top, frame.width - 2 * _EDGE, height, "lane")]
    top += _PAD
    tall = _stand(track)
    for wire in track.wires:
        parts += _wire(frame, track, wire, _level(track, wire, top), top + tall)
    for box in track.boxes:
        parts += _box(frame.box(box.place), top, tall, box)
    return parts


def _level(track: Track, wire: Wire, top: float) -> float:
    """The height of a wire: rows that pass through boxes stand in their middle, the others below them."""
    tall = _stand(track)
    if wire.row < track.span:
        return top + (tall - track.span * _pitch(track)) / 2 + (wire.row + 0.5) * _pitch(track)
    return top + tall + (wire.row - track.span + 0.5) * _ROW


def _wire(frame: _Frame, track: Track, wire: Wire, y: float, low: float) -> list[str]:
    past = track.sources.get(wire.column.name) if wire.start == 0 and not wire.beside else None
    around = [] if past is None else _past(y, past)
    y += 0 if past is None else (_past_height(past) - _TALL) / 2 - 4
    start = frame.box(wire.start) + _BOX if wire.start else _EDGE + _PAD + _CHIP
    end = frame.end if wire.end is None else frame.box(wire.end)
    parts = [*around, _line(start, end, y, low, wire)]
    if wire.beside:
        parts.append(_text(start + 8, y - 4, "in training", "s"))
    if wire.start == 0:
        parts += _chip(_EDGE + _PAD, y, wire.column)
    elif wire.end is not None:
        parts += _label((start + end) / 2, y, wire.column)
    if wire.end is None:
        parts += _chip(frame.end, y, wire.column)
    return parts


def _line(start: float, end: float, y: float, low: float, wire: Wire) -> str:
    """Straight from box to box; around a corner where it comes from below a box, or ends there."""
    if wire.beside:
        end += _BOX / 2
        return f'<path class="w d" d="M{start:g} {y:g}H{end - 6:g}q6 0 6 -6V{low:g}"/>'
    if wire.start and y > low:
        return f'<path class="w" d="M{start - _BOX / 2:g} {low:g}V{y - 6:g}q0 6 6 6H{end:g}"/>'
    return f'<path class="w" d="M{start:g} {y:g}H{end:g}"/>'


def _label(x: float, y: float, column: Column) -> list[str]:
    kind, tags, codes = traits(column)
    room = _GAP - 8
    said = " · ".join(part for part in (kind, codes) if part)
    full = " · ".join(part for part in (column.name, kind, codes, tags) if part)
    return [
        _text(x, y - 5, _cut(column.name, int(room / _NAME)), "n m", full=full),
        _text(x, y + 12, _cut(said, int(room / _SMALL)), "s m", full=full),
    ]


def _chip(x: float, y: float, column: Column) -> list[str]:
    kind, tags, codes = traits(column)
    ink = next((ink for tag, ink in _INKS.items() if tag in column.tags), _NO_INK)
    room = int((_CHIP - 22 - _SMALL * len(kind)) / _NAME)
    space = int((_CHIP - 22 - _SMALL * len(codes)) / _SMALL)
    full = " · ".join(part for part in (column.name, kind, codes, tags) if part)
    top = y - _TALL / 2
    return [
        _rect(x, top, _CHIP, _TALL, "chip"),
        f'<rect x="{x:g}" y="{top:g}" width="4" height="{_TALL}" rx="2" fill="{ink}"/>',
        _text(x + 10, y - 3, _cut(column.name, room), "n", full=full),
        _text(x + _CHIP - 8, y - 3, kind, "s e"),
        _text(x + 10, y + 11, _cut(tags, space), "s", full=full),
        _text(x + _CHIP - 8, y + 11, codes, "s e"),
    ]


def _box(x: float, top: float, tall: float, box: Box) -> list[str]:
    said, name = options(box.op), type(box.op).__name__
    y = top + tall / 2 - 6 * len(said) + 4
    room = int((_BOX - 12) / _SMALL)
    return [
        _rect(x, top, _BOX, tall, "learned" if box.learns else "op"),
        _text(x + _BOX / 2, y, _cut(name, int((_BOX - 12) / _NAME)), "n m", full=", ".join((name, *said))),
        *(
            _text(x + _BOX / 2, y + 14 + 12 * place, _cut(line, room), "s m", full=line)
            for place, line in enumerate(said)
        ),
    ]


def _past(middle: float, source: Source) -> list[str]:
    """A history op around the column that it makes."""
    said, x = options(source), _EDGE + _PAD
    y, room = middle - _past_height(source) / 2, int((_CHIP - 16) / _SMALL)
    return [
        _rect(x - 4, y, _CHIP + 8, _past_height(source), "past"),
        _text(x + 6, y + 15, type(source).__name__, "n"),
        _text(x + _CHIP - 4, y + 15, "from earlier events", "s e"),
        *(_text(x + 6, y + 28 + 12 * n, _cut(line, room), "s", full=line) for n, line in enumerate(said)),
    ]


def _carried(frame: _Frame, columns: tuple[Column, ...], top: float) -> list[str]:
    tall = 2 * _PAD + len(columns) * _ROW
    parts = [_rect(_EDGE, top, frame.width - 2 * _EDGE, tall, "lane")]
    for place, column in enumerate(columns):
        y = top + _PAD + (place + 0.5) * _ROW
        start = _EDGE + _PAD + _CHIP
        parts.append(f'<path class="w" d="M{start:g} {y:g}H{frame.end:g}"/>')
        parts.append(_text((start + frame.end) / 2, y - 5, "passes unchanged", "s m"))
        parts += _chip(_EDGE + _PAD, y, column) + _chip(frame.end, y, column)
    return parts


def _like(
    frame: _Frame, one: tuple[int, float, float], other: tuple[int, float, float], name: str
) -> list[str]:
    (here, y, tall), (there, low, small) = one, other
    sign = 1 if low > y else -1
    start, end = frame.box(here) + _BOX, frame.box(there) + _BOX
    y, low = y + sign * tall * 0.35, low - sign * small * 0.25
    far = max(start, end) + 34
    path, tip = f"M{start:g} {y:g}C{far:g} {y:g} {far:g} {low:g} {end:g} {low:g}", escape(f"like {name}")
    return [
        f'<path class="like" d="{path}"><title>{tip}</title></path>',
        f'<circle cx="{end:g}" cy="{low:g}" r="3" fill="#2f6db5"/>',
    ]


def _legend(plan: Plan, top: float) -> list[str]:
    seen = {tag for column in (*plan.reads, *plan.carried) for tag in column.tags}
    parts, x, y = [], float(_EDGE + _PAD), top + 8
    for tag in (tag for tag in _INKS if tag in seen):
        parts += [
            f'<rect x="{x:g}" y="{y - 8:g}" width="4" height="11" rx="2" fill="{_INKS[tag]}"/>',
            _text(x + 9, y + 1, tag, "s"),
        ]
        x += 26 + 6.2 * len(tag)
    for kind, words in (("learned", "learns from the data"), ("op", "learns nothing")):
        parts += [_rect(x, y - 8, 14, 11, kind), _text(x + 19, y + 1, words, "s")]
        x += 40 + 5.6 * len(words)
    return parts


def _rect(x: float, y: float, wide: float, tall: float, kind: str) -> str:
    corner = 8 if kind == "lane" else min(5, tall / 4)
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{wide:g}" height="{tall:g}" rx="{corner:g}"/>'


def _text(x: float, y: float, words: str, kind: str, full: str | None = None) -> str:
    tip = "" if full is None or full == words else f"<title>{escape(full)}</title>"
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{tip}{escape(words)}</text>'


def _cut(words: str, room: int) -> str:
    """The words in so many letters: beginning and end, since names often differ in their ends."""
    if len(words) <= room:
        return words
    end = max(room - 1, 2) // 3
    return f"{words[: max(room - 1, 2) - end]}…{words[len(words) - end :]}"
