"""Plots as SVG within a page: they take its colours, in light and in dark."""

from collections.abc import Sequence
from html import escape

__all__ = ["bar_plot", "curve_plot", "small_bars"]

_LEFT, _BOTTOM, _TOP = 52, 20, 14


def bar_plot(
    labels: Sequence[str], counts: Sequence[int], *, width: int = 1080, height: int = 150, marks: int = 8
) -> str:
    """Counts as bars from left to right.

    Args:
        labels: what each bar stands for; shown beneath some of them, and with its count when pointed at.
        counts: one for each label.
        width: pixels.
        height: pixels.
        marks: most labels to show beneath.
    """
    most = max(counts, default=0)
    if most <= 0:
        return '<p class="soft">nothing to plot</p>'
    wide, tall = width - _LEFT, height - _BOTTOM - _TOP
    step = wide / len(counts)
    gap = 1.5 if step > 5 else 0.0
    parts = [_level(share, most, width, tall) for share in (0.0, 0.5, 1.0)]
    for place, (label, count) in enumerate(zip(labels, counts, strict=True)):
        high = tall * count / most
        x, y = _LEFT + place * step, _TOP + tall - high
        tip = f"<title>{escape(label)}: {count:,}</title>"
        shape = f'x="{x:.1f}" y="{y:.1f}" width="{max(step - gap, 0.5):.1f}" height="{high:.1f}"'
        parts.append(f'<rect class="bar" {shape}>{tip}</rect>')
    every = -(-len(labels) // marks)
    for place in range(0, len(labels), every):
        x = _LEFT + (place + 0.5) * step
        anchor = "start" if place == 0 else "middle"
        x = _LEFT if place == 0 else min(x, width - 30)
        parts.append(
            f'<text x="{x:.1f}" y="{height - 4}" text-anchor="{anchor}">{escape(labels[place])}</text>'
        )
    return _svg(width, height, parts)


def curve_plot(
    points: Sequence[tuple[float, float]],
    *,
    across: str,
    up: str,
    marked: Sequence[float] = (),
    size: int = 300,
) -> str:
    """A curve of shares against shares, with the diagonal that would be even.

    Args:
        points: from (0, 0) to (1, 1).
        across: what the share from left to right is of.
        up: what the share from bottom to top is of.
        marked: shares to put a point on, with the figures when pointed at.
        size: pixels of the plot within its axes.
    """
    wide, high = size + 70, size + 44
    x0, y0 = 44, 8 + size
    path = " ".join(f"{x0 + x * size:.1f},{y0 - y * size:.1f}" for x, y in points)
    parts = [f'<path class="axis" d="M{x0} 8V{y0}H{x0 + size}"/>']
    parts.append(f'<path class="even" d="M{x0} {y0}L{x0 + size} 8"/>')
    for share in (0.0, 0.5, 1.0):
        parts.append(
            f'<text x="{x0 + share * size:g}" y="{y0 + 15}" text-anchor="middle">{100 * share:.0f} %</text>'
        )
        parts.append(
            f'<text x="{x0 - 6}" y="{y0 - share * size + 4:g}" text-anchor="end">{100 * share:.0f} %</text>'
        )
    parts.append(f'<polyline class="curve" points="{path}"/>')
    for share in marked:
        held = _between(points, share)
        tip = f"<title>{100 * share:g} % {escape(across)}: {100 * held:.1f} % {escape(up)}</title>"
        place = f'cx="{x0 + share * size:.1f}" cy="{y0 - held * size:.1f}"'
        parts.append(f'<circle class="bar" {place} r="4">{tip}</circle>')
    parts.append(f'<text x="{x0 + size / 2:g}" y="{y0 + 31}" text-anchor="middle">{escape(across)}</text>')
    parts.append(f'<text x="{x0 + 8}" y="18">{escape(up)}</text>')
    return _svg(wide, high, parts)


def small_bars(counts: Sequence[int], *, width: int = 132, height: int = 30) -> str:
    """A histogram as small as a word; empty for none."""
    most = max(counts, default=0)
    if most <= 0:
        return ""
    step = width / len(counts)
    parts = [
        f'<rect class="bar" x="{place * step:.1f}" y="{height - height * count / most:.1f}" '
        f'width="{max(step - 0.8, 0.8):.1f}" height="{height * count / most:.1f}"/>'
        for place, count in enumerate(counts)
    ]
    return _svg(width, height, parts)


def _level(share: float, most: int, width: int, tall: float) -> str:
    y = _TOP + tall * (1 - share)
    line = f'<path class="axis" d="M{_LEFT} {y:.1f}H{width}"/>'
    return f'{line}<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(share * most)}</text>'


def _short(count: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g}{letter}"
    return f"{count:.3g}"


def _between(points: Sequence[tuple[float, float]], share: float) -> float:
    """The curve's height, straight between its points."""
    last_x, last_y = 0.0, 0.0
    for x, y in points:
        if x >= share:
            return y if x == last_x else last_y + (y - last_y) * (share - last_x) / (x - last_x)
        last_x, last_y = x, y
    return last_y


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    return f"<svg {size}>{''.join(parts)}</svg>"
