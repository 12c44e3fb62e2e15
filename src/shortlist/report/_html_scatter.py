"""Points and lines over two axes, as an SVG that stands in a page or alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, isfinite, log10

__all__ = ["Axis", "Series", "scatter_plot"]

# Told apart on light and on dark ground, and by most people who see few colours.
_COLOURS = ("#3b7dd8", "#d9822b", "#2f9e6e", "#b5519c", "#8a6d3b", "#7a87a8", "#c74a4a", "#1aa3b5")
_TEXT = "fill:var(--soft,#5d6b7a);font:11px ui-sans-serif,system-ui,sans-serif"
_LINE = "stroke:var(--line,#d5dbe3);fill:none"
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 16, 14, 38


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one colour.

    Attributes:
        name: as it stands in the legend; empty for none.
        points: (x, y), in the order of the line.
        tips: what each point says when pointed at; empty for none.
        marks: a dot at each point: "full", "hollow" or "none".
        line: "straight" from point to point, "steps" that hold each y up to the next x, or "none".
        labels: a word beside each point, or an empty one; empty for none.
    """

    name: str
    points: Sequence[tuple[float, float]]
    tips: Sequence[str] = ()
    marks: str = "full"
    line: str = "none"
    labels: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis measures.

    Attributes:
        title: what, in which unit.
        log: by powers of ten; points that are not above 0 are left out.
        names: names of the places 0, 1, 2 ... instead of numbers.
    """

    title: str
    log: bool = False
    names: Sequence[str] = ()


def scatter_plot(
    series: Sequence[Series], across: Axis, up: Axis, *, width: int = 520, height: int = 320
) -> str:
    """Series of points; those that are not finite are left out.

    Args:
        series: drawn one over the other, each in its colour.
        across: the axis from left to right.
        up: the axis from bottom to top.
        width: pixels.
        height: pixels.

    >>> plot = scatter_plot([Series("a", [(1.0, 2.0), (2.0, 3.0)], line="straight")], Axis("x"), Axis("y"))
    >>> plot.count("<circle"), plot.count("<polyline")  # one circle is the legend's
    (3, 1)
    """
    shown = [point for one in series for point in one.points if _fits(point, across, up)]
    if not shown:
        return '<p class="soft">nothing to plot</p>'
    legend = [one.name for one in series if one.name]
    top = _TOP + (18 if legend else 0)
    x = _Scale(across, [point[0] for point in shown], _LEFT, width - _RIGHT)
    y = _Scale(up, [point[1] for point in shown], height - _BOTTOM, top)
    parts = [*_frame(x, y), *_legend(legend, series)]
    for place, one in enumerate(series):
        parts += _drawn(one, x, y, _COLOURS[place % len(_COLOURS)])
    middle = (_LEFT + width - _RIGHT) / 2
    parts.append(_text(middle, height - 6, across.title, "middle"))
    turn = f' transform="rotate(-90 12 {(y.start + y.end) / 2:.1f})"'
    parts.append(_text(12, (y.start + y.end) / 2, up.title, "middle", turn))
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>'


class _Scale:
    """Numbers as pixels along one axis."""

    def __init__(self, axis: Axis, values: Sequence[float], start: float, end: float) -> None:
        self.axis, self.start, self.end = axis, start, end
        inner = [log10(value) for value in values] if axis.log else list(values)
        low, high = min(inner), max(inner)
        room = 0.05 * (high - low) or 0.5 * (abs(high) or 1.0)
        self.low, self.high = low - room, high + room

    def __call__(self, value: float) -> float:
        inner = log10(value) if self.axis.log else value
        return self.start + (inner - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """Values to mark, and how they read."""
        if self.axis.names:
            return [(float(place), name) for place, name in enumerate(self.axis.names)]
        if self.axis.log:
            return [(value, _short(value)) for value in _powers(self.low, self.high)]
        step = _nice((self.high - self.low) / 5)
        numbers = range(ceil(self.low / step), floor(self.high / step) + 1)
        return [(number * step, _short(round(number * step, 12))) for number in numbers]


def _powers(low: float, high: float) -> list[float]:
    """Powers of ten between two logarithms, their halves and fifths too where there are few."""
    factors = (1,) if high - low > 2.5 else (1, 2, 5)
    exponents = range(floor(low), ceil(high) + 1)
    values = [factor * 10.0**exponent for exponent in exponents for factor in factors]
    every = max(1, (ceil(high) - floor(low)) // 7) if len(factors) == 1 else 1
    return [value for value in values if low <= log10(value) <= high][::every]


def _nice(step: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** floor(log10(step))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= step), 10 * power)


def _frame(x: _Scale, y: _Scale) -> list[str]:
    parts = []
    for value, name in y.ticks():
        parts.append(f'<path style="{_LINE}" d="M{x.start} {y(value):.1f}H{x.end}"/>')
        parts.append(_text(x.start - 6, y(value) + 4, name, "end"))
    for value, name in x.ticks():
        parts.append(f'<path style="{_LINE}" d="M{x(value):.1f} {y.start}v4"/>')
        parts.append(_text(x(value), y.start + 16, name, "middle"))
    parts.append(f'<path style="{_LINE}" d="M{x.start} {y.end}V{y.start}H{x.end}"/>')
    return parts


def _legend(names: Sequence[str], series: Sequence[Series]) -> list[str]:
    parts, place = [], float(_LEFT)
    for number, one in enumerate(series):
        if one.name not in names or not one.name:
            continue
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(f'<circle cx="{place + 4:.1f}" cy="10" r="4" fill="{colour}"/>')
        parts.append(_text(place + 12, 14, one.name, "start"))
        place += 30 + 6.2 * len(one.name)
    return parts


def _drawn(one: Series, x: _Scale, y: _Scale, colour: str) -> list[str]:
    kept = [place for place, point in enumerate(one.points) if _fits(point, x.axis, y.axis)]
    pixels = [(x(one.points[place][0]), y(one.points[place][1])) for place in kept]
    parts = []
    if one.line != "none" and len(pixels) > 1:
        corners = _steps(pixels) if one.line == "steps" else pixels
        path = " ".join(f"{left:.1f},{top:.1f}" for left, top in corners)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.6" points="{path}"/>')
    fill = colour if one.marks == "full" else "none"
    for place, (left, top) in zip(kept, pixels, strict=True):
        tip = f"<title>{escape(one.tips[place])}</title>" if one.tips else ""
        if one.marks != "none":
            dot = f'cx="{left:.1f}" cy="{top:.1f}" r="3.4" fill="{fill}" stroke="{colour}"'
            parts.append(f"<circle {dot}>{tip}</circle>")
        if one.labels and one.labels[place]:
            parts.append(_text(left + 6, top - 6, one.labels[place], "start"))
    return parts


def _steps(pixels: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    corners = [pixels[0]]
    for left, top in pixels[1:]:
        corners += [(left, corners[-1][1]), (left, top)]
    return corners


def _fits(point: tuple[float, float], across: Axis, up: Axis) -> bool:
    pairs = zip(point, (across, up), strict=True)
    return all(isfinite(value) and (value > 0 or not axis.log) for value, axis in pairs)


def _text(x: float, y: float, words: str, anchor: str, more: str = "") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}'
    return f'<text style="{_TEXT}" {place}>{escape(words)}</text>'


def _short(value: float) -> str:
    """A number of few letters.

    >>> _short(20_000), _short(0.0005), _short(3_200_000_000)
    ('20k', '.0005', '3.2G')
    """
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):.4g}{letter}"
    text = f"{value:.4g}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
