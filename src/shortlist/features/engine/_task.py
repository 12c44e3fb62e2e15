"""What travels to a worker of a cluster, and what the worker does with it."""

import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, cached_property
from importlib.metadata import version
from typing import Any, Generic, TypeVar

import polars as pl

from shortlist.errors import ArgumentError, DataError
from shortlist.extras import need
from shortlist.features.engine._tree import MergeTree

__all__ = ["Carried", "Result", "Work", "keep", "measured", "merged"]

V = TypeVar("V")

Versions = dict[str, str]
Work = tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]


class Carried(Generic[V]):
    """A value packed for other processes: they unpack it once each, and the scheduler not at all.

    Args:
        packed: the value's bytes, see `of`.
        made_by: versions of the process that packed it.
    """

    def __init__(self, packed: bytes, made_by: Versions) -> None:
        self._packed = packed
        self._made_by = made_by

    @classmethod
    def of(cls, value: V) -> "Carried[V]":
        """Pack a value; functions that others cannot import travel with what they close over.

        Raises:
            ArgumentError: something in it cannot leave this process.
        """
        try:
            return cls(_transport().dumps(value), versions())
        except Exception as error:
            raise ArgumentError(
                "Dask.map_reduce",
                received=f"work that cannot travel ({error})",
                expected="functions and partitions that can go to other processes",
                remedy="keep locks, open files and connections out of them",
            ) from error

    def __reduce__(self) -> tuple[type["Carried[V]"], tuple[bytes, Versions]]:
        """Packed, however often it was unpacked here."""
        return type(self), (self._packed, self._made_by)

    @cached_property
    def value(self) -> V:
        """The value.

        Raises:
            ArgumentError: this process has other versions than the one that packed it.
        """
        here = versions()
        if here != self._made_by:
            raise ArgumentError(
                "Dask.client",
                received=f"a worker with {_named(here)}",
                expected=f"workers with {_named(self._made_by)}, as in this program",
                remedy="run the scheduler, the workers and the program in one environment or image",
            )
        value: V = _transport().loads(self._packed)
        return value


def keep(work: Carried[Work]) -> Carried[Work]:
    """The functions of a job, as a task: when the worker that holds them is lost, another gets them again."""
    return work


def measured(work: Carried[Work], block: Carried[Sequence[Any]], retries: int) -> "Result":
    """Consecutive parts, measured and merged; a part is tried again where a file was not read or written."""
    measure, merge = work.value
    tree = MergeTree(merge)
    for part in block.value:
        tree.add(_tried(measure, part, retries))
    return Result(tree.total())


def merged(work: Carried[Work], left: "Result", right: "Result") -> "Result":
    """Two results, merged."""
    _, merge = work.value
    return Result(merge(left.value, right.value))


@dataclass(frozen=True, slots=True)
class Result:
    """What came of parts; the scheduler is told its size, and has it merged where most of it is."""

    value: Any

    def __sizeof__(self) -> int:
        return _size(self.value)


def _tried(measure: Callable[[Any], Any], part: Any, retries: int) -> Any:
    for failed in range(retries):
        try:
            return measure(part)
        except (OSError, pl.exceptions.ComputeError, DataError):
            time.sleep(failed + 1)
    return measure(part)


def _size(value: object) -> int:
    if isinstance(value, pl.DataFrame):
        return int(value.estimated_size())
    if isinstance(value, list | tuple):
        return sum(map(_size, value))
    if is_dataclass(value):
        return sum(_size(getattr(value, field.name)) for field in fields(value))
    return sys.getsizeof(value)


@cache
def versions() -> Versions:
    """What must be the same wherever a job runs."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python, **{name: version(name) for name in ("shortlist", "polars", "numpy")}}


def _named(found: Versions) -> str:
    return ", ".join(f"{name} {number}" for name, number in found.items())


def _transport() -> Any:
    return need("distributed.protocol.pickle", use="the engine Dask")
