"""Scatter plots put points where they belong."""

import re
from math import inf, nan

import pytest

from shortlist.report import Axis, Series, scatter_plot
from shortlist.report._html_scatter import _short


def circles(plot: str) -> list[tuple[float, float]]:
    found = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="3.4"', plot)
    return [(float(x), float(y)) for x, y in found]


def test_points_rise_to_the_right_and_up() -> None:
    (left, low), (middle, half), (right, high) = circles(
        scatter_plot([Series("", [(0, 0), (1, 5), (2, 10)])], Axis("x"), Axis("y"))
    )
    assert middle - left == pytest.approx(right - middle, abs=0.11)
    assert low - half == pytest.approx(half - high, abs=0.11)
    assert left < right
    assert high < low


def test_a_log_axis_is_even_by_powers() -> None:
    points = circles(scatter_plot([Series("", [(1, 1), (10, 1), (100, 1)])], Axis("x", log=True), Axis("y")))
    assert points[1][0] - points[0][0] == pytest.approx(points[2][0] - points[1][0], abs=0.11)


def test_what_is_not_finite_or_not_above_0_is_left_out() -> None:
    odd = [(nan, 1.0), (1.0, inf), (0.0, 1.0), (-1.0, 2.0), (1.0, 1.0)]
    assert len(circles(scatter_plot([Series("", odd)], Axis("x", log=True), Axis("y")))) == 1
    assert scatter_plot([Series("", odd[:2])], Axis("x"), Axis("y")) == '<p class="soft">nothing to plot</p>'


def test_lines_marks_labels_tips_and_legend() -> None:
    points = [(0.0, 1.0), (1.0, 2.0), (2.0, 1.0)]
    plot = scatter_plot(
        [
            Series("a & b", points, tips=["<1>", "2", "3"], labels=["p", "q", "r"]),
            Series("steps", points, marks="none", line="steps"),
            Series("", points, marks="hollow", line="straight"),
        ],
        Axis("x", names=["zero", "one", "two"]),
        Axis("y"),
    )
    assert len(circles(plot)) == 6
    assert [len(line.split()) for line in re.findall(r'points="([^"]+)"', plot)] == [5, 3]
    assert "a &amp; b" in plot
    assert "<title>&lt;1&gt;</title>" in plot
    assert all(f">{word}</text>" in plot for word in ("zero", "one", "two", "p", "q", "r", "steps", "x", "y"))
    assert plot.count("hollow") == 0


def test_one_point_has_room_around_it() -> None:
    for value in (0.0, 3.0):
        (point,) = circles(scatter_plot([Series("", [(value, value)])], Axis("x"), Axis("y")))
        assert 58 < point[0] < 504
    (point,) = circles(scatter_plot([Series("", [(1.0, 1.0)])], Axis("x", log=True), Axis("y", log=True)))
    assert 58 < point[0] < 504


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.25, ".25"),
        (-0.25, "-.25"),
        (1234, "1234"),
        (20_000, "20k"),
        (1_500_000, "1.5M"),
        (2e9, "2G"),
        (3e12, "3T"),
    ],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert _short(value) == text
