"""What travels to a worker of a cluster, and what the worker does with it."""

import platform
import time
from collections.abc import Callable
from functools import cache, cached_property
from importlib.metadata import version
from typing import Any, Generic, TypeVar

import polars as pl

from shortlist.errors import ArgumentError
from shortlist.extras import need

__all__ = ["Carried", "Work", "keep", "measured", "merged", "versions"]

V = TypeVar("V")
P = TypeVar("P")
T = TypeVar("T")

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
        """Pack a value; functions that others cannot import travel with what they close over."""
        return cls(_transport().dumps(value), versions())

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
    """The functions of a job, as a task of its own: what a lost worker held is had again from the scheduler."""
    return work


def measured(work: Carried[Work], part: Carried[P], retries: int) -> Any:
    """One part, measured; tried again where a file could not be read or written."""
    measure, _ = work.value
    for failed in range(retries):
        try:
            return measure(part.value)
        except (OSError, pl.exceptions.ComputeError):
            time.sleep(failed + 1)
    return measure(part.value)


def merged(work: Carried[Work], left: T, right: T) -> Any:
    """Two results, merged."""
    _, merge = work.value
    return merge(left, right)


@cache
def versions() -> Versions:
    """What must be the same wherever a job runs."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python, **{name: version(name) for name in ("shortlist", "polars", "numpy")}}


def _named(found: Versions) -> str:
    return ", ".join(f"{name} {number}" for name, number in found.items())


def _transport() -> Any:
    return need("distributed.protocol.pickle", use="the engine Dask")
