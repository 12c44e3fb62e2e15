"""A tree of merges whose form depends on the number of parts alone."""

from collections.abc import Callable
from typing import Generic, TypeVar

from shortlist.errors import ArgumentError

__all__ = ["MergeTree"]

T = TypeVar("T")


class MergeTree(Generic[T]):
    """Merges neighbours as a binary counter carries: at most ``log2(n) + 1`` parts of n are held at once.

    >>> tree = MergeTree(lambda left, right: f"({left}{right})")
    >>> for part in "abcde":
    ...     tree.add(part)
    >>> tree.total()
    '(((ab)(cd))e)'
    """

    def __init__(self, merge: Callable[[T, T], T]) -> None:
        self._merge = merge
        self._held: list[tuple[int, T]] = []

    def add(self, part: T) -> None:
        """Take the next part in order."""
        height = 0
        while self._held and self._held[-1][0] == height:
            part = self._merge(self._held.pop()[1], part)
            height += 1
        self._held.append((height, part))

    def total(self) -> T:
        """Everything merged.

        Raises:
            ArgumentError: nothing was added.
        """
        if not self._held:
            raise ArgumentError("map_reduce", received="no partitions", expected="at least one partition")
        parts = [part for _, part in self._held]
        total = parts.pop()
        while parts:
            total = self._merge(parts.pop(), total)
        return total
