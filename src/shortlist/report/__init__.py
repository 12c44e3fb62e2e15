"""Reports from plain tables."""

from shortlist.report._table import Table

__all__ = ["Table"]
