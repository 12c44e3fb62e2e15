"""Answers worth keeping."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar, final

__all__ = ["Memo"]

Found = TypeVar("Found")


@final
class Memo:
    """The answers to the last ``size`` questions; threads may ask at once, and then may both work it out.

    >>> memo = Memo(size=1)
    >>> memo.get("a", lambda: 1), memo.get("a", lambda: 2), memo.get("b", lambda: 3), memo.get("a", lambda: 4)
    (1, 1, 3, 4)
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = Lock()
        self._found: dict[Hashable, tuple[Any, tuple[object, ...]]] = {}

    def get(self, key: Hashable, make: Callable[[], Found], *held: object) -> Found:
        """The answer to a question, worked out by ``make`` if it is not known.

        Args:
            key: the question; for objects that are told apart by identity, their ``id``.
            make: works it out.
            held: objects whose ``id`` is in the key: as long as they are held, no other object gets it.
        """
        known = self._found.get(key)
        if known is None:
            known = make(), held
            with self._lock:
                self._found[key] = known
                if len(self._found) > self._size:
                    del self._found[next(iter(self._found))]
        found: Found = known[0]
        return found
