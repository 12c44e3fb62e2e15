"""What is built out of a fitted state for this process: never saved, made at its first use."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from shortlist.features._state import State

__all__ = ["Derived"]

T = TypeVar("T")


class Derived(Generic[T]):
    """One thing for each state, kept as long as the state is.

    Args:
        build: makes it.

    >>> sizes = Derived(lambda state: len(state.values))
    >>> state = State({"a": 1})
    >>> sizes.of(state)
    1
    """

    def __init__(self, build: Callable[[State], T]) -> None:
        self._build = build
        self._made: WeakKeyDictionary[State, T] = WeakKeyDictionary()
        self._lock = Lock()

    def keep(self, state: State, made: T) -> None:
        """Take for this state what was built already."""
        with self._lock:
            self._made[state] = made

    def of(self, state: State) -> T:
        """What was built for this state; threads that come at once wait for one of them to build it."""
        with self._lock:
            if state not in self._made:
                self._made[state] = self._build(state)
            return self._made[state]
