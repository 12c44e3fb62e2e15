"""Partitions read together."""

from typing import NamedTuple

__all__ = ["Part", "in_groups"]


class Part(NamedTuple):
    """A partition: its number, rows and memory."""

    number: int
    rows: int
    nbytes: int


def in_groups(parts: list[Part], memory_bytes: int) -> list[list[Part]]:
    """Neighbours together as long as they fit the memory; a partition that is larger stands alone.

    >>> in_groups([Part(0, 1, 6), Part(1, 1, 4), Part(2, 1, 9)], 10)
    [[Part(number=0, rows=1, nbytes=6), Part(number=1, rows=1, nbytes=4)], [Part(number=2, rows=1, nbytes=9)]]
    """
    groups: list[list[Part]] = []
    size = 0
    for part in parts:
        if len(groups) > 0 and size + part.nbytes <= memory_bytes:
            groups[-1].append(part)
            size += part.nbytes
        else:
            groups.append([part])
            size = part.nbytes
    return groups
