"""Reports from plain tables."""

from shortlist.report._html_lines import interval_plot, legend, line_plot
from shortlist.report._html_page import HtmlTable, Section, badge, html_page, preformatted, tiles
from shortlist.report._html_plots import bar_plot, curve_plot, small_bars
from shortlist.report._html_scatter import Axis, Series, scatter_plot
from shortlist.report._html_spark import sparkline
from shortlist.report._line import Line, bar, duration
from shortlist.report._table import Cell, Table

__all__ = [
    "Axis",
    "Cell",
    "HtmlTable",
    "Line",
    "Section",
    "Series",
    "Table",
    "badge",
    "bar",
    "bar_plot",
    "curve_plot",
    "duration",
    "html_page",
    "interval_plot",
    "legend",
    "line_plot",
    "preformatted",
    "scatter_plot",
    "small_bars",
    "sparkline",
    "tiles",
]
