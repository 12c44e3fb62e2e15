"""The program that a profile proposes: read, split, fit a workflow."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from shortlist.io import Dataset
from shortlist.profiling._column import ColumnProfile
from shortlist.profiling._propose import IGNORED
from shortlist.profiling._subject import Subject
from shortlist.profiling._times import Timing
from shortlist.schema import Column, Schema, Tags

__all__ = ["Known", "program"]

_WIDTH = 100
_RARE, _MANY = 0.2, 1000
_LOG = ("log", "items", "users")
_RATINGS, _LEVELS = ("rating", "score", "stars"), 20


@dataclass(frozen=True, slots=True)
class Known:
    """All that a program is written from.

    Attributes:
        source: files, or tables in memory.
        subject: what the rows are.
        schema: the proposed schema.
        columns: what is known of each column.
        ignored: columns to leave out, and why.
        doubts: columns to look at before they are used, and why.
        timing: when the events happened.
    """

    source: object
    subject: Subject
    schema: Schema
    columns: Sequence[ColumnProfile]
    ignored: Mapping[str, str]
    doubts: Mapping[str, str]
    timing: Timing | None

    def about(self, name: str) -> ColumnProfile:
        """A column by its name."""
        return next(column for column in self.columns if column.name == name)


def program(known: Known) -> str:
    """Python that runs as it stands; ``source`` is what was profiled, if that was no file."""
    subject = known.subject
    span = _test_span(known)
    name = {"log": "events", "items": "items", "users": "users"}.get(subject.kind, "rows")
    place = _place(known.source)
    lines = ["import shortlist as sl", "from shortlist import ops", "", *_naming(known.source, place)]
    lines += _reading(known, name, place)
    if span is not None:
        lines.append(f'train, _, test = sl.split.by_time({name}, valid=None, test="{span}")')
    lines += _left_out(known)
    lines += ["flow = sl.Workflow([", *_encoded(known), *_scaled(known), *_vectors(known)]
    if subject.kind == "log" and span is not None:
        lines += _history(subject.roles["item"])
    lines += [f"]).fit({'train' if span is not None else name})", "print(flow.schema)"]
    return "\n".join(lines) + "\n"


def _place(source: object) -> str:
    if isinstance(source, str | Path):
        return _quoted(str(source))
    if isinstance(source, list | tuple) and source and all(isinstance(one, str | Path) for one in source):
        return "files" if len(source) > 1 else _quoted(str(source[0]))
    return "source"


def _naming(source: object, place: str) -> list[str]:
    """The list of several files."""
    if place != "files" or not isinstance(source, list | tuple):
        return []
    return _folded("files = ", [str(one) for one in source], "")


def _reading(known: Known, name: str, place: str) -> list[str]:
    if isinstance(known.source, Dataset):
        return [f"{name} = source", *_tagging(known, name)]
    if known.subject.kind not in _LOG:
        return [f"{name} = sl.Dataset.read({place})", *_tagging(known, name)]
    roles, more = known.subject.roles, ""
    lines = ["roles = {" + ", ".join(f'"{role}": {_quoted(column)}' for role, column in roles.items()) + "}"]
    value = known.about(roles["value"]) if "value" in roles else None
    if value is not None and value.low is not None and value.low < 0:
        lines.append("# A negative value takes an earlier event of the same user and item back.")
        lines.append("signals = sl.Signals(negative_value_cancels=True)")
        more = ", signals=signals"
    elif "event" in roles:
        kinds = ", ".join(str(value) for value, _ in known.about(roles["event"]).most[:6])
        lines.append(f"# Every event counts alike; sl.Signals says otherwise, by type: {kinds}.")
    elif value is not None and value.name.lower() in _RATINGS and value.distinct <= _LEVELS:
        lines.append(
            f"# Every {value.name} counts alike; signals=sl.Signals(min_value=...) keeps the high ones."
        )
    lines.append(f"{name} = sl.scan({place}, roles=roles{more})")
    for target in known.subject.targets:
        tags = ", ".join(f'"{tag}"' for tag in sorted(known.schema[target].tags))
        lines.append(f"{name} = {name}.tag({_quoted(target)}, {tags})")
    return lines


def _tagging(known: Known, name: str) -> list[str]:
    """Tags by the words that several columns share."""
    words: dict[str, list[str]] = {}
    for column in known.schema:
        if IGNORED not in column.tags:
            words.setdefault(" ".join(sorted(column.tags)), []).append(column.name)
    lines = ["tags = {"]
    for tags, names in words.items():
        lines += _folded(f'    "{tags}": ', names, ",")
    loop = ["for words, names in tags.items():", "    for name in names:"]
    return [*lines, "}", *loop, f"        {name} = {name}.tag(name, *words.split())"]


def _left_out(known: Known) -> list[str]:
    lines = []
    for column in known.schema:
        if column.name in known.ignored:
            lines.append(
                f"# {column.name or 'A column without a name'} is left out: {known.ignored[column.name]}."
            )
        elif column.name in known.doubts:
            lines.append(f"# {column.name} {known.doubts[column.name]}: is it known before the event?")
        elif Tags.TEXT in column.tags:
            lines.append(f"# {column.name} is text: a text encoder makes vectors of it.")
        elif "date" in column.tags:
            lines.append(f"# {column.name} is a date: elapsed time or parts of it make features.")
        elif Tags.ID in column.tags and column.dtype.startswith("float"):
            lines.append(f"# {column.name} holds ids as floating point numbers: cast it to whole ones.")
    return lines


def _encoded(known: Known) -> list[str]:
    """Branches of Categorify, by how many of a column's values are rare."""
    by_options: dict[str, list[str]] = {}
    for column in known.schema:
        wanted = Tags.CATEGORICAL in column.tags and column.dtype != "datetime"
        if wanted and not column.dtype.startswith("float") and not _set_apart(column):
            about = known.about(column.name)
            once_each = Tags.ID in column.tags and (known.subject.kind != "log" or Tags.USER in column.tags)
            rare = about.distinct > _MANY and about.once > _RARE and not once_each
            by_options.setdefault("min_count=2" if rare else "", []).append(column.name)
    chains = ((names, f" >> ops.Categorify({options}),") for options, names in by_options.items())
    return [line for names, chain in chains for line in _folded("    ", names, chain)]


def _scaled(known: Known) -> list[str]:
    """Branches for numbers: limits where few are far out, logarithms where they are skewed."""
    by_ops: dict[str, list[str]] = {}
    for column in known.schema:
        if Tags.CONTINUOUS in column.tags and not _set_apart(column) and column.shape.kind != "vector":
            by_ops.setdefault(_numeric_ops(known.about(column.name)), []).append(column.name)
    return [line for chain, names in by_ops.items() for line in _folded("    ", names, f" >> {chain},")]


def _numeric_ops(column: ColumnProfile) -> str:
    """Clip, LogOp, Normalize, and the mean where a value is missing: 0 after Normalize."""
    chain, low = [], column.low
    if column.far_out:
        low, high = (float(f"{column.quantiles[share]:.3g}") for share in (0.001, 0.999))
        chain.append(f"ops.Clip({low:g}, {high:g})")
    if low is not None and low >= 0 and column.skewed:
        chain.append("ops.LogOp()")
    chain.append("ops.Normalize()")
    flag = ", add_indicator=True" if column.missing > 0 and column.shape == "" else ""
    chain.append(f"ops.FillMissing(0.0{flag})")
    return " >> ".join(chain)


def _vectors(known: Known) -> list[str]:
    return [
        f"    {_quoted(column.name)},"
        for column in known.schema
        if column.shape.kind == "vector" and not _set_apart(column) and Tags.TEXT not in column.tags
    ]


def _history(item: str) -> list[str]:
    name = _quoted(item)
    return [
        f"    ops.History({name}, max_length=50) >> ops.Categorify(like={name}),",
        '    ops.AsOf("user") >> ops.LogOp() >> ops.Normalize(),',
        '    ops.AsOf("item", window="30d") >> ops.LogOp() >> ops.Normalize(),',
    ]


def _set_apart(column: Column) -> bool:
    return bool(column.tags & {IGNORED, Tags.TARGET, Tags.TIME, "value", "event", "weight"})


def _quoted(text: str) -> str:
    """Text as a literal."""
    return json.dumps(text, ensure_ascii=False)


def _listed(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"


def _folded(before: str, names: Sequence[str], after: str) -> list[str]:
    """A list of names between two texts, on one line if that is short enough, else on several."""
    whole = f"{before}{_listed(names)}{after}"
    if len(whole) <= _WIDTH:
        return [whole]
    deep = " " * (len(before) - len(before.lstrip()) + 4)
    lines = [deep]
    for name in names:
        word = f"{_quoted(name)}, "
        if len(lines[-1]) + len(word) > _WIDTH and lines[-1] != deep:
            lines.append(deep)
        lines[-1] += word
    return [f"{before}[", *(line.rstrip() for line in lines), f"{deep[4:]}]{after}"]


def _test_span(known: Known) -> str | None:
    """The last four weeks, or a sixth of a shorter log; None where there is nothing to split by."""
    timing = known.timing
    if known.subject.kind != "log" or timing is None or timing.first is None or timing.last is None:
        return None
    if known.schema[timing.column].dtype != "datetime":
        return None
    span = timing.last - timing.first
    if span >= timedelta(days=168):
        return "28d"
    for unit, length in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1))):
        if span >= 6 * length:
            return f"{span // (6 * length)}{unit}"
    return None
