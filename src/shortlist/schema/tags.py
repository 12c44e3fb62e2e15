"""Selectors by tag: ``tags.any("id", "categorical")``, ``tags.all("user", "continuous")``."""

from shortlist.schema._selectors import Selector
from shortlist.schema._tags import Tags, tag_set

__all__ = ["Tags", "all", "any"]


def any(*tags: str) -> Selector:  # noqa: A001 - read as tags.any
    """Columns that carry at least one of the tags."""
    wanted = frozenset[str]().union(*(tag_set([tag]) for tag in tags))
    label = f"tags.any({', '.join(sorted(wanted))})"
    return Selector(label, lambda column: not wanted.isdisjoint(column.tags))


def all(*tags: str) -> Selector:  # noqa: A001 - read as tags.all
    """Columns that carry every one of the tags."""
    wanted = tag_set(tags)
    return Selector(f"tags.all({', '.join(sorted(wanted))})", lambda column: wanted <= column.tags)
