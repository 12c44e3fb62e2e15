"""Reports from plain tables."""

from shortlist.report._html_page import HtmlTable, Section, badge, html_page, preformatted, tiles
from shortlist.report._html_plots import bar_plot, curve_plot, small_bars
from shortlist.report._html_spark import sparkline
from shortlist.report._line import Line, bar, duration
from shortlist.report._table import Cell, Table

__all__ = [
    "Cell",
    "HtmlTable",
    "Line",
    "Section",
    "Table",
    "badge",
    "bar",
    "bar_plot",
    "curve_plot",
    "duration",
    "html_page",
    "preformatted",
    "small_bars",
    "sparkline",
    "tiles",
]
