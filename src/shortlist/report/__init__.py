"""Reports from plain tables."""

from shortlist.report._table import Cell, Table

__all__ = ["Cell", "Table"]
