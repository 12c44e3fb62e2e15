"""The last while, in sixths."""

from collections.abc import Callable, Iterator
from time import monotonic
from typing import Generic, TypeVar, final

__all__ = ["Recent"]

_PARTS = 6

T = TypeVar("T")


@final
class Recent(Generic[T]):
    """Holds one thing for each sixth of a window that moves on; not guarded against threads.

    Args:
        make: makes an empty one.
        seconds: length of the window.
        clock: seconds that never run backwards.

    >>> time = [0.0]
    >>> recent = Recent(list, 60.0, lambda: time[0])
    >>> recent.now.append("old")
    >>> time[0] = 59.0
    >>> recent.now.append("new")
    >>> [one for part in recent.parts() for one in part]
    ['old', 'new']
    >>> time[0] = 61.0
    >>> [one for part in recent.parts() for one in part]
    ['new']
    """

    def __init__(self, make: Callable[[], T], seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._make, self._clock, self._step = make, clock, seconds / _PARTS
        self._parts: dict[int, T] = {}

    @property
    def now(self) -> T:
        """The thing of this sixth."""
        number = self._number()
        if number not in self._parts:
            self._parts[number] = self._make()
            self._forget(number)
        return self._parts[number]

    def parts(self) -> Iterator[T]:
        """The things of the window, oldest first."""
        self._forget(self._number())
        yield from (self._parts[number] for number in sorted(self._parts))

    def _number(self) -> int:
        return int(self._clock() // self._step)

    def _forget(self, number: int) -> None:
        for old in [one for one in self._parts if one <= number - _PARTS]:
            del self._parts[old]
