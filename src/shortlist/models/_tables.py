"""The embedding tables of a model, of one width or of several."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from shortlist.errors import ArgumentError
from shortlist.nn import EmbeddingTables, MixedTables, width_by_size

__all__ = ["Tables", "Widths", "build_tables", "check_widths"]

Tables: TypeAlias = EmbeddingTables | MixedTables
Widths: TypeAlias = Mapping[str, int] | Literal["by size"] | None


def build_tables(rows: Mapping[str, int], dim: int, widths: Widths, *, sparse: bool, seed: int) -> Tables:
    """Tables that are read at width ``dim``, stored at the widths given.

    >>> build_tables({"item": 9}, 4, {"item": 2}, sparse=True, seed=0).widths
    {'item': 2}
    """
    if isinstance(widths, str):
        widths = {name: width_by_size(size, dim) for name, size in rows.items()}
    widths = widths or {}
    if all(width == dim for width in widths.values()) and rows.keys() >= widths.keys():
        return EmbeddingTables(rows, dim, seed=seed, sparse=sparse)
    return MixedTables(rows, dim, widths, seed=seed, sparse=sparse)


def check_widths(where: str, widths: Widths) -> None:
    """Refuse an unknown rule.

    Raises:
        ArgumentError: it is a text, but not ``"by size"``.
    """
    if isinstance(widths, str) and widths != "by size":
        raise ArgumentError(
            where, received=widths, expected="'by size', or a mapping from domain to width, or None"
        )
