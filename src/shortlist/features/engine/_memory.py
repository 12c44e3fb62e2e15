"""Amounts of memory: as people write them, and what this machine has."""

import os
import re
import sys
from ctypes import CDLL
from pathlib import Path

from shortlist.errors import ArgumentError

__all__ = ["give_back", "machine_memory", "share_heap", "to_bytes"]

_UNITS = {"B": 1} | {
    f"{prefix}{kind}": base ** (place + 1)
    for kind, base in (("B", 1000), ("iB", 1024))
    for place, prefix in enumerate("KMGT")
}
_ARENA_MAX = -8
_WHERE_UNKNOWN = 4 * 2**30
_CGROUPS = Path("/sys/fs/cgroup")


def to_bytes(where: str, amount: int | str) -> int:
    """A number of bytes, or text like ``"800MB"`` (800 million) and ``"1.5GiB"`` (1.5 * 2^30).

    Raises:
        ArgumentError: it is neither, or not above 0.

    >>> to_bytes("Local.memory", "1.5 GB"), to_bytes("Local.memory", 4096)
    (1500000000, 4096)
    """
    size = amount if isinstance(amount, int) else _parsed(amount)
    if size is None or size < 1:
        raise ArgumentError(
            where, received=amount, expected="bytes above 0", remedy="pass 800_000_000, '800MB' or '1.5GiB'"
        )
    return size


def machine_memory() -> int:
    """Bytes this process may use: the memory of the machine, or the least bound of its control groups.

    4 GiB where the system does not say.
    """
    known = [*_group_bounds(), *_physical()]
    return min(known, default=_WHERE_UNKNOWN)


def share_heap() -> bool:
    """Have all threads of this process take memory from one heap; gives whether the C library knows how.

    By default threads have heaps of their own, and what one has freed is of no use to another. Arrays
    are few and large, so threads do not wait for the heap.
    The setting holds until the process ends.
    """
    set_option = getattr(CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    return set_option is not None and bool(set_option(_ARENA_MAX, 1))


def give_back() -> bool:
    """Have the C library return the memory of freed arrays to the system; gives whether it knows how.

    It keeps it otherwise, once for every thread that has worked: next to what a job holds, that is much.
    """
    trim = getattr(CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    return trim is not None and bool(trim(0))


def _parsed(amount: str) -> int | None:
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?i?B)\s*", amount)
    return int(float(found[1]) * _UNITS[found[2]]) if found and found[2] in _UNITS else None


def _physical() -> list[int]:
    try:
        return [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    except (AttributeError, ValueError, OSError):  # systems that do not tell
        return []


def _group_bounds(own: Path = Path("/proc/self/cgroup"), root: Path = _CGROUPS) -> list[int]:
    """Bounds of the groups this process is in, and of those around them; version 1 and 2 of the interface."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return []
    bounds = []
    for line in lines:
        _, controllers, group = line.split(":", maxsplit=2)
        if controllers == "":
            top, name = root, "memory.max"
        elif "memory" in controllers.split(","):
            top, name = root / "memory", "memory.limit_in_bytes"
        else:
            continue
        place = top / group.lstrip("/")
        bounds += [_bound(folder / name) for folder in (place, *place.parents) if folder.is_relative_to(top)]
    return [bound for bound in bounds if bound is not None]


def _bound(file: Path) -> int | None:
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None  # "max": none
