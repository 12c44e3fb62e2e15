"""Several series in one plot, and figures with their intervals, as SVG within a page."""

from collections.abc import Mapping, Sequence
from html import escape
from math import floor, isfinite, log10

__all__ = ["interval_plot", "legend", "line_plot"]

_COLOURS = 8
_LEFT, _BOTTOM, _TOP, _RIGHT = 48, 36, 26, 12

Points = Sequence[tuple[float, float]]


def legend(names: Sequence[str], *, dashed: Sequence[str] = ()) -> str:
    """The colours of series, in the order of `line_plot`; ``dashed`` names are those of a thinner kind."""
    each = [
        f'<span class="c{place % _COLOURS}"><i></i>{escape(name + " (dashed)" * (name in dashed))}</span>'
        for place, name in enumerate(names)
    ]
    return f'<div class="legend">{"".join(each)}</div>'


def line_plot(
    series: Mapping[str, Points],
    *,
    across: str,
    up: str,
    labels: Sequence[str] | None = None,
    dashed: Sequence[str] = (),
    size: tuple[int, int] = (500, 280),
) -> str:
    """Series as lines from zero upwards, each point with its figures when pointed at.

    Args:
        series: name -> points (x, y), x ascending; what is not finite is left out.
        across: what x is.
        up: what y is.
        labels: words in place of the numbers 0, 1, 2 .. of x.
        dashed: names of series to draw dashed.
        size: pixels, across and up.
    """
    kept = {
        name: [(x, y) for x, y in points if isfinite(x) and isfinite(y)] for name, points in series.items()
    }
    every = [point for points in kept.values() for point in points]
    if not every:
        return '<p class="soft">nothing to plot</p>'
    first, last = min(x for x, _ in every), max(x for x, _ in every)
    plane = _Plane(first, last, max(*(y for _, y in every), 1e-12), size)
    parts = [plane.grid(labels, across, up)]
    for number, (name, points) in enumerate(kept.items()):
        colour = f"c{number % _COLOURS}"
        path = " ".join(f"{plane.x(x):.1f},{plane.y(y):.1f}" for x, y in points)
        dash = " dash" if name in dashed else ""
        parts.append(f'<g class="{colour}"><polyline class="l{dash}" points="{path}"/>')
        for x, y in points:
            word = labels[int(x)] if labels is not None else f"{x:g}"
            tip = f"<title>{escape(name)}, {escape(across)} {escape(word)}: {y:.4g}</title>"
            parts.append(
                f'<circle class="d" cx="{plane.x(x):.1f}" cy="{plane.y(y):.1f}" r="2.6">{tip}</circle>'
            )
        parts.append("</g>")
    return _svg(*size, parts)


def interval_plot(rows: Sequence[tuple[str, float, float, float]], *, across: str, width: int = 500) -> str:
    """One bar a row from zero to the mean, with a whisker from low to high.

    Args:
        rows: name, mean, low, high.
        across: what the numbers are.
        width: pixels.
    """
    ends = [value for row in rows for value in row[1:] if isfinite(value)]
    if not ends:
        return '<p class="soft">nothing to plot</p>'
    left, step = 12 + 6.3 * max(len(name) for name, *_ in rows), 24
    top, most = 8, max(*ends, 1e-12)
    wide, height = width - left - 54, top + step * len(rows) + _BOTTOM
    parts = []
    for tick in _ticks(most):
        x = left + wide * tick / most
        parts.append(f'<path class="axis" d="M{x:.1f} {top}V{height - _BOTTOM + 4}"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - _BOTTOM + 17}" text-anchor="middle">{tick:.3g}</text>')
    for place, (name, mean, low, high) in enumerate(rows):
        y, end = top + step * place, max(low, high, mean)
        tip = f"<title>{escape(name)}: {mean:.4f} ({low:.4f} to {high:.4f})</title>"
        parts.append(f'<text x="{left - 6:.1f}" y="{y + 15}" text-anchor="end">{escape(name)}</text>')
        parts.append(
            f'<g class="c{place % _COLOURS}"><rect class="d" x="{left:.1f}" y="{y + 4}" height="14" '
            f'width="{max(wide * mean / most, 0.5):.1f}" opacity=".75">{tip}</rect></g>'
        )
        span = f"M{left + wide * low / most:.1f} {y + 11}H{left + wide * high / most:.1f}"
        parts.append(f'<path class="whisker" d="{span}"/>')
        parts.append(f'<text x="{left + wide * end / most + 6:.1f}" y="{y + 15}">{mean:.4f}</text>')
    parts.append(
        f'<text x="{left + wide / 2:.1f}" y="{height - 4}" text-anchor="middle">{escape(across)}</text>'
    )
    return _svg(width, height, parts)


class _Plane:
    """Where a point stands in the plot."""

    def __init__(self, first: float, last: float, most: float, size: tuple[int, int]) -> None:
        self._first, self._span, self._most = first, max(last - first, 1e-12), most
        self._wide, self._high = size[0] - _LEFT - _RIGHT, size[1] - _TOP - _BOTTOM

    def x(self, value: float) -> float:
        return _LEFT + self._wide * (value - self._first) / self._span

    def y(self, value: float) -> float:
        return _TOP + self._high * (1 - value / self._most)

    def grid(self, labels: Sequence[str] | None, across: str, up: str) -> str:
        right, bottom = _LEFT + self._wide, _TOP + self._high
        parts = []
        for tick in _ticks(self._most):
            y = self.y(tick)
            parts.append(f'<path class="axis" d="M{_LEFT} {y:.1f}H{right}"/>')
            parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:.3g}</text>')
        if labels is None:
            marks = [(value, f"{value:g}") for value in self._whole()]
        else:
            marks = [(float(place), word) for place, word in enumerate(labels)]
        for value, word in marks:
            anchor = "middle" if value < self._first + self._span else "end"
            place = f'x="{self.x(value):.1f}" y="{bottom + 15}"'
            parts.append(f'<text {place} text-anchor="{anchor}">{escape(word)}</text>')
        middle = (_LEFT + right) / 2
        parts.append(f'<text x="{middle:.1f}" y="{bottom + 31}" text-anchor="middle">{escape(across)}</text>')
        parts.append(f'<text x="{_LEFT - 40}" y="12">{escape(up)}</text>')
        return "".join(parts)

    def _whole(self) -> list[float]:
        step = max(1, round(self._span / 9))
        return [self._first + step * place for place in range(int(self._span // step) + 1)]


def _ticks(most: float) -> list[float]:
    """Round numbers from 0 to the most, about four of them.

    >>> [round(tick, 6) for tick in _ticks(0.37)]
    [0.0, 0.1, 0.2, 0.3]
    """
    rough = most / 4
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    return [step * place for place in range(int(most / step + 1e-9) + 1)]


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    return f"<svg {size}>{''.join(parts)}</svg>"
