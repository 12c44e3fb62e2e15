"""Metrics in the text form that Prometheus reads, written and read."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isnan

from shortlist.errors import DataError
from shortlist.monitor._histogram import Histogram
from shortlist.monitor._metrics import METRICS

__all__ = ["Row", "exposition", "parsed"]

_LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)",?')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


@dataclass(frozen=True, slots=True)
class Row:
    """One series.

    Attributes:
        name: of the metric.
        labels: name -> value.
        value: a number, or a histogram.
    """

    name: str
    labels: Mapping[str, str]
    value: float | Histogram


def exposition(rows: Iterable[Row]) -> str:
    """The text of rows, metrics in the order of `METRICS`, each with its help and type.

    >>> print(exposition([Row("shortlist_queue_depth", {}, 2)]), end="")
    # HELP shortlist_queue_depth Requests that wait for a thread now
    # TYPE shortlist_queue_depth gauge
    shortlist_queue_depth 2
    """
    by_name: dict[str, list[str]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).extend(_lines(row))
    text = []
    for name, metric in METRICS.items():
        if name in by_name:
            head = [f"# HELP {name} {metric.about}", f"# TYPE {name} {metric.kind}"]
            text += [*head, *by_name.pop(name)]
    assert not by_name, f"undeclared metrics {sorted(by_name)}"
    return "\n".join(text) + "\n"


def parsed(text: str, where: str = "metrics") -> list[tuple[str, dict[str, str], float]]:
    """Name, labels and value of every line.

    Raises:
        DataError: a line is none of a metric.

    >>> parsed('a_total{b="c d"} 1')
    [('a_total', {'b': 'c d'}, 1.0)]
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.match(line)
        try:
            assert match is not None
            labels = {name: _plain(value) for name, value in _LABEL.findall(match[2] or "")}
            found.append((match[1], labels, float(match[3])))
        except (AssertionError, ValueError) as error:
            raise DataError(
                f"{where}, line {number}",
                received=repr(line[:80]),
                expected="a line of the text form of Prometheus",
                remedy="give the address of a shortlist server",
            ) from error
    return found


def _lines(row: Row) -> list[str]:
    labels = [f'{name}="{_escaped(value)}"' for name, value in row.labels.items()]
    if not isinstance(row.value, Histogram):
        return [f"{row.name}{_braced(labels)} {_number(row.value)}"]
    bins = row.value.cumulative()
    lines = []
    for end, count in bins:
        le = "+Inf" if end == float("inf") else f"{end:g}"
        inside = _braced([*labels, f'le="{le}"'])
        lines.append(f"{row.name}_bucket{inside} {count}")
    rest = _braced(labels)
    return [*lines, f"{row.name}_sum{rest} {row.value.total:.9g}", f"{row.name}_count{rest} {bins[-1][1]}"]


def _braced(labels: list[str]) -> str:
    return f"{{{','.join(labels)}}}" if labels else ""


def _number(value: float) -> str:
    if isnan(value):
        return "NaN"
    return str(value) if isinstance(value, int) else f"{value:.9g}"


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _plain(value: str) -> str:
    return re.sub(r"\\.", lambda match: _ESCAPES.get(match[0], match[0]), value)
