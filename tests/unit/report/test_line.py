"""The line that says how work goes."""

import io
import sys

import pytest

from shortlist.report import Line, bar, duration


def test_line_is_drawn_at_most_ten_times_a_second(monkeypatch):
    clock = iter([5.0, 5.05, 5.2])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    line = Line(True)
    assert [line.due(), line.due(), line.due()] == [5.0, None, 5.2]


def test_line_is_redrawn_in_place_and_cleared(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    line = Line(True)
    line.draw("half")
    line.close()
    assert sys.stderr.getvalue() == "\rhalf\x1b[K\r\x1b[K"


@pytest.mark.parametrize("shown", [False, None])
def test_line_that_is_not_shown_writes_nothing(monkeypatch, shown):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    line = Line(shown)
    assert line.due() is None
    line.close()
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize(("share", "cells"), [(0.0, 0), (0.5, 10), (0.99, 20), (1.0, 20)])
def test_bar_fills_with_the_share(share, cells):
    assert bar(share) == "█" * cells + "·" * (20 - cells)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (99.4, "99 s"), (100, "2 min"), (float("inf"), "?")]
)
def test_duration_is_short(seconds, text):
    assert duration(seconds) == text
