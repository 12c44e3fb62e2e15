"""Selectors by name and type: ``select.names("a", "b")``, ``select.dtype("float32")``."""

from shortlist.schema._selectors import Selector

__all__ = ["dtype", "everything", "names"]


def names(*wanted: str) -> Selector:
    """Columns of these names; names that a schema lacks are not chosen."""
    return Selector(f"names({', '.join(wanted)})", lambda column: column.name in wanted)


def dtype(*wanted: str) -> Selector:
    """Columns whose elements have one of these types."""
    return Selector(f"dtype({', '.join(wanted)})", lambda column: column.dtype in wanted)


def everything() -> Selector:
    """All columns."""
    return Selector("everything()", lambda _: True)
