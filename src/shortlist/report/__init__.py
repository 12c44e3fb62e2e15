"""Reports from plain tables."""

from shortlist.report._line import Line, bar, duration
from shortlist.report._table import Cell, Table

__all__ = ["Cell", "Line", "Table", "bar", "duration"]
