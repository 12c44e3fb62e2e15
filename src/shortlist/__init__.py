"""Shortlist: from an interaction log to a served recommendation."""

__version__ = "0.1.0"
