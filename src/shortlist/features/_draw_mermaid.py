"""A plan in the notation of Mermaid."""

from collections.abc import Iterable

from shortlist.features._draw_graph import Track, in_words, likenesses, options, tracks, traits
from shortlist.features._op import Op
from shortlist.features._plan import Plan
from shortlist.features._source import Source
from shortlist.schema import Column

__all__ = ["mermaid"]

_CLASSES = (
    "classDef column fill:#ffffff,stroke:#9aa4b2,color:#1f2933",
    "classDef op fill:#eef1f5,stroke:#52606d,color:#1f2933",
    "classDef learned fill:#dbe9fb,stroke:#2f6db5,color:#1f2933",
    "classDef past fill:#dff3ee,stroke:#1f8a70,color:#1f2933",
    "classDef rows fill:#fdf1d8,stroke:#b7791f,color:#1f2933",
)
_SIGNS = str.maketrans({"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "\n": " ", "`": "#96;"})


def mermaid(plan: Plan) -> str:
    """A flow chart from left to right: raw columns, ops, outputs; dotted lines take over what was learned."""
    lines: list[str] = []
    for place, kept in enumerate(plan.filters):
        lines.append(f'f{place}{{{{"{_text("Filter", "rows kept in training", in_words(kept))}"}}}}:::rows')
    raw = {column.name: f"r{place}" for place, column in enumerate(plan.raw)}
    drawn = tracks(plan)
    used = {w.column.name for t in drawn for w in t.wires if w.start == 0 and (not t.sources or w.beside)}
    used |= {column.name for column in plan.carried}
    lines += [_node(raw[column.name], column) for column in plan.raw if column.name in used]
    owner: dict[str, str] = {}
    for place, track in enumerate(drawn):
        lines += _lane(track, f"b{place}", raw)
        owner |= {step: f"b{place}_{box.place}" for box in track.boxes for step in box.keys}
    for place, column in enumerate(plan.carried):
        lines += [_node(f"c{place}", column), f"{raw[column.name]} --> c{place}"]
    shared = dict.fromkeys((owner[one], owner[other], name) for one, other, name in likenesses(plan))
    lines += [f'{one} -. "{_text("like " + name)}" .-> {other}' for one, other, name in shared]
    return "\n".join(["flowchart LR", *(f"    {line}" for line in (*lines, *_CLASSES))]) + "\n"


def _lane(track: Track, key: str, raw: dict[str, str]) -> list[str]:
    past = {name: f"{key}_0_{place}" for place, name in enumerate(track.sources)}
    lines = [f'{past[name]}[("{_op_text(source)}")]:::past' for name, source in track.sources.items()]
    for box in track.boxes:
        kind = "learned" if box.learns else "op"
        lines.append(f'{key}_{box.place}["{_op_text(box.op)}"]:::{kind}')
    between: dict[tuple[int, int, bool], list[Column]] = {}
    for wire in track.wires:
        if wire.end is not None:
            between.setdefault((wire.start, wire.end, wire.beside), []).append(wire.column)
    for (start, end, beside), columns in sorted(between.items()):
        if start == 0 and past and not beside:
            lines += [f'{past[column.name]} -->|"{_labels([column])}"| {key}_{end}' for column in columns]
        elif start == 0:
            arrow = '-. "in training" .->' if beside else "-->"
            lines += [f"{raw[column.name]} {arrow} {key}_{end}" for column in columns]
        else:
            lines.append(f'{key}_{start} -->|"{_labels(columns)}"| {key}_{end}')
    for number, wire in enumerate(wire for wire in track.wires if wire.end is None):
        begins = {**raw, **past}[wire.column.name] if wire.start == 0 else f"{key}_{wire.start}"
        lines += [_node(f"{key}_out{number}", wire.column), f"{begins} --> {key}_out{number}"]
    return lines


def _node(key: str, column: Column) -> str:
    return f'{key}(["{_text(column.name, _schema(column))}"]):::column'


def _labels(columns: Iterable[Column]) -> str:
    return _text(*(f"{column.name}: {_schema(column)}" for column in columns))


def _schema(column: Column) -> str:
    return " · ".join(part for part in traits(column) if part)


def _op_text(op: Op | Source) -> str:
    return _text(type(op).__name__, *options(op))


def _text(*lines: str) -> str:
    return "<br/>".join(line.translate(_SIGNS) for line in lines)
